//! Five minutes of memory for what a FIFO queue or topic has already taken in.
//!
//! A duplicate does not renew the memory: the five minutes run from the first message.

use crate::EpochMillis;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

const MEMORY: EpochMillis = 5 * 60 * 1000;

/// Group (where deduplication is per group) and deduplication id.
pub(crate) type DeduplicationKey = (Option<Arc<str>>, Arc<str>);

/// What the first message of that id was answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Original {
    pub(crate) message_id: u128,
    pub(crate) sequence: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Deduplication {
    seen: HashMap<DeduplicationKey, Original>,
    expiries: VecDeque<(EpochMillis, DeduplicationKey)>,
}

impl Deduplication {
    pub(crate) fn forget_expired(&mut self, now: EpochMillis) {
        while let Some((at, _)) = self.expiries.front()
            && *at <= now
        {
            if let Some((_, key)) = self.expiries.pop_front() {
                self.seen.remove(&key);
            }
        }
    }

    pub(crate) fn original(&self, key: &DeduplicationKey) -> Option<Original> {
        self.seen.get(key).copied()
    }

    pub(crate) fn remember(&mut self, now: EpochMillis, key: DeduplicationKey, original: Original) {
        self.expiries.push_back((now + MEMORY, key.clone()));
        self.seen.insert(key, original);
    }
}
