//! The closed list of what can become of a record, and what each means (design section 5).
//!
//! A record that is not [handled](Outcome::is_handled) is reported back to SQS: the match
//! below is the only place that decides it.

use std::{fmt, time::Duration};

use jiff::Timestamp;

use crate::dead_letter::Reason;

/// What became of one record. Every record of a batch ends in exactly one.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The handler succeeded and its dedup record is complete.
    Succeeded,
    /// The key was done before: recognised, without effect.
    Duplicate,
    /// Unknown type or version, and the worker was told to skip those.
    Skipped {
        /// Which type or version.
        reason: String,
    },
    /// Given up, and stored in the dead-letter queue with its reason.
    DeadLettered {
        /// Why it was given up.
        reason: Reason,
        /// The last error.
        error: String,
    },
    /// The key was done before, but with other data; and it could not be made a dead letter.
    Conflict,
    /// Another worker holds the lease.
    Busy {
        /// When its lease ends.
        until: Timestamp,
    },
    /// The handler failed, panicked or ran into the deadline.
    Retried {
        /// What it said.
        reason: String,
        /// The wait that the handler asked for.
        after: Option<Duration>,
    },
    /// Something that every message needs does not answer, or an open circuit breaker kept the handler
    /// from running.
    Unavailable {
        /// What the handler or the breaker said.
        reason: String,
    },
    /// Undecodable, of unknown type or version, or rejected by the handler; and it could not be made
    /// a dead letter.
    Rejected {
        /// Why no retry can help.
        reason: String,
    },
    /// The lease went to another worker while the handler ran.
    LeaseLost,
    /// Not started: the deadline came first, or an earlier record of its FIFO group failed.
    Unattempted,
    /// The dedup store did not answer.
    StoreUnavailable {
        /// What the store said.
        reason: String,
    },
}

impl Outcome {
    /// Names of the metrics, in the order of the table.
    pub const METRICS: [&'static str; 12] = [
        "succeeded",
        "duplicate",
        "skipped",
        "dead_lettered",
        "conflict",
        "busy",
        "retried",
        "unavailable",
        "rejected",
        "lease_lost",
        "unattempted",
        "store_unavailable",
    ];

    /// The metric that counts this outcome.
    pub fn metric(&self) -> &'static str {
        Self::METRICS[self.position()]
    }

    pub(crate) fn position(&self) -> usize {
        match self {
            Self::Succeeded => 0,
            Self::Duplicate => 1,
            Self::Skipped { .. } => 2,
            Self::DeadLettered { .. } => 3,
            Self::Conflict => 4,
            Self::Busy { .. } => 5,
            Self::Retried { .. } => 6,
            Self::Unavailable { .. } => 7,
            Self::Rejected { .. } => 8,
            Self::LeaseLost => 9,
            Self::Unattempted => 10,
            Self::StoreUnavailable { .. } => 11,
        }
    }

    /// Whether SQS may delete the message. Everything else is reported and comes back, or
    /// ends in the dead-letter queue once the queue's `maxReceiveCount` is reached.
    pub fn is_handled(&self) -> bool {
        match self {
            Self::Succeeded
            | Self::Duplicate
            | Self::Skipped { .. }
            | Self::DeadLettered { .. } => true,
            Self::Conflict
            | Self::Busy { .. }
            | Self::Retried { .. }
            | Self::Unavailable { .. }
            | Self::Rejected { .. }
            | Self::LeaseLost
            | Self::Unattempted
            | Self::StoreUnavailable { .. } => false,
        }
    }
}

/// What is wrong with a record whose key was done with other data.
pub(crate) const CONFLICT: &str = "idempotency key reused with other data";

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped { reason }
            | Self::Retried { reason, .. }
            | Self::Unavailable { reason }
            | Self::Rejected { reason }
            | Self::StoreUnavailable { reason } => {
                write!(formatter, "{}: {reason}", self.metric())
            }
            Self::DeadLettered { error, .. } => write!(formatter, "dead_lettered: {error}"),
            Self::Conflict => write!(formatter, "conflict: {CONFLICT}"),
            Self::Busy { until } => {
                write!(formatter, "busy: another worker's lease runs until {until}")
            }
            Self::Succeeded | Self::Duplicate | Self::LeaseLost | Self::Unattempted => {
                formatter.write_str(self.metric())
            }
        }
    }
}
