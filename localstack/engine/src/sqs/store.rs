//! The messages of one queue and every change of their state.
//!
//! Each change touches the message, the counters, the order and the timers together;
//! changing a `State` anywhere else would let them disagree. No operation looks at more
//! messages than it changes, however long the queue is.

mod journal;

pub(crate) use journal::Change;

use super::counts::{Counts, QueueTotals};
use super::deadlines::Deadlines;
use super::groups::{GroupId, Groups};
use super::message::{Key, Message, State};
use crate::EpochMillis;
use std::collections::VecDeque;

#[derive(Debug)]
pub(crate) struct Store {
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    next_number: u64,
    order: Order,
    /// Ends of delays and of visibility timeouts.
    timers: Deadlines,
    /// When each message was sent; retention is added at the comparison, as it can change.
    ages: Deadlines,
    counts: Counts,
    totals: QueueTotals,
    /// What changed since it was last taken; none if nobody keeps the messages elsewhere.
    journal: Option<Vec<Change>>,
}

/// How a receive takes messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taking {
    pub(crate) now: EpochMillis,
    pub(crate) most: usize,
    pub(crate) hidden_until: EpochMillis,
    /// Received that often, a message is exhausted.
    pub(crate) receive_limit: Option<u32>,
}

#[derive(Debug)]
struct Slot {
    number: u64,
    /// The message's group on a FIFO queue.
    group: Option<GroupId>,
    message: Message,
}

#[derive(Debug)]
enum Order {
    /// May name messages that are gone: they are skipped when their turn comes.
    Standard(VecDeque<Key>),
    Fifo(Groups),
}

/// What a receive took out of the available messages.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) keys: Vec<Key>,
    /// Received too often: they belong in the dead-letter queue.
    pub(crate) exhausted: Vec<Message>,
}

