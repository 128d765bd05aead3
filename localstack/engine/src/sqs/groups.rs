//! Message groups of a FIFO queue: order within a group, turns between groups.
//!
//! A group with a message in flight hands out nothing. That one rule is also why a
//! released message cannot be overtaken: it returns to its place before the group is
//! ready again.

use super::message::Key;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// A group, for as long as it has messages. Looking a name up costs more than all else that is
/// done to a group, so it is looked up once per message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupId(u32);

#[derive(Debug, Default)]
pub(crate) struct Groups {
    ids: HashMap<Arc<str>, GroupId>,
    groups: Vec<Group>,
    free: Vec<GroupId>,
    /// Groups that may have something to hand out. Checked again when taken.
    ready: VecDeque<GroupId>,
}

#[derive(Debug, Default)]
struct Group {
    /// Empty while nobody uses this place.
    name: Arc<str>,
    /// Available or delayed, in order of arrival.
    waiting: VecDeque<Key>,
    in_flight: u32,
    /// Whether it stands in `ready`; its place is not used again before it has left.
    queued: bool,
}

impl Groups {
    pub(crate) fn append(&mut self, name: &Arc<str>, key: Key) -> GroupId {
        let id = match self.ids.get(name) {
            Some(id) => *id,
            None => self.add(name),
        };
        self.get(id).waiting.push_back(key);
        id
    }

    fn add(&mut self, name: &Arc<str>) -> GroupId {
        let id = self.free.pop().unwrap_or_else(|| {
            self.groups.push(Group::default());
            GroupId(self.groups.len() as u32 - 1)
        });
        self.get(id).name = name.clone();
        self.ids.insert(name.clone(), id);
        id
    }

    fn get(&mut self, id: GroupId) -> &mut Group {
        &mut self.groups[id.0 as usize]
    }

    /// Puts the group in line if nothing of it is in flight.
    pub(crate) fn offer(&mut self, id: GroupId) {
        let group = self.get(id);
        if group.in_flight == 0 && !group.queued && !group.waiting.is_empty() {
            group.queued = true;
            self.ready.push_back(id);
        }
    }

    /// Puts a group back to the head of the line.
    pub(crate) fn offer_first(&mut self, id: GroupId) {
        let group = self.get(id);
        if !group.queued {
            group.queued = true;
            self.ready.push_front(id);
        }
    }

    /// The next group in line that has nothing in flight.
    pub(crate) fn next_ready(&mut self) -> Option<GroupId> {
        while let Some(id) = self.ready.pop_front() {
            let group = self.get(id);
            group.queued = false;
            if group.in_flight == 0 && !group.waiting.is_empty() {
                return Some(id);
            }
            self.forget_if_empty(id);
        }
        None
    }

    pub(crate) fn head(&self, id: GroupId) -> Option<Key> {
        self.groups[id.0 as usize].waiting.front().copied()
    }

    /// The head goes in flight.
    pub(crate) fn take_head(&mut self, id: GroupId) {
        let group = self.get(id);
        group.waiting.pop_front();
        group.in_flight += 1;
    }

    /// A message that waits goes in flight, wherever it stands.
    pub(crate) fn take_out(&mut self, id: GroupId, key: Key) {
        let group = self.get(id);
        if let Ok(place) = group.waiting.binary_search(&key) {
            group.waiting.remove(place);
            group.in_flight += 1;
        }
    }

    /// A message in flight returns to its place.
    pub(crate) fn put_back(&mut self, id: GroupId, key: Key) {
        let group = self.get(id);
        let place = group.waiting.partition_point(|other| *other < key);
        group.waiting.insert(place, key);
        group.in_flight = group.in_flight.saturating_sub(1);
        self.offer(id);
    }

    /// A message in flight is gone.
    pub(crate) fn settle(&mut self, id: GroupId) {
        let group = self.get(id);
        group.in_flight = group.in_flight.saturating_sub(1);
        self.forget_if_empty(id);
        self.offer(id);
    }

    /// A waiting message is gone.
    pub(crate) fn withdraw(&mut self, id: GroupId, key: Key) {
        let group = self.get(id);
        if let Ok(place) = group.waiting.binary_search(&key) {
            group.waiting.remove(place);
        }
        self.forget_if_empty(id);
        self.offer(id);
    }

    fn forget_if_empty(&mut self, id: GroupId) {
        let group = self.get(id);
        let is_used = group.in_flight > 0 || !group.waiting.is_empty() || group.queued;
        if !is_used && !group.name.is_empty() {
            let name = std::mem::take(&mut group.name);
            self.ids.remove(&name);
            self.free.push(id);
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
impl Groups {
    /// Whether no group is remembered but those that still stand in line.
    pub(crate) fn is_empty(&self) -> bool {
        self.ids.len() <= self.ready.len()
    }
}
