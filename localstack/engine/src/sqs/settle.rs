//! What a consumer does with a message it holds: delete it, or change how long it is hidden.
//!
//! A handle from an earlier receive must do nothing: by now the message belongs to
//! someone else.

use super::attributes::LONGEST_VISIBILITY;
use super::error::{SqsErrorKind, invalid, missing};
use super::message::State;
use super::queue::Queue;
use super::receipt::ReceiptHandle;
use super::request::*;
use super::response::{Batch, SettledEntry};
use super::send::{check_batch, failed};
use super::{Sqs, SqsError, SqsResponse};
use crate::EpochMillis;

impl Sqs {
    pub(super) fn delete_message(
        &mut self,
        now: EpochMillis,
        call: &DeleteMessage,
    ) -> Result<SqsResponse, SqsError> {
        let (liberties, mut random) = (self.liberties, self.random.fork());
        let queue = self.queue_at(now, &call.queue_url)?;
        queue.delete(now, &call.receipt_handle, liberties.duplicates(&mut random))?;
        self.wake_fifo(&call.queue_url);
        Ok(SqsResponse::Empty {})
    }

    pub(super) fn delete_batch(
        &mut self,
        now: EpochMillis,
        call: DeleteMessageBatch,
    ) -> Result<SqsResponse, SqsError> {
        let (liberties, mut random) = (self.liberties, self.random.fork());
        let queue = self.queue_at(now, &call.queue_url)?;
        check_batch(call.entries.iter().map(|entry| entry.id.as_str()))?;
        let outcomes = call.entries.into_iter().map(|entry| {
            let survives = liberties.duplicates(&mut random);
            let outcome = queue.delete(now, &entry.receipt_handle, survives);
            (entry.id, outcome)
        });
        let batch = collect(outcomes);
        self.wake_fifo(&call.queue_url);
        Ok(SqsResponse::Settled(batch))
    }

    pub(super) fn change_visibility(
        &mut self,
        now: EpochMillis,
        call: &ChangeMessageVisibility,
    ) -> Result<SqsResponse, SqsError> {
        let queue = self.queue_at(now, &call.queue_url)?;
        queue.change_visibility(now, &call.receipt_handle, call.visibility_timeout)?;
        let name = queue.name.clone();
        self.wake(&name);
        Ok(SqsResponse::Empty {})
    }

    pub(super) fn change_visibility_batch(
        &mut self,
        now: EpochMillis,
        call: ChangeMessageVisibilityBatch,
    ) -> Result<SqsResponse, SqsError> {
        let queue = self.queue_at(now, &call.queue_url)?;
        check_batch(call.entries.iter().map(|entry| entry.id.as_str()))?;
        let outcomes = call.entries.into_iter().map(|entry| {
            let timeout = entry.visibility_timeout;
            let outcome = queue.change_visibility(now, &entry.receipt_handle, timeout);
            (entry.id, outcome)
        });
        let batch = collect(outcomes);
        let name = queue.name.clone();
        self.wake(&name);
        Ok(SqsResponse::Settled(batch))
    }

    /// Deleting can free a message group; a standard queue gains nothing from it.
    fn wake_fifo(&mut self, url: &str) {
        if let Ok(queue) = self.queue(url)
            && queue.attributes.fifo
        {
            let name = queue.name.clone();
            self.wake(&name);
        }
    }
}

impl Queue {
    /// A message that `survives` turns up again, as AWS warns of in DeleteMessage.
    fn delete(
        &mut self,
        now: EpochMillis,
        handle: &ReceiptHandle,
        survives: bool,
    ) -> Result<(), SqsError> {
        if handle.is_missing() {
            return Err(missing("ReceiptHandle"));
        }
        let receipt = self.receipt(handle)?;
        let Some(message) = self.store.get(receipt.key) else {
            return Ok(());
        };
        let is_held = matches!(message.state, State::InFlight { .. });
        let is_latest = message.receive_count == receipt.receive_count;
        if self.attributes.fifo && !(is_held && is_latest) {
            return Err(invalid(
                "ReceiptHandle",
                handle,
                "The receipt handle has expired.",
            ));
        }
        if is_latest && survives && !self.attributes.fifo {
            self.store.hide_until(now, receipt.key, now);
        } else if is_latest {
            self.store.delete(receipt.key);
        }
        Ok(())
    }

    fn change_visibility(
        &mut self,
        now: EpochMillis,
        handle: &ReceiptHandle,
        timeout: Option<i64>,
    ) -> Result<(), SqsError> {
        if handle.is_missing() {
            return Err(missing("ReceiptHandle"));
        }
        let timeout = timeout.ok_or_else(|| missing("VisibilityTimeout"))?;
        if !(0..=i64::from(LONGEST_VISIBILITY)).contains(&timeout) {
            return Err(invalid(
                "VisibilityTimeout",
                timeout,
                "Must be between 0 and 43200.",
            ));
        }
        let receipt = self.receipt(handle)?;
        let Some(message) = self.store.get(receipt.key) else {
            let reason =
                "Message does not exist or is not available for visibility timeout change.";
            return Err(invalid("ReceiptHandle", handle, reason));
        };
        let State::InFlight { since, .. } = message.state else {
            return Err(not_in_flight());
        };
        if message.receive_count != receipt.receive_count {
            return Err(not_in_flight());
        }
        let until = now + timeout as u64 * 1000;
        if until > since + u64::from(LONGEST_VISIBILITY) * 1000 {
            return Err(invalid(
                "VisibilityTimeout",
                timeout,
                "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
            ));
        }
        self.store.hide_until(now, receipt.key, until);
        Ok(())
    }
}

fn not_in_flight() -> SqsError {
    SqsErrorKind::MessageNotInflight.because(
        "The specified message is not in flight with this receipt handle: its visibility timeout ended.",
    )
}

fn collect(outcomes: impl Iterator<Item = (String, Result<(), SqsError>)>) -> Batch<SettledEntry> {
    let mut batch = Batch {
        successful: Vec::new(),
        failed: Vec::new(),
    };
    for (id, outcome) in outcomes {
        match outcome {
            Ok(()) => batch.successful.push(SettledEntry { id }),
            Err(error) => batch.failed.push(failed(id, &error)),
        }
    }
    batch
}
