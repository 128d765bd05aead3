//! The closed list of what can become of a record, and what each means (design section 5).
//!
//! A record that is not [handled](Outcome::is_handled) is reported back to SQS: the match
//! below is the only place that decides it.

use std::fmt;

use jiff::Timestamp;

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
    /// The key was done before, but with other data.
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
    },
    /// Undecodable, of unknown type or version, or rejected by the handler.
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
    pub const METRICS: [&'static str; 10] = [
        "succeeded",
        "duplicate",
        "skipped",
        "conflict",
        "busy",
        "retried",
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
            Self::Conflict => 3,
            Self::Busy { .. } => 4,
            Self::Retried { .. } => 5,
            Self::Rejected { .. } => 6,
            Self::LeaseLost => 7,
            Self::Unattempted => 8,
            Self::StoreUnavailable { .. } => 9,
        }
    }

    /// Whether SQS may delete the message. Everything else is reported and comes back, or
    /// ends in the dead-letter queue once the queue's `maxReceiveCount` is reached.
    pub fn is_handled(&self) -> bool {
        match self {
            Self::Succeeded | Self::Duplicate | Self::Skipped { .. } => true,
            Self::Conflict
            | Self::Busy { .. }
            | Self::Retried { .. }
            | Self::Rejected { .. }
            | Self::LeaseLost
            | Self::Unattempted
            | Self::StoreUnavailable { .. } => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped { reason }
            | Self::Retried { reason }
            | Self::Rejected { reason }
            | Self::StoreUnavailable { reason } => {
                write!(formatter, "{}: {reason}", self.metric())
            }
            Self::Conflict => write!(
                formatter,
                "conflict: idempotency key reused with other data"
            ),
            Self::Busy { until } => {
                write!(formatter, "busy: another worker's lease runs until {until}")
            }
            Self::Succeeded | Self::Duplicate | Self::LeaseLost | Self::Unattempted => {
                formatter.write_str(self.metric())
            }
        }
    }
}
