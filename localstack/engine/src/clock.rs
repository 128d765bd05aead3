//! Where the time comes from: nothing else in this crate reads a clock or waits.
//!
//! The state machines take `now` as an argument. Only the fronts hold a [`Clock`],
//! so a test or a simulation that hands in its own owns time completely. Waiting goes
//! through the clock too: a long poll that slept by another clock than the one that
//! ends its message's delay would wait too long or for ever.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Milliseconds since the Unix epoch, the resolution SQS itself reports.
pub type EpochMillis = u64;

/// A wait for a moment.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// A source of the current time.
pub trait Clock: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> EpochMillis;

    /// Ends when that time has come. It may end early: who waits looks again.
    fn sleep_until(&self, at: EpochMillis) -> Sleep<'_>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where real time enters the engine"
    )]
    fn now(&self) -> EpochMillis {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |elapsed| elapsed.as_millis() as EpochMillis)
    }

    fn sleep_until(&self, at: EpochMillis) -> Sleep<'_> {
        Box::pin(tokio::time::sleep(until(self.now(), at)))
    }
}

/// A clock that moves only when told to. Long polls wait for it.
#[derive(Debug)]
pub struct ManualClock(watch::Sender<EpochMillis>);

impl ManualClock {
    /// A clock standing at `now`.
    pub fn at(now: EpochMillis) -> Self {
        Self(watch::Sender::new(now))
    }

    /// Moves the clock forward and wakes who waited for that.
    pub fn advance(&self, by: Duration) {
        self.0
            .send_modify(|now| *now = now.saturating_add(by.as_millis() as EpochMillis));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> EpochMillis {
        *self.0.borrow()
    }

    fn sleep_until(&self, at: EpochMillis) -> Sleep<'_> {
        let mut moved = self.0.subscribe();
        Box::pin(async move {
            // The sender lives as long as `self`, so the wait cannot fail.
            let _ = moved.wait_for(|now| *now >= at).await;
        })
    }
}

/// A clock that follows tokio's, so that a paused runtime owns it: virtual time, in which
/// hours pass as soon as nothing is left to do.
#[derive(Debug)]
pub struct TokioClock {
    started: Instant,
    at_start: EpochMillis,
}

impl TokioClock {
    /// A clock that shows `now` now. To be called inside the runtime whose time it follows.
    pub fn starting_at(now: EpochMillis) -> Self {
        Self {
            started: Instant::now(),
            at_start: now,
        }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> EpochMillis {
        self.at_start + self.started.elapsed().as_millis() as EpochMillis
    }

    fn sleep_until(&self, at: EpochMillis) -> Sleep<'_> {
        Box::pin(tokio::time::sleep(until(self.now(), at)))
    }
}

fn until(now: EpochMillis, at: EpochMillis) -> Duration {
    Duration::from_millis(at.saturating_sub(now))
}

/// Writes a time as AWS does in notifications: `2026-02-14T10:30:00.000Z`.
pub(crate) fn iso8601(at: EpochMillis) -> String {
    let seconds = at / 1000;
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_date(days);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60,
        at % 1000
    )
}

/// Days since 1970-01-01 to a date. Years are counted from March, so that the leap
/// day is a year's last day and month lengths follow one formula.
fn civil_date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_around_leap_days_are_right() {
        assert_eq!(iso8601(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso8601(951_782_400_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(iso8601(1_771_065_000_123), "2026-02-14T10:30:00.123Z");
        assert_eq!(iso8601(1_709_251_199_999), "2024-02-29T23:59:59.999Z");
    }
}
