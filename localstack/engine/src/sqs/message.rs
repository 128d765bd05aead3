//! One message and the state it is in.
//!
//! A message is in exactly one [`State`]; only `store.rs` changes it, together with the
//! counters and the order that depend on it. Rare fields are boxed: a million plain
//! messages must fit into memory.

use crate::EpochMillis;
use crate::attribute::Attributes;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Finds a message in its store for as long as it lives; a reused slot has another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) number: u64,
    pub(crate) slot: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Delayed {
        until: EpochMillis,
    },
    Available,
    InFlight {
        until: EpochMillis,
        since: EpochMillis,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) id: u128,
    pub(crate) body: Arc<str>,
    pub(crate) attributes: Option<Arc<Attributes>>,
    pub(crate) rare: Option<Box<Rare>>,
    pub(crate) sent: EpochMillis,
    pub(crate) first_received: Option<EpochMillis>,
    /// As consumers see it: it goes on counting in the dead-letter queue.
    pub(crate) receive_count: u32,
    /// In this queue only: what the redrive policy compares.
    pub(crate) receives_here: u32,
    pub(crate) state: State,
}

/// What few messages have.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Rare {
    pub(crate) group: Option<Arc<str>>,
    pub(crate) deduplication: Option<Arc<str>>,
    pub(crate) sequence: Option<u64>,
    pub(crate) trace_header: Option<Arc<str>>,
    pub(crate) dead_letter_source: Option<Arc<str>>,
}

impl Message {
    /// When the state ends by itself.
    pub(crate) fn deadline(&self) -> Option<EpochMillis> {
        match self.state {
            State::Available => None,
            State::Delayed { until } | State::InFlight { until, .. } => Some(until),
        }
    }

    pub(crate) fn group(&self) -> Option<&Arc<str>> {
        self.rare.as_ref().and_then(|rare| rare.group.as_ref())
    }

    pub(crate) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

/// The sequence number after `last`. Taken from the time, so that numbers go on growing when
/// neither the queue nor its last message is remembered any more.
pub(crate) fn next_sequence(now: EpochMillis, last: u64) -> u64 {
    last.saturating_add(1).max(now.saturating_mul(1 << 20))
}

/// SQS writes sequence numbers with 20 digits.
pub(crate) fn format_sequence(sequence: u64) -> String {
    const FIRST: u64 = 10_000_000_000_000_000_000;
    FIRST.saturating_add(sequence).to_string()
}
