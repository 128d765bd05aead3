//! For whoever keeps the messages elsewhere: what changed, and how they come back.
//!
//! Restoring must give every message the key it had: receipt handles that are out in the world
//! hold it.

use super::super::message::{Key, Message, State};
use super::{Order, Slot, Store};

/// What whoever keeps the messages elsewhere must do to follow. The end of a delay or of a
/// visibility timeout is none: it follows from the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// The message is new or not as it was; if it is gone by now, its removal follows.
    Kept(Key),
    /// The message is gone.
    Removed(Key),
    /// All messages are gone.
    Purged,
}

impl Store {
    /// Begins to note changes.
    pub(crate) fn keep_journal(&mut self) {
        self.journal.get_or_insert_default();
    }

    pub(crate) fn keeps_journal(&self) -> bool {
        self.journal.is_some()
    }

    /// The changes since the last call.
    pub(crate) fn take_journal(&mut self) -> Vec<Change> {
        self.journal
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    pub(super) fn note(&mut self, change: Change) {
        if let Some(journal) = &mut self.journal {
            journal.push(change);
        }
    }

    /// Puts a message back where it was in an earlier life of the engine. To be called in order of
    /// the keys' numbers, before anything else.
    pub(crate) fn restore(&mut self, key: Key, message: Message) {
        self.next_number = self.next_number.max(key.number + 1);
        let slot = key.slot as usize;
        if slot >= self.slots.len() {
            self.free.extend(self.slots.len() as u32..key.slot);
            self.slots.resize_with(slot + 1, || None);
        } else {
            self.free.retain(|free| *free != key.slot);
        }
        self.totals.arrived += 1;
        self.ages.push(message.sent, key);
        if let Some(at) = message.deadline() {
            self.timers.push(at, key);
        }
        let state = message.state;
        let group = match (&mut self.order, message.group()) {
            (Order::Fifo(groups), Some(name)) => {
                let group = groups.append(name, key);
                if let State::InFlight { .. } = state {
                    groups.take_out(group, key);
                }
                Some(group)
            }
            _ => None,
        };
        self.slots[slot] = Some(Slot {
            number: key.number,
            group,
            message,
        });
        match state {
            State::Delayed { .. } => self.counts.delayed += 1,
            State::InFlight { .. } => self.counts.in_flight += 1,
            State::Available => {
                self.counts.available += 1;
                self.line_up(key, group);
            }
        }
    }

    /// To be called after the last [`restore`](Self::restore): numbers of messages that are gone
    /// must not be given again, or a receipt handle from before would delete another message.
    /// `start` counts the starts of the engine.
    pub(crate) fn resume(&mut self, start: u64) {
        const NUMBERS_OF_A_START: u64 = 1 << 40;
        let first = start.saturating_mul(NUMBERS_OF_A_START);
        self.next_number = self.next_number.max(first);
    }

    /// All messages, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &Message)> {
        let numbered = self.slots.iter().zip(0..);
        numbered.filter_map(|(slot, index)| {
            let Slot {
                number, message, ..
            } = slot.as_ref()?;
            let key = Key {
                number: *number,
                slot: index,
            };
            Some((key, message))
        })
    }
}
