//! Killing what runs, at a point of the test's choice.

use std::{future::poll_fn, pin::pin, task::Poll};

/// Runs `invocation` and drops it at its nth wait, as if its process were killed there. None says that
/// it was; else it ended before that wait, with this.
///
/// A wait is a moment at which everything that runs in it awaits something; a longer one may count twice. In a
/// [`Harness`](crate::Harness) every call to the dedup store, the queue and its publishers has one before
/// its effect and one between effect and answer; a handler has its own. So counting up from 1 until it is
/// not None kills at every await there is:
///
/// ```
/// # use fanline::{Envelope, Event, Failure, Outcome, State, Worker};
/// # use serde::{Deserialize, Serialize};
/// # use std::sync::{Arc, Mutex};
/// use fanline_testing::{Harness, crash_at};
/// # #[derive(Serialize, Deserialize)] struct SignedUp {}
/// # impl Event for SignedUp { const TYPE: &'static str = "user.signed_up"; }
/// # type Mails = Arc<Mutex<Vec<String>>>;
/// # async fn welcome(event: Envelope<SignedUp>, State(mails): State<Mails>) -> Result<(), Failure> {
/// #     mails.lock().unwrap().push(event.id().to_owned());
/// #     Ok(())
/// # }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let mut crashes = 0;
/// for wait in 1.. {
///     let mails = Mails::default();
///     let harness = Harness::new(Worker::new(mails.clone()).on(welcome));
///     let event = harness.event(SignedUp {});
///     let outcome = crash_at(wait, harness.deliver(&event)).await;
///     harness.drain().await; // what was in flight comes back
///     assert!(!mails.lock().unwrap().is_empty(), "killed at wait {wait}");
///     if outcome.is_some() {
///         break;
///     }
///     crashes += 1;
/// }
/// assert_eq!(crashes, 4); // before and after Claim, before and after Settle
/// # });
/// ```
///
/// Tasks that the invocation has spawned are not killed: they are the runtime's.
///
/// # Panics
/// If `wait` is 0: nothing would have been delivered.
pub async fn crash_at<Invocation: Future>(
    wait: usize,
    invocation: Invocation,
) -> Option<Invocation::Output> {
    assert!(wait > 0, "waits are numbered from 1");
    let mut invocation = pin!(invocation);
    let mut waits = 0;
    poll_fn(|context| match invocation.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => {
            waits += 1;
            match waits == wait {
                true => Poll::Ready(None),
                false => Poll::Pending,
            }
        }
    })
    .await
}
