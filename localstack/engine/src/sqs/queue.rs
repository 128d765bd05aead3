//! One queue: its name, attributes, messages and what it remembers for five minutes.
//!
//! `tick` must run before anything looks at the messages; `Sqs::queue_at` does it.

use super::attempts::Attempts;
use super::attributes::QueueAttributes;
use super::deduplication::{Deduplication, DeduplicationKey, Original};
use super::message::next_sequence;
use super::receipt::{Receipt, ReceiptHandle};
use super::store::Store;
use crate::EpochMillis;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Queue {
    pub(crate) name: Arc<str>,
    pub(crate) arn: Arc<str>,
    /// Differs between two queues of one name, so that old receipt handles do not fit.
    pub(crate) id: u64,
    pub(crate) attributes: QueueAttributes,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) created: EpochMillis,
    pub(crate) modified: EpochMillis,
    pub(crate) purged: Option<EpochMillis>,
    pub(crate) store: Store,
    pub(crate) deduplication: Deduplication,
    pub(crate) attempts: Attempts,
    pub(crate) last_sequence: u64,
    /// Remembered since the journal was last taken; empty unless one is kept.
    pub(crate) new_originals: Vec<(EpochMillis, DeduplicationKey, Original)>,
}

impl Queue {
    pub(crate) fn tick(&mut self, now: EpochMillis) {
        let retention = u64::from(self.attributes.retention_seconds) * 1000;
        self.store.tick(now, retention);
        self.deduplication.forget_expired(now);
        self.attempts.forget_expired(now);
    }

    pub(crate) fn take_sequence(&mut self, now: EpochMillis) -> u64 {
        self.last_sequence = next_sequence(now, self.last_sequence);
        self.last_sequence
    }

    /// Remembers a message, so that another of its deduplication id is recognised.
    pub(crate) fn remember(&mut self, now: EpochMillis, key: DeduplicationKey, original: Original) {
        let until = self.deduplication.remember(now, key.clone(), original);
        if self.store.keeps_journal() {
            self.new_originals.push((until, key, original));
        }
    }

    /// Reads a receipt handle of this queue.
    pub(crate) fn receipt(&self, handle: &ReceiptHandle) -> Result<Receipt, super::SqsError> {
        handle
            .receipt()
            .filter(|receipt| receipt.queue == self.id)
            .ok_or_else(|| {
                super::SqsErrorKind::ReceiptHandleIsInvalid.because(format!(
                    "The input receipt handle \"{handle}\" is not a valid receipt handle of queue {}.",
                    self.name
                ))
            })
    }
}