impl Store {
    pub(crate) fn new(fifo: bool) -> Self {
        let order = if fifo {
            Order::Fifo(Groups::default())
        } else {
            Order::Standard(VecDeque::new())
        };
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            next_number: 0,
            order,
            timers: Deadlines::default(),
            ages: Deadlines::default(),
            counts: Counts::default(),
            totals: QueueTotals::default(),
            journal: None,
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    pub(crate) fn totals(&self) -> QueueTotals {
        self.totals
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Message> {
        find(&self.slots, key)
    }

    fn get_mut(&mut self, key: Key) -> Option<&mut Message> {
        self.slot_mut(key).map(|slot| &mut slot.message)
    }

    fn slot_mut(&mut self, key: Key) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(key.slot as usize)?.as_mut();
        slot.filter(|slot| slot.number == key.number)
    }

    /// Adds a message that becomes visible at `visible_at`.
    pub(crate) fn insert(
        &mut self,
        now: EpochMillis,
        mut message: Message,
        visible_at: EpochMillis,
    ) -> Key {
        let number = self.next_number;
        self.next_number += 1;
        self.totals.arrived += 1;
        let slot = self.free.pop().unwrap_or(self.slots.len() as u32);
        let key = Key { number, slot };
        let delayed = visible_at > now;
        message.state = if delayed {
            State::Delayed { until: visible_at }
        } else {
            State::Available
        };
        self.ages.push(message.sent, key);
        let group = match (&mut self.order, message.group()) {
            (Order::Fifo(groups), Some(name)) => Some(groups.append(name, key)),
            _ => None,
        };
        let filled = Some(Slot {
            number,
            group,
            message,
        });
        match self.slots.get_mut(slot as usize) {
            Some(place) => *place = filled,
            None => self.slots.push(filled),
        }
        if delayed {
            self.counts.delayed += 1;
            self.timers.push(visible_at, key);
        } else {
            self.counts.available += 1;
            self.line_up(key, group);
        }
        self.note(Change::Kept(key));
        self.sweep();
        key
    }

    /// Lets time pass: ends delays, visibility timeouts and lives.
    pub(crate) fn tick(&mut self, now: EpochMillis, retention: EpochMillis) {
        while let Some((at, key)) = self.timers.pop_due(now) {
            match self
                .get(key)
                .filter(|message| message.deadline() == Some(at))
            {
                Some(Message {
                    state: State::InFlight { .. },
                    ..
                }) => self.release(key),
                Some(_) => self.end_delay(key),
                None => {}
            }
        }
        let Some(oldest_allowed) = now.checked_sub(retention) else {
            return;
        };
        while let Some((_, key)) = self.ages.pop_due(oldest_allowed) {
            if self.remove(key).is_some() {
                self.totals.expired += 1;
            }
        }
    }

    /// The next moment at which a message becomes visible by itself.
    pub(crate) fn next_visible(&mut self) -> Option<EpochMillis> {
        let slots = &self.slots;
        self.timers.next(|at, key| holds(slots, at, key))
    }

    /// Hands messages out and hides them. `pick` chooses which of a standard queue's places in
    /// line is next.
    pub(crate) fn receive(
        &mut self,
        taking: Taking,
        mut pick: impl FnMut(usize) -> usize,
    ) -> Taken {
        let mut taken = Taken::default();
        while taken.keys.len() < taking.most {
            match &mut self.order {
                Order::Standard(line) => {
                    if line.is_empty() {
                        break;
                    }
                    let place = pick(line.len());
                    if let Some(key) = line.swap_remove_front(place) {
                        self.take(key, taking, &mut taken);
                    }
                }
                Order::Fifo(groups) => {
                    let Some(group) = groups.next_ready() else {
                        break;
                    };
                    self.take_from_group(group, taking, &mut taken);
                }
            }
        }
        self.sweep();
        taken
    }

    fn take_from_group(&mut self, group: GroupId, taking: Taking, taken: &mut Taken) {
        while taken.keys.len() < taking.most {
            let Order::Fifo(groups) = &self.order else {
                return;
            };
            let Some(key) = groups.head(group) else {
                return;
            };
            let is_available = self
                .get(key)
                .is_some_and(|message| message.state == State::Available);
            if !is_available {
                return;
            }
            if self.take(key, taking, taken)
                && let Order::Fifo(groups) = &mut self.order
            {
                groups.take_head(group);
            }
        }
    }

    /// Marks one message as received, or sorts it out. True if it is now in flight.
    fn take(&mut self, key: Key, taking: Taking, taken: &mut Taken) -> bool {
        let Some(message) = self.get_mut(key) else {
            return false;
        };
        if message.state != State::Available {
            return false;
        }
        let limit = taking.receive_limit;
        if limit.is_some_and(|limit| message.receives_here >= limit) {
            if let Some(message) = self.remove(key) {
                self.totals.moved += 1;
                taken.exhausted.push(message);
            }
            return false;
        }
        message.receives_here += 1;
        message.receive_count += 1;
        message.first_received.get_or_insert(taking.now);
        message.state = State::InFlight {
            until: taking.hidden_until,
            since: taking.now,
        };
        self.counts.available -= 1;
        self.counts.in_flight += 1;
        self.totals.receives += 1;
        self.timers.push(taking.hidden_until, key);
        self.note(Change::Kept(key));
        taken.keys.push(key);
        true
    }

    /// Deletes a message for a consumer.
    pub(crate) fn delete(&mut self, key: Key) -> bool {
        let removed = self.remove(key).is_some();
        self.totals.deleted += u64::from(removed);
        removed
    }

    /// The message that is first in line.
    pub(crate) fn first_available(&mut self) -> Option<(Key, &Message)> {
        let slots = &self.slots;
        let is_available =
            |key: Key| find(slots, key).is_some_and(|message| message.state == State::Available);
        let key = match &mut self.order {
            Order::Standard(line) => loop {
                let key = *line.front()?;
                if is_available(key) {
                    break key;
                }
                line.pop_front();
            },
            Order::Fifo(groups) => loop {
                let group = groups.next_ready()?;
                // The group is put back in line when its head is withdrawn or, here, at once.
                groups.offer_first(group);
                let key = groups.head(group)?;
                if is_available(key) {
                    break key;
                }
                groups.next_ready();
            },
        };
        Some((key, find(&self.slots, key)?))
    }

    /// Takes a message out to put it elsewhere.
    pub(crate) fn withdraw(&mut self, key: Key) -> Option<Message> {
        let message = self.remove(key)?;
        self.totals.moved += 1;
        Some(message)
    }

    /// Gives all messages that nobody has received yet another delay, counted from their sending.
    pub(crate) fn delay_all(&mut self, now: EpochMillis, delay: EpochMillis) {
        let is_new = |message: &Message| {
            message.receive_count == 0 && !matches!(message.state, State::InFlight { .. })
        };
        let new = self.iter().filter(|(_, message)| is_new(message));
        let new: Vec<Key> = new.map(|(key, _)| key).collect();
        for key in new {
            let Some(message) = self.get_mut(key) else {
                continue;
            };
            let until = message.sent.saturating_add(delay);
            match message.state {
                State::Delayed { .. } if until <= now => self.end_delay(key),
                State::Delayed { .. } => {
                    message.state = State::Delayed { until };
                    self.timers.push(until, key);
                }
                _ if until > now => {
                    message.state = State::Delayed { until };
                    self.counts.available -= 1;
                    self.counts.delayed += 1;
                    self.timers.push(until, key);
                }
                _ => {}
            }
            self.note(Change::Kept(key));
        }
        self.sweep();
    }

    /// Hides a message in flight until another moment; one that has come makes it visible.
    pub(crate) fn hide_until(&mut self, now: EpochMillis, key: Key, until: EpochMillis) {
        let Some(message) = self.get_mut(key) else {
            return;
        };
        let State::InFlight { since, .. } = message.state else {
            return;
        };
        message.state = State::InFlight { until, since };
        if until <= now {
            self.release(key);
        } else {
            self.timers.push(until, key);
            self.sweep();
        }
        self.note(Change::Kept(key));
    }

    pub(crate) fn purge(&mut self) {
        self.totals.purged += self.counts.total() as u64;
        self.slots.clear();
        self.free.clear();
        self.timers.clear();
        self.ages.clear();
        self.counts = Counts::default();
        match &mut self.order {
            Order::Standard(line) => line.clear(),
            Order::Fifo(groups) => groups.clear(),
        }
        self.note(Change::Purged);
    }

    fn remove(&mut self, key: Key) -> Option<Message> {
        self.get(key)?;
        let Slot { group, message, .. } = self.slots.get_mut(key.slot as usize)?.take()?;
        self.free.push(key.slot);
        match message.state {
            State::Delayed { .. } => self.counts.delayed -= 1,
            State::Available => self.counts.available -= 1,
            State::InFlight { .. } => self.counts.in_flight -= 1,
        }
        if let (Order::Fifo(groups), Some(group)) = (&mut self.order, group) {
            match message.state {
                State::InFlight { .. } => groups.settle(group),
                _ => groups.withdraw(group, key),
            }
        }
        self.note(Change::Removed(key));
        Some(message)
    }

    fn release(&mut self, key: Key) {
        let Some(slot) = self.slot_mut(key) else {
            return;
        };
        slot.message.state = State::Available;
        let group = slot.group;
        self.counts.in_flight -= 1;
        self.counts.available += 1;
        match (&mut self.order, group) {
            (Order::Fifo(groups), Some(group)) => groups.put_back(group, key),
            (_, group) => self.line_up(key, group),
        }
    }

    fn end_delay(&mut self, key: Key) {
        let Some(slot) = self.slot_mut(key) else {
            return;
        };
        slot.message.state = State::Available;
        let group = slot.group;
        self.counts.delayed -= 1;
        self.counts.available += 1;
        self.line_up(key, group);
    }

    fn line_up(&mut self, key: Key, group: Option<GroupId>) {
        match (&mut self.order, group) {
            (Order::Standard(line), _) => line.push_back(key),
            (Order::Fifo(groups), Some(group)) => groups.offer(group),
            (Order::Fifo(_), None) => {}
        }
    }

    fn sweep(&mut self) {
        let slots = &self.slots;
        let timed = self.counts.delayed + self.counts.in_flight;
        self.timers.sweep(timed, |at, key| holds(slots, at, key));
        self.ages
            .sweep(self.counts.total(), |_, key| find(slots, key).is_some());
        if let Order::Standard(line) = &mut self.order
            && line.len() > 2 * self.counts.available + 64
        {
            line.retain(|key| find(slots, *key).is_some());
        }
    }
}

fn find(slots: &[Option<Slot>], key: Key) -> Option<&Message> {
    let slot = slots.get(key.slot as usize)?.as_ref();
    slot.filter(|slot| slot.number == key.number)
        .map(|slot| &slot.message)
}

fn holds(slots: &[Option<Slot>], at: EpochMillis, key: Key) -> bool {
    find(slots, key).and_then(Message::deadline) == Some(at)
}

#[cfg(test)]
pub(crate) mod tests;
