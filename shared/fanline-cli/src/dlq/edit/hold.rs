//! Keeping one message in hand for as long as a person needs.

use std::{future::Future, time::Duration};

use tokio::time::sleep;

use crate::{
    Error,
    dlq::{session::Session, settle::show_after},
};

/// Waits for the work and renews the hold meanwhile. A renewal that fails is tried again; whether
/// the message is still held is asked once more when it matters.
pub(super) async fn while_it_lasts<T>(
    session: &Session,
    handle: &String,
    seconds: i32,
    work: impl Future<Output = T>,
) -> T {
    let pause = Duration::from_secs(u64::from(seconds.unsigned_abs()) / 3);
    let renewals = async {
        loop {
            sleep(pause).await;
            let _best_effort = renew(session, handle, seconds).await;
        }
    };
    tokio::select! {
        done = work => done,
        () = renewals => unreachable!("renewals go on"),
    }
}

/// Holds on for so many seconds from now.
///
/// # Errors
/// If somebody else may have it by now.
pub(super) async fn renew(session: &Session, handle: &String, seconds: i32) -> Result<(), Error> {
    let handles = std::slice::from_ref(handle);
    match show_after(&session.sqs, &session.queue, handles, seconds).await {
        (1, _) => Ok(()),
        (_, Some(error)) => Err(error),
        _ => Err(Error::new(format!(
            "the message is no longer held: its visibility timeout ended, and another consumer of {} may have it; nothing is sent, try again",
            session.queue.name
        ))),
    }
}

/// Makes it visible again. What cannot be, becomes so by itself.
pub(super) async fn give_back(session: &Session, handle: &String) {
    let handles = std::slice::from_ref(handle);
    let _best_effort = show_after(&session.sqs, &session.queue, handles, 0).await;
}
