//! ReceiveRequestAttemptId: a receive whose answer was lost can be repeated on a FIFO queue.
//!
//! Without it the group stays locked until the visibility timeout ends. A repeated receive gives
//! the same messages with the same handles, and hides them anew, but only while no message of it
//! was deleted, changed or became visible: AWS's conditions for ReceiveMessage.

use super::deduplication::FiveMinutes;
use super::message::{Key, State};
use super::store::Store;
use crate::EpochMillis;
use std::sync::Arc;

/// A message of a receive, as the receive left it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    key: Key,
    receive_count: u32,
    until: EpochMillis,
}

/// The receives of the last five minutes, by the id that their callers chose.
pub(crate) type Attempts = FiveMinutes<Arc<str>, Vec<Held>>;

/// What a receive of these messages has to be remembered as.
pub(crate) fn held(store: &Store, keys: &[Key], until: EpochMillis) -> Vec<Held> {
    let held = keys.iter().filter_map(|key| {
        let receive_count = store.get(*key)?.receive_count;
        Some(Held {
            key: *key,
            receive_count,
            until,
        })
    });
    held.collect()
}

/// The messages of a remembered receive, hidden anew; none if it can no longer be repeated.
pub(crate) fn repeat(
    store: &mut Store,
    held: &mut [Held],
    now: EpochMillis,
    hidden_until: EpochMillis,
) -> Option<Vec<Key>> {
    let is_untouched = |held: &Held| {
        store.get(held.key).is_some_and(|message| {
            message.receive_count == held.receive_count
                && matches!(message.state, State::InFlight { until, .. } if until == held.until)
        })
    };
    if held.is_empty() || !held.iter().all(is_untouched) {
        return None;
    }
    for held in held.iter_mut() {
        store.hide_until(now, held.key, hidden_until);
        held.until = hidden_until;
    }
    Some(held.iter().map(|held| held.key).collect())
}
