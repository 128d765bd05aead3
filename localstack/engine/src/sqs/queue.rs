//! One queue: its name, attributes, messages and deduplication memory.
//!
//! `tick` must run before anything looks at the messages; `Sqs::queue_at` does it.

use super::attributes::QueueAttributes;
use super::deduplication::Deduplication;
use super::receipt::Receipt;
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
    pub(crate) next_sequence: u64,
}

impl Queue {
    pub(crate) fn tick(&mut self, now: EpochMillis) {
        let retention = u64::from(self.attributes.retention_seconds) * 1000;
        self.store.tick(now, retention);
        self.deduplication.forget_expired(now);
    }

    pub(crate) fn take_sequence(&mut self) -> u64 {
        self.next_sequence += 1;
        self.next_sequence
    }

    /// Reads a receipt handle of this queue.
    pub(crate) fn receipt(&self, handle: &str) -> Result<Receipt, super::SqsError> {
        Receipt::decode(handle)
            .filter(|receipt| receipt.queue == self.id)
            .ok_or_else(|| {
                super::SqsErrorKind::ReceiptHandleIsInvalid.because(format!(
                    "The input receipt handle \"{handle}\" is not a valid receipt handle of queue {}.",
                    self.name
                ))
            })
    }
}
