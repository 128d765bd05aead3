//! What a data folder keeps of the queues, and how they come back from it.
//!
//! The order matters on the way back: a queue before its messages, and messages by their number,
//! or a FIFO group would come back in another order.

use super::attempts::Attempts;
use super::attributes::QueueAttributes;
use super::deduplication::{Deduplication, DeduplicationKey, Original};
use super::message::{Key, Message};
use super::move_tasks::Task;
use super::queue::Queue;
use super::store::Store;
use super::{Sqs, SqsError};
use crate::EpochMillis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A queue without its messages.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedQueue {
    pub(crate) id: u64,
    name: Arc<str>,
    attributes: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    created: EpochMillis,
    modified: EpochMillis,
    purged: Option<EpochMillis>,
}

/// What is neither a queue nor a message.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct SavedRest {
    move_tasks: VecDeque<Task>,
    deleted: BTreeMap<Arc<str>, EpochMillis>,
}

impl Sqs {
    /// Begins to note what changes.
    pub(crate) fn keep_journal(&mut self) {
        self.keeps_journal = true;
        for queue in self.queues.values_mut() {
            queue.store.keep_journal();
        }
    }

    /// Whether anything but messages changed since the last call.
    pub(crate) fn take_definitions_changed(&mut self) -> bool {
        std::mem::take(&mut self.definitions_changed)
    }

    /// All queues, to take their journals.
    pub(crate) fn queues_mut(&mut self) -> impl Iterator<Item = &mut Queue> {
        self.queues.values_mut()
    }

    pub(crate) fn saved_queues(&self) -> impl Iterator<Item = SavedQueue> {
        self.queues.values().map(|queue| SavedQueue {
            id: queue.id,
            name: queue.name.clone(),
            attributes: queue.attributes.to_map(),
            tags: queue.tags.clone(),
            created: queue.created,
            modified: queue.modified,
            purged: queue.purged,
        })
    }

    pub(crate) fn saved_rest(&self) -> SavedRest {
        SavedRest {
            move_tasks: self.move_tasks.clone(),
            deleted: self.deleted.clone(),
        }
    }

    /// # Errors
    /// The attributes are not those of a queue.
    pub(crate) fn restore_queue(
        &mut self,
        start: u64,
        saved: SavedQueue,
        messages: impl IntoIterator<Item = (Key, Message)>,
        originals: impl IntoIterator<Item = (EpochMillis, DeduplicationKey, Original)>,
    ) -> Result<(), SqsError> {
        let fifo = saved.name.ends_with(".fifo");
        let mut queue = Queue {
            arn: self.identity.queue_arn(&saved.name).into(),
            name: saved.name,
            id: saved.id,
            attributes: QueueAttributes::defaults(fifo).with(&saved.attributes)?,
            tags: saved.tags,
            created: saved.created,
            modified: saved.modified,
            purged: saved.purged,
            store: Store::new(fifo),
            deduplication: Deduplication::default(),
            attempts: Attempts::default(),
            last_sequence: 0,
            new_originals: Vec::new(),
        };
        for (key, message) in messages {
            let sequence = message.rare.as_ref().and_then(|rare| rare.sequence);
            queue.last_sequence = queue.last_sequence.max(sequence.unwrap_or(0));
            queue.store.restore(key, message);
        }
        queue.store.resume(start);
        for (until, key, original) in originals {
            queue.last_sequence = queue.last_sequence.max(original.sequence);
            queue.deduplication.restore(until, key, original);
        }
        // Ids of queues to come must differ from those that are there.
        self.next_queue_id = self.next_queue_id.max(saved.id & u64::from(u32::MAX));
        self.add(queue);
        Ok(())
    }

    pub(crate) fn restore_rest(&mut self, saved: SavedRest) {
        self.move_tasks = saved.move_tasks;
        self.deleted = saved.deleted;
    }
}
