//! A layer that calls no more often than agreed. What one could get wrong: the rate is one process's.

mod bucket;
mod service;
#[cfg(test)]
mod tests;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use bucket::Bucket;
pub(crate) use service::NoToken;
use service::{Line, RateLimitService};
use tower::Layer;

#[cfg(doc)]
use crate::Failure;

/// In nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// Runs handlers at a limited rate, for what they call allows no more: a token bucket.
///
/// A call waits for its token, in order of arrival. If its token comes too late for the invocation, it is
/// not run and fails at once with [`Failure::retry_after`] and the time until then. Waiting comes first
/// because it costs Lambda's time, at 256 MB about 0.000004 USD a second, while coming back costs one of
/// the message's receives.
///
/// So let a batch fit into an invocation: `BatchSize` at most the rate times the function's timeout. Then
/// nothing is ever sent back.
///
/// ```
/// use std::num::NonZeroU32;
/// use fanline::{Envelope, Failure, Worker, layers::RateLimit};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)] struct UserSignedUp {}
/// # impl fanline::Event for UserSignedUp { const TYPE: &'static str = "user.signed_up"; }
/// async fn send_welcome(event: Envelope<UserSignedUp>) -> Result<(), Failure> {
///     Ok(()) // the provider takes 140 mails a second
/// }
///
/// // 10 environments (the queue's MaximumConcurrency) of 14 a second each.
/// const PER_ENVIRONMENT: NonZeroU32 = NonZeroU32::new(14).unwrap();
/// let worker = Worker::new(()).on(send_welcome).layer(RateLimit::per_second(PER_ENVIRONMENT));
/// ```
///
/// The state is one process's: in Lambda, each execution environment has a bucket of its own, and what
/// they call sees up to the rate times the `MaximumConcurrency` of the queue's mapping. Clones of a limit
/// share a bucket.
///
/// # Defaults
///
/// - A burst of a tenth of a second's tokens, at least 1: calls are spread evenly, and a timer that is
///   late by some milliseconds loses nothing. In any second there are at most 1.1 times the rate, or one
///   call more than it.
/// - A margin of 1 s: a call whose token comes later than that before its deadline would hardly be able to
///   finish. A token that is there at once is always taken.
#[derive(Clone, Debug)]
pub struct RateLimit {
    interval: Duration,
    margin: Duration,
    line: Arc<Line>,
}

impl RateLimit {
    /// So many calls a second.
    pub fn per_second(calls: NonZeroU32) -> Self {
        Self::new(calls, SECOND, calls.get() / 10)
    }

    /// So many calls a minute: a low rate, shared out among many environments.
    pub fn per_minute(calls: NonZeroU32) -> Self {
        Self::new(calls, 60 * SECOND, calls.get() / 600)
    }

    /// How many calls may come at once after a pause. This makes a bucket of its own: set first, then
    /// clone.
    pub fn burst(self, calls: NonZeroU32) -> Self {
        Self {
            line: Arc::new(Line::new(Bucket::new(self.interval, calls))),
            ..self
        }
    }

    /// How long before its deadline a call must have its token, if it has to wait for one.
    pub fn margin(self, margin: Duration) -> Self {
        Self { margin, ..self }
    }

    fn new(calls: NonZeroU32, nanoseconds: u64, burst: u32) -> Self {
        // Rounded up: never faster than asked for.
        let interval = Duration::from_nanos(nanoseconds.div_ceil(calls.get().into()));
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        Self {
            interval,
            margin: Duration::from_secs(1),
            line: Arc::new(Line::new(Bucket::new(interval, burst))),
        }
    }
}

impl<Inner> Layer<Inner> for RateLimit {
    type Service = RateLimitService<Inner>;

    fn layer(&self, inner: Inner) -> Self::Service {
        RateLimitService {
            inner,
            line: Arc::clone(&self.line),
            margin: self.margin,
        }
    }
}
