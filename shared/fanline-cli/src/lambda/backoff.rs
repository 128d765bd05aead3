//! How long to wait before a function whose processes fail to start is tried again. Pure: the time
//! is passed in. Only failures of the init phase count; a handler that crashes is not slowed down,
//! because the queue's visibility timeout already does that.

use std::time::Duration;
use tokio::time::Instant;

/// Long enough to keep a broken binary from using a core, short enough to go unnoticed after a fix.
const FIRST: Duration = Duration::from_millis(100);
/// The longest anyone waits to see whether a rebuilt binary works.
const LONGEST: Duration = Duration::from_secs(5);

/// Consecutive init failures and the moment before which no process is started.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    not_before: Option<Instant>,
}

impl Backoff {
    pub(super) fn failed(&mut self, now: Instant) {
        let doubled = FIRST.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        self.not_before = Some(now + doubled.min(LONGEST));
    }

    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The moment from which a process may be started, if that is not at once.
    pub(super) fn not_before(&self) -> Option<Instant> {
        self.not_before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(failures: usize) -> Vec<u128> {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        let wait = |backoff: &mut Backoff| {
            backoff.failed(now);
            backoff
                .not_before()
                .expect("a failure delays")
                .duration_since(now)
                .as_millis()
        };
        (0..failures).map(|_| wait(&mut backoff)).collect()
    }

    #[test]
    fn doubles_up_to_five_seconds() {
        assert_eq!(waits(8), [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(
            waits(100).last(),
            Some(&5_000),
            "no overflow after many failures"
        );
    }

    #[test]
    fn a_success_clears_it() {
        let mut backoff = Backoff::default();
        backoff.failed(Instant::now());
        backoff.succeeded();
        assert_eq!(backoff.not_before(), None);
    }
}
