//! Five minutes of memory for what a FIFO queue or topic has taken in, and handed out.
//!
//! A duplicate does not renew the memory: the five minutes run from the first message.

use crate::EpochMillis;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;

/// AWS's deduplication interval.
const INTERVAL: EpochMillis = 5 * 60 * 1000;

/// What is forgotten five minutes after it was remembered.
#[derive(Debug)]
pub(crate) struct FiveMinutes<Key, Value> {
    remembered: HashMap<Key, (EpochMillis, Value)>,
    expiries: VecDeque<(EpochMillis, Key)>,
}

impl<Key, Value> Default for FiveMinutes<Key, Value> {
    fn default() -> Self {
        Self {
            remembered: HashMap::new(),
            expiries: VecDeque::new(),
        }
    }
}

impl<Key: Clone + Eq + Hash, Value> FiveMinutes<Key, Value> {
    pub(crate) fn forget_expired(&mut self, now: EpochMillis) {
        while let Some((at, _)) = self.expiries.front()
            && *at <= now
        {
            let Some((at, key)) = self.expiries.pop_front() else {
                return;
            };
            // Remembered again since then, it is the later entry's to forget.
            if self
                .remembered
                .get(&key)
                .is_some_and(|(until, _)| *until <= at)
            {
                self.remembered.remove(&key);
            }
        }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Value> {
        self.remembered.get(key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &Key) -> Option<&mut Value> {
        self.remembered.get_mut(key).map(|(_, value)| value)
    }

    /// Remembers from `now` on; returns when that ends.
    pub(crate) fn remember(&mut self, now: EpochMillis, key: Key, value: Value) -> EpochMillis {
        let until = now + INTERVAL;
        self.restore(until, key, value);
        until
    }

    /// Remembers until a moment; later moments must come after earlier ones.
    pub(crate) fn restore(&mut self, until: EpochMillis, key: Key, value: Value) {
        self.expiries.push_back((until, key.clone()));
        self.remembered.insert(key, (until, value));
    }
}

/// Group (where deduplication is per group) and deduplication id.
pub(crate) type DeduplicationKey = (Option<Arc<str>>, Arc<str>);

/// What the first message of that id was answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Original {
    pub(crate) message_id: u128,
    pub(crate) sequence: u64,
}

pub(crate) type Deduplication = FiveMinutes<DeduplicationKey, Original>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_minutes_run_from_the_last_time_it_was_remembered() {
        let mut memory = FiveMinutes::default();
        memory.remember(0, "key", 1);
        memory.remember(200_000, "key", 2);
        memory.forget_expired(INTERVAL);
        assert_eq!(memory.get(&"key"), Some(&2));
        memory.forget_expired(200_000 + INTERVAL);
        assert_eq!(memory.get(&"key"), None);
    }
}
