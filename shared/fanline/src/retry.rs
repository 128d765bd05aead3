//! When a message that failed comes back: pure functions of the receive count and of chance.

use std::time::Duration;

use crate::{Delivery, Envelope, Failure, Handler, Mode};

/// Waits after failures of what messages need, in seconds. Each is at least half as long, so that
/// five receives outlast an outage of 42 minutes.
const OUTAGE: [u64; 4] = [60, 4 * 60, 16 * 60, 64 * 60];

/// How often a message is tried and how long it waits before each further attempt.
///
/// The wait before attempt n + 1 is random between 1 s and the nth delay, so that messages that
/// failed together do not come back together (full jitter; SQS counts whole seconds). An attempt is a receive:
/// SQS's ApproximateReceiveCount is the number, so that it survives the process. After the last
/// attempt the worker makes the message a dead letter.
///
/// The default is 1 s, 5 s, 30 s, 5 min: five attempts. Keep the queue's `maxReceiveCount` at
/// [`attempts`](Self::attempts) or above; with fewer SQS moves the message first, without a
/// word of why.
///
/// [`Failure::retry_after`](crate::Failure::retry_after) wins over the delays,
/// [`Failure::unavailable`](crate::Failure::unavailable) too: it waits 1, 4, 16, then 64 minutes, jittered down to
/// half, so that an outage of 42 minutes never uses up five attempts.
///
/// ```
/// use std::time::Duration;
/// use fanline::{Envelope, Failure, RetryPlan, Worker, planned};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)] struct Invoice { number: String }
/// # impl fanline::Event for Invoice { const TYPE: &'static str = "invoice.issued"; }
/// async fn book(event: Envelope<Invoice>) -> Result<(), Failure> { Ok(()) }
///
/// let thrice = RetryPlan::new([Duration::from_secs(10), Duration::from_secs(60)]);
/// assert_eq!(thrice.attempts(), 3);
/// // For all handlers of a worker, or for one of them.
/// let worker = Worker::new(()).retry_plan(RetryPlan::default()).on(planned(book, thrice));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPlan {
    delays: Vec<Duration>,
}

impl Default for RetryPlan {
    fn default() -> Self {
        Self::new([1, 5, 30, 300].map(Duration::from_secs))
    }
}

impl RetryPlan {
    /// One attempt more than there are delays; without delays nothing is tried twice.
    pub fn new(delays: impl IntoIterator<Item = Duration>) -> Self {
        Self {
            delays: delays.into_iter().collect(),
        }
    }

    /// How often a message is tried.
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.delays.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1)
    }

    /// Whether no attempt follows this one; receives that came to nothing count.
    pub(crate) fn is_last(&self, attempt: u32) -> bool {
        attempt >= self.attempts()
    }

    /// The wait after a failed attempt, numbered from 1. After the last one it is the longest
    /// delay: for messages that could not be made dead letters.
    pub(crate) fn wait(&self, attempt: u32, random: u128) -> Duration {
        let longest = nth(&self.delays, attempt);
        jittered(Duration::ZERO, longest.copied().unwrap_or_default(), random)
    }
}

/// The wait after an attempt that failed because something is down.
pub(crate) fn outage_wait(attempt: u32, random: u128) -> Duration {
    let longest = nth(&OUTAGE, attempt).copied().unwrap_or_default();
    let longest = Duration::from_secs(longest);
    jittered(longest / 2, longest, random)
}

fn nth<T>(delays: &[T], attempt: u32) -> Option<&T> {
    let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    delays.get(index).or(delays.last())
}

/// Above `shortest`, at most `longest`, evenly spread.
pub(crate) fn jittered(shortest: Duration, longest: Duration, random: u128) -> Duration {
    let span = longest.saturating_sub(shortest).as_millis();
    if span == 0 {
        return longest;
    }
    let milliseconds = u64::try_from(random % span).unwrap_or(u64::MAX);
    shortest + Duration::from_millis(milliseconds.saturating_add(1))
}

/// Gives one handler a plan of its own in place of the worker's.
pub fn planned<H>(handler: H, plan: RetryPlan) -> Planned<H> {
    Planned { handler, plan }
}

/// A handler with a retry plan, made by [`planned`].
#[derive(Clone, Debug)]
pub struct Planned<H> {
    handler: H,
    plan: RetryPlan,
}

impl<S, Arguments, H: Handler<S, Arguments>> Handler<S, Arguments> for Planned<H> {
    type Event = H::Event;

    const TRANSACTIONAL: bool = H::TRANSACTIONAL;

    fn call(
        self,
        event: Envelope<Self::Event>,
        state: S,
        delivery: Delivery,
    ) -> impl Future<Output = Result<(), Failure>> + Send + 'static {
        self.handler.call(event, state, delivery)
    }

    fn key(&self, event: &Envelope<Self::Event>) -> Option<String> {
        self.handler.key(event)
    }

    fn retry_plan(&self) -> Option<&RetryPlan> {
        Some(&self.plan)
    }

    fn mode(&self) -> Mode {
        self.handler.mode()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn waits_stay_between_nothing_and_their_delay(
            delays in prop::collection::vec(0_u64..100_000, 0..6),
            attempt in 0_u32..20,
            random in any::<u128>(),
        ) {
            let plan = RetryPlan::new(delays.iter().copied().map(Duration::from_millis));
            let wait = plan.wait(attempt, random);
            let index = (attempt.max(1) as usize - 1).min(delays.len().saturating_sub(1));
            let longest = Duration::from_millis(delays.get(index).copied().unwrap_or(0));
            prop_assert!(wait <= longest);
            prop_assert!(wait > Duration::ZERO || longest == Duration::ZERO);
        }

        /// However the dice fall, five receives take longer than half an hour.
        #[test]
        fn five_receives_outlast_an_outage_of_42_minutes(random in prop::array::uniform4(any::<u128>())) {
            let waits = (1..=4).zip(random).map(|(attempt, random)| outage_wait(attempt, random));
            prop_assert!(waits.sum::<Duration>() > Duration::from_secs(42 * 60));
        }
    }

    #[test]
    fn all_of_a_delay_is_used() {
        let plan = RetryPlan::new([Duration::from_secs(10)]);
        let waits = (0..10_000).map(|random| plan.wait(1, random));
        assert_eq!(waits.clone().min(), Some(Duration::from_millis(1)));
        assert_eq!(waits.max(), Some(Duration::from_secs(10)));
    }

    #[test]
    fn default_plan_tries_five_times() {
        let plan = RetryPlan::default();
        assert_eq!(plan.attempts(), 5);
        assert!(!plan.is_last(4));
        assert!(plan.is_last(5) && plan.is_last(9));
        assert!(RetryPlan::new([]).is_last(1));
    }
}
