//! The wall clock of the local Lambda service, needed because a deadline is told to another
//! process as a date, and schedules are made for dates. Everything measured inside this process uses `tokio::time::Instant`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The wall clock, to the millisecond.
pub(crate) fn now() -> jiff::Timestamp {
    let since_epoch = i64::try_from(since_epoch().as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(since_epoch).unwrap_or(jiff::Timestamp::MAX)
}

/// Time since 1970, as the `Lambda-Runtime-Deadline-Ms` header counts it.
#[expect(
    clippy::disallowed_methods,
    reason = "the deadline crosses a process boundary, where only the wall clock is shared"
)]
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
