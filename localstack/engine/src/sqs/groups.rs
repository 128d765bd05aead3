//! Message groups of a FIFO queue: order within a group, turns between groups.
//!
//! A group with a message in flight hands out nothing. That one rule is also why a
//! released message cannot be overtaken: it returns to its place before the group is
//! ready again.

use super::message::Key;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: HashMap<Arc<str>, Group>,
    /// Groups that may have something to hand out. Checked again when taken.
    ready: VecDeque<Arc<str>>,
}

#[derive(Debug, Default)]
struct Group {
    /// Available or delayed, in order of arrival.
    waiting: VecDeque<Key>,
    in_flight: u32,
    queued: bool,
}

impl Groups {
    pub(crate) fn append(&mut self, group: &Arc<str>, key: Key) {
        let entry = self.groups.entry(group.clone()).or_default();
        entry.waiting.push_back(key);
    }

    /// Puts the group in line if nothing of it is in flight.
    pub(crate) fn offer(&mut self, name: &Arc<str>) {
        if let Some(group) = self.groups.get_mut(name)
            && group.in_flight == 0
            && !group.queued
            && !group.waiting.is_empty()
        {
            group.queued = true;
            self.ready.push_back(name.clone());
        }
    }

    /// Puts a group back to the head of the line.
    pub(crate) fn offer_first(&mut self, name: &Arc<str>) {
        if let Some(group) = self.groups.get_mut(name)
            && !group.queued
        {
            group.queued = true;
            self.ready.push_front(name.clone());
        }
    }

    /// The next group in line that has nothing in flight.
    pub(crate) fn next_ready(&mut self) -> Option<Arc<str>> {
        while let Some(name) = self.ready.pop_front() {
            if let Some(group) = self.groups.get_mut(&name) {
                group.queued = false;
                if group.in_flight == 0 && !group.waiting.is_empty() {
                    return Some(name);
                }
            }
        }
        None
    }

    pub(crate) fn head(&self, name: &str) -> Option<Key> {
        self.groups.get(name)?.waiting.front().copied()
    }

    /// The head goes in flight.
    pub(crate) fn take_head(&mut self, name: &str) {
        if let Some(group) = self.groups.get_mut(name) {
            group.waiting.pop_front();
            group.in_flight += 1;
        }
    }

    /// A message that waits goes in flight, wherever it stands.
    pub(crate) fn take_out(&mut self, name: &str, key: Key) {
        if let Some(group) = self.groups.get_mut(name)
            && let Ok(place) = group.waiting.binary_search(&key)
        {
            group.waiting.remove(place);
            group.in_flight += 1;
        }
    }

    /// A message in flight returns to its place.
    pub(crate) fn put_back(&mut self, name: &Arc<str>, key: Key) {
        if let Some(group) = self.groups.get_mut(name) {
            let place = group.waiting.partition_point(|other| *other < key);
            group.waiting.insert(place, key);
            group.in_flight = group.in_flight.saturating_sub(1);
        }
        self.offer(name);
    }

    /// A message in flight is gone.
    pub(crate) fn settle(&mut self, name: &Arc<str>) {
        if let Some(group) = self.groups.get_mut(name) {
            group.in_flight = group.in_flight.saturating_sub(1);
        }
        self.forget_if_empty(name);
        self.offer(name);
    }

    /// A waiting message is gone.
    pub(crate) fn withdraw(&mut self, name: &Arc<str>, key: Key) {
        if let Some(group) = self.groups.get_mut(name)
            && let Ok(place) = group.waiting.binary_search(&key)
        {
            group.waiting.remove(place);
        }
        self.forget_if_empty(name);
        self.offer(name);
    }

    fn forget_if_empty(&mut self, name: &str) {
        if self
            .groups
            .get(name)
            .is_some_and(|group| group.in_flight == 0 && group.waiting.is_empty())
        {
            self.groups.remove(name);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.groups.clear();
        self.ready.clear();
    }
}

#[cfg(test)]
impl Groups {
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.ready.is_empty()
    }
}
