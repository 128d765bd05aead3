//! What became of each event at each consumer, in a form that runs elsewhere can be compared with.
//!
//! The one thing to get wrong: taking the last message's receives for the event's. An event that was sent twice has two
//! messages.

use std::collections::BTreeMap;

use fanline::dead_letter::Reason;

use super::run::Run;

/// By consumer and event id.
pub(super) type Traces = BTreeMap<String, BTreeMap<String, Trace>>;

/// One event at one consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// How often its queue handed it out, all its messages together.
    pub receives: u32,
    /// What became of it.
    pub ending: Ending,
}

/// How an event ended at a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its effect has happened, and its messages are deleted.
    Done,
    /// It is in the dead-letter queue.
    DeadLetter {
        /// What its note says; none if SQS has moved it by itself.
        reason: Option<Reason>,
        /// At which receive it was given up.
        attempts: u32,
    },
    /// Neither.
    Open,
}

impl Run {
    /// What became of each event that a consumer's queue handed out, by event id. Empty unless the run has a timeline.
    pub fn traces(&self, consumer: &str) -> BTreeMap<String, Trace> {
        self.traces.get(consumer).cloned().unwrap_or_default()
    }
}
