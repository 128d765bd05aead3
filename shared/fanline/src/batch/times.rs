//! The points in time of one batch.

use std::time::Duration;

use jiff::Timestamp;

use super::Renewal;
use crate::delivery::remaining;

/// What SQS allows from the receive on (developer guide, "visibility timeout"), less ten minutes: a
/// batch may be that old when it gets here, by its window and by throttling.
pub(super) const LONGEST_IN_FLIGHT: Duration = Duration::from_secs(12 * 60 * 60 - 10 * 60);

/// When each part of the work must be over.
pub(crate) struct Times {
    /// The batch was here.
    pub(crate) started: Timestamp,
    /// Leases that are not known to be taken by here are not used.
    pub(crate) claim_until: Timestamp,
    /// Handlers still running are stopped here, which leaves time to settle.
    pub(crate) stop: Timestamp,
    /// The store has answered by here or not at all; the rest is the queue's.
    pub(crate) store_until: Timestamp,
    /// Settling ends here, so that the answer is out in time.
    pub(crate) settle_until: Timestamp,
    /// How long a lease is taken for.
    pub(crate) lease_until: Timestamp,
}

impl Times {
    /// All of it until a deadline. The margin is a tenth of the time given, but at least 0.5 s (settling
    /// is one round trip, with retries a few) and at most 5 s. The lease outlasts the deadline by as
    /// much: by then the worker has certainly stopped, even if clocks differ a little.
    pub(super) fn until(deadline: Timestamp, started: Timestamp) -> Self {
        const SHORTEST: Duration = Duration::from_millis(500);
        const LONGEST: Duration = Duration::from_secs(5);
        let margin = (remaining(deadline, started) / 10).clamp(SHORTEST, LONGEST);
        let stop = deadline.checked_sub(margin).unwrap_or(started);
        // Adding to timestamps fails only beyond the year 9999.
        Self {
            started,
            claim_until: stop,
            stop,
            store_until: deadline.checked_sub(margin * 3 / 5).unwrap_or(started),
            settle_until: deadline.checked_sub(margin / 5).unwrap_or(started),
            lease_until: deadline.checked_add(margin).unwrap_or(Timestamp::MAX),
        }
    }

    /// As long as leases are renewed and SQS keeps the messages in flight. When settling must end is
    /// known only when it begins.
    pub(super) fn renewed(renewal: &Renewal, started: Timestamp) -> Self {
        let after = |time| started.checked_add(time).unwrap_or(Timestamp::MAX);
        Self {
            started,
            claim_until: after(renewal.visibility_timeout / 2),
            stop: after(LONGEST_IN_FLIGHT),
            store_until: after(LONGEST_IN_FLIGHT),
            settle_until: after(LONGEST_IN_FLIGHT),
            lease_until: after(renewal.visibility_timeout),
        }
    }
}
