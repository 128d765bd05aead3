//! A heap of moments at which a message's state ends.
//!
//! Entries are not removed when their message goes away: whoever pops one must check
//! that it still holds. The heap is swept when most of it is stale, so it cannot grow
//! beyond a constant factor of what is alive.

use super::message::Key;
use crate::EpochMillis;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    heap: BinaryHeap<Reverse<(EpochMillis, Key)>>,
}

impl Deadlines {
    pub(crate) fn push(&mut self, at: EpochMillis, key: Key) {
        self.heap.push(Reverse((at, key)));
    }

    /// Drops stale entries if they are the majority. `alive` is how many can hold.
    pub(crate) fn sweep(&mut self, alive: usize, holds: impl Fn(EpochMillis, Key) -> bool) {
        if self.heap.len() > 2 * alive + 64 {
            self.heap.retain(|Reverse((at, key))| holds(*at, *key));
        }
    }

    /// The earliest entry, if it is due.
    pub(crate) fn pop_due(&mut self, now: EpochMillis) -> Option<(EpochMillis, Key)> {
        let Reverse((at, _)) = self.heap.peek()?;
        if *at > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    /// The earliest entry that still holds; stale ones before it are dropped.
    pub(crate) fn next(&mut self, holds: impl Fn(EpochMillis, Key) -> bool) -> Option<EpochMillis> {
        while let Some(Reverse((at, key))) = self.heap.peek() {
            if holds(*at, *key) {
                return Some(*at);
            }
            self.heap.pop();
        }
        None
    }

    pub(crate) fn clear(&mut self) {
        self.heap.clear();
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }
}
