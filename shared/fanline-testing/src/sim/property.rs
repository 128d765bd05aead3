//! What must hold in every run.

use std::{fmt, time::Duration};

use super::timeline::Moment;

/// A promise of the framework. Checked when it could first be broken, not at the end of the run, wherever that is
/// possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Property {
    /// Each event that a topic accepted is, for each consumer that wants it, done or in the dead-letter queue.
    NothingLost,
    /// A message is deleted only when its event is done or its dead letter is stored.
    NotAcknowledgedTooEarly,
    /// The effect of a transaction happens once.
    EffectOnce,
    /// A handler does not run beside itself for one event.
    NeverBesideItself,
    /// A handler does not run for an event that is done; at most once, it does not run a second time.
    NotAgainOnceDone,
    /// One at a time holds a lease, and only who holds it settles it.
    OneHolder,
    /// Who ends in order leaves no lease behind.
    NoLeaseLeft,
    /// Nothing runs while an earlier event of its FIFO group is neither done nor given up.
    GroupOrder,
    /// At its last attempt an event that fails becomes a dead letter that says why.
    WithinPlan,
    /// A dead letter without a reason is of a message whose last receive came to no orderly end.
    DeadLettersSayWhy,
    /// In the end the queues are empty, and no lease is held.
    ComesToRest,
    /// The application's own check.
    Application,
}

impl Property {
    /// The promise in one line.
    pub fn promise(self) -> &'static str {
        match self {
            Self::NothingLost => "every accepted event is done or a dead letter",
            Self::NotAcknowledgedTooEarly => "deleted only when done or a dead letter",
            Self::EffectOnce => "a transaction's effect happens once",
            Self::NeverBesideItself => "a handler does not run beside itself for one event",
            Self::NotAgainOnceDone => "a handler does not run for what is done",
            Self::OneHolder => "one at a time holds a lease, and only it settles",
            Self::NoLeaseLeft => "who ends in order leaves no lease behind",
            Self::GroupOrder => "nothing of a FIFO group overtakes",
            Self::WithinPlan => "the last attempt ends in a dead letter",
            Self::DeadLettersSayWhy => "dead letters say why",
            Self::ComesToRest => "in the end queues are empty and leases free",
            Self::Application => "the application's own check",
        }
    }
}

impl fmt::Display for Property {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.promise())
    }
}

/// A promise that a run broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub property: Property,
    /// What was seen.
    pub text: String,
    /// The event that it is about, if it is one.
    pub event: Option<String>,
    /// When, from the beginning of the run.
    pub at: Duration,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (property, text, at) = (self.property, &self.text, Moment(self.at));
        write!(
            formatter,
            "not kept: {property}\n  at {}: {text}",
            at.to_string().trim_start()
        )
    }
}
