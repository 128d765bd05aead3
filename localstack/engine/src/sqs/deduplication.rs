//! Five minutes of memory for what a FIFO queue or topic has taken in, and handed out.
//!
//! A duplicate does not renew the memory: the five minutes run from the first message.

use crate::EpochMillis;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Place;
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

/// AWS's deduplication interval.
const INTERVAL: EpochMillis = 5 * 60 * 1000;

/// What is forgotten five minutes after it was remembered.
///
/// A FIFO queue has an entry for each message of five minutes, so keys are stored once: the index
/// holds the numbers of entries, nothing else.
#[derive(Debug)]
pub(crate) struct FiveMinutes<Key, Value> {
    /// In the order in which they are forgotten.
    entries: VecDeque<Entry<Key, Value>>,
    /// The number of the first entry.
    first: u64,
    index: HashTable<u64>,
    hasher: RandomState,
}

#[derive(Debug)]
struct Entry<Key, Value> {
    until: EpochMillis,
    key: Key,
    value: Value,
}

impl<Key, Value> Default for FiveMinutes<Key, Value> {
    fn default() -> Self {
        Self {
            entries: VecDeque::new(),
            first: 0,
            index: HashTable::new(),
            hasher: RandomState::new(),
        }
    }
}

impl<Key: Eq + Hash, Value> FiveMinutes<Key, Value> {
    pub(crate) fn forget_expired(&mut self, now: EpochMillis) {
        while self.entries.front().is_some_and(|entry| entry.until <= now) {
            let Some(entry) = self.entries.front() else {
                return;
            };
            let hash = self.hasher.hash_one(&entry.key);
            // Remembered again since then, the key's number is a later one.
            if let Ok(place) = self.index.find_entry(hash, |number| *number == self.first) {
                place.remove();
            }
            self.entries.pop_front();
            self.first += 1;
        }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&Value> {
        self.place(key).map(|place| &self.entries[place].value)
    }

    pub(crate) fn get_mut(&mut self, key: &Key) -> Option<&mut Value> {
        let place = self.place(key)?;
        self.entries.get_mut(place).map(|entry| &mut entry.value)
    }

    fn place(&self, key: &Key) -> Option<usize> {
        let hash = self.hasher.hash_one(key);
        let is_it = |number: &u64| self.entries[(number - self.first) as usize].key == *key;
        let number = self.index.find(hash, is_it)?;
        Some((number - self.first) as usize)
    }

    /// Remembers from `now` on; returns when that ends.
    pub(crate) fn remember(&mut self, now: EpochMillis, key: Key, value: Value) -> EpochMillis {
        let until = now + INTERVAL;
        self.restore(until, key, value);
        until
    }

    /// Remembers until a moment; later moments must come after earlier ones.
    pub(crate) fn restore(&mut self, until: EpochMillis, key: Key, value: Value) {
        let Self {
            entries,
            first,
            index,
            hasher,
        } = self;
        let number = *first + entries.len() as u64;
        let key_of = |number: &u64| &entries[(number - *first) as usize].key;
        let hash = hasher.hash_one(&key);
        let place = index.entry(
            hash,
            |number| *key_of(number) == key,
            |number| hasher.hash_one(key_of(number)),
        );
        match place {
            Place::Occupied(mut place) => *place.get_mut() = number,
            Place::Vacant(place) => drop(place.insert(number)),
        }
        entries.push_back(Entry { until, key, value });
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
    fn thousands_of_keys_are_found_and_forgotten_one_by_one() {
        let mut memory = FiveMinutes::default();
        for number in 0..5000_u64 {
            memory.remember(number, number, number * 2);
        }
        for gone in [1, 2500, 4999, 5000] {
            memory.forget_expired(INTERVAL + gone - 1);
            for number in 0..5000 {
                let expected = (number >= gone).then_some(number * 2);
                assert_eq!(memory.get(&number).copied(), expected);
            }
        }
        assert!(memory.index.is_empty() && memory.entries.is_empty());
    }

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
