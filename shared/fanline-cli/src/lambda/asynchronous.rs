//! Asynchronous invocation: nobody waits for the answer, and an error is tried twice more before
//! the event is gone.
//!
//! The waits are seconds here and minutes on AWS:
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>. The one
//! thing to get wrong: a wait must not hold up the end of a run, an attempt under way must.

use std::{fmt, time::Duration};

use bytes::Bytes;
use tokio::time::sleep;

use super::{Function, InvokeError, request_id};

/// Before the second and the third attempt; one and two minutes on AWS.
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// Why the function is not given an event again.
#[derive(Debug)]
pub(crate) enum GivenUp {
    /// It could not even be started, so it has not seen the event.
    NotStarted(InvokeError),
    /// It failed as often as Lambda tries.
    Failed(InvokeError),
    /// It failed, and the run ends before it would be tried again.
    Ended(InvokeError),
}

impl fmt::Display for GivenUp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(error) => error.fmt(formatter),
            Self::Failed(error) => write!(
                formatter,
                "{error}; failed three times, as often as Lambda tries (a destination or dead-letter queue of the function is not imitated)"
            ),
            Self::Ended(error) => {
                write!(formatter, "{error}; not tried again, since the run ends")
            }
        }
    }
}

/// Gives `payload` to the function until it handles it, three times at most. `retried` hears of
/// each failure after which it is given again. Once `ending` is done there are no more attempts.
pub(crate) async fn invoke_asynchronously(
    function: &Function,
    payload: Bytes,
    ending: impl Future<Output = ()>,
    mut retried: impl FnMut(&InvokeError),
) -> Result<(), GivenUp> {
    let mut ending = std::pin::pin!(ending);
    let mut waits = WAITS.into_iter();
    loop {
        let error = match function.invoke(&request_id(), payload.clone()).await {
            Ok(_) => return Ok(()),
            Err(error @ (InvokeError::InitFailed { .. } | InvokeError::ShutDown)) => {
                return Err(GivenUp::NotStarted(error));
            }
            Err(error) => error,
        };
        let Some(wait) = waits.next() else {
            return Err(GivenUp::Failed(error));
        };
        retried(&error);
        tokio::select! {
            biased;
            () = &mut ending => return Err(GivenUp::Ended(error)),
            () = sleep(wait) => {}
        }
    }
}
