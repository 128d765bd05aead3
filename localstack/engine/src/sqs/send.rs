//! Taking messages in: SendMessage, its batch, and deliveries from SNS.
//!
//! A batch is refused as a whole only for the five reasons AWS lists; anything wrong with
//! one entry fails that entry. Mixing these up loses or duplicates the entries beside it.

use super::attributes::LARGEST_MESSAGE;
use super::deduplication::{DeduplicationKey, Original};
use super::error::{SqsErrorKind, invalid, missing};
use super::incoming::{check_fifo_id, check_text, read_attributes, read_trace_header, wire_size};
use super::message::{Message, Rare, State, format_sequence};
use super::queue::Queue;
use super::request::*;
use super::response::{Batch, FailedEntry, Sent, SentEntry};
use super::{Sqs, SqsError, SqsResponse};
use crate::EpochMillis;
use crate::attribute::Attributes;
use crate::identity::{Md5Of, MessageId, is_plain_name, sha256_hex};
use std::sync::Arc;

/// Entries a batch may have.
pub(crate) const MOST_ENTRIES: usize = 10;

/// A message whose parts have been checked.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The text.
    pub body: Arc<str>,
    /// Message attributes.
    pub attributes: Option<Arc<Attributes>>,
    /// MessageGroupId.
    pub group: Option<Arc<str>>,
    /// MessageDeduplicationId.
    pub deduplication: Option<Arc<str>>,
    /// AWSTraceHeader.
    pub trace_header: Option<Arc<str>>,
}

impl Sqs {
    pub(super) fn send_message(
        &mut self,
        now: EpochMillis,
        call: SendMessage,
    ) -> Result<SqsResponse, SqsError> {
        let id = self.random.u128(..);
        let url = call.queue_url.clone();
        let queue = self.queue_at(now, &url)?;
        let sent = queue.send(now, id, call)?;
        let name = queue.name.clone();
        self.wake(&name);
        Ok(SqsResponse::Sent(sent))
    }

    pub(super) fn send_batch(
        &mut self,
        now: EpochMillis,
        call: SendMessageBatch,
    ) -> Result<SqsResponse, SqsError> {
        let name = self.queue_at(now, &call.queue_url)?.name.clone();
        check_batch(call.entries.iter().map(|entry| entry.id.as_str()))?;
        let size: usize = call.entries.iter().map(wire_size).sum();
        if size > LARGEST_MESSAGE {
            return Err(SqsErrorKind::BatchRequestTooLong.because(format!(
                "Batch requests cannot be longer than {LARGEST_MESSAGE} bytes. You have sent {size} bytes."
            )));
        }
        let mut batch = Batch {
            successful: Vec::with_capacity(call.entries.len()),
            failed: Vec::new(),
        };
        for mut message in call.entries {
            let id = std::mem::take(&mut message.id);
            let message_id = self.random.u128(..);
            let Some(queue) = self.queues.get_mut(&name) else {
                break;
            };
            match queue.send(now, message_id, message) {
                Ok(sent) => batch.successful.push(SentEntry { id, sent }),
                Err(error) => batch.failed.push(failed(id, &error)),
            }
        }
        self.wake(&name);
        Ok(SqsResponse::SentBatch(batch))
    }

    /// Puts a message that SNS delivers into a queue.
    ///
    /// # Errors
    /// As SendMessage.
    pub fn deliver(
        &mut self,
        now: EpochMillis,
        queue: &str,
        delivery: Delivery,
    ) -> Result<(), SqsError> {
        let id = self.random.u128(..);
        let queue = self.queue_at(now, queue)?;
        let message = Delivery {
            // A standard queue takes no deduplication id, yet a FIFO topic may feed one.
            deduplication: delivery.deduplication.filter(|_| queue.attributes.fifo),
            ..delivery
        };
        queue.accept(now, id, message, None)?;
        let name = queue.name.clone();
        self.wake(&name);
        Ok(())
    }

    /// Whether the queue's policy lets the topic send; none if there is no such queue.
    pub fn admits_topic(&self, queue: &str, topic_arn: &str) -> Option<bool> {
        let queue = self.queues.get(queue)?;
        let policy = queue.attributes.policy.as_ref();
        Some(policy.is_some_and(|(_, policy)| {
            policy.admits_topic(topic_arn, &queue.arn, &self.identity.account)
        }))
    }
}

impl Queue {
    fn send(&mut self, now: EpochMillis, id: u128, call: SendMessage) -> Result<Sent, SqsError> {
        if call.message_body.is_empty() {
            return Err(missing("MessageBody"));
        }
        check_text(&call.message_body)?;
        let attributes = read_attributes(call.message_attributes)?;
        let (trace_header, system_md5) = read_trace_header(call.message_system_attributes)?;
        let delivery = Delivery {
            body: call.message_body,
            attributes: (!attributes.is_empty()).then(|| Arc::new(attributes)),
            group: call.message_group_id,
            deduplication: call.message_deduplication_id,
            trace_header,
        };
        let mut sent = self.accept(now, id, delivery, call.delay_seconds)?;
        sent.md5_of_message_system_attributes = system_md5;
        Ok(sent)
    }

    fn accept(
        &mut self,
        now: EpochMillis,
        id: u128,
        delivery: Delivery,
        delay: Option<i64>,
    ) -> Result<Sent, SqsError> {
        let size = delivery.body.len() + delivery.attributes.as_ref().map_or(0, |all| all.size());
        let largest = self.attributes.maximum_message_size as usize;
        if size > largest {
            return Err(SqsErrorKind::InvalidParameterValue.because(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {largest} bytes. Found {size} bytes, attributes included."
            )));
        }
        let delay = self.delay(delay)?;
        let deduplication = self.check_fifo(&delivery)?;
        let mut sent = Sent {
            message_id: MessageId(id),
            md5_of_message_body: Md5Of(delivery.body.clone()),
            md5_of_message_attributes: delivery.attributes.as_ref().and_then(|all| all.md5()),
            md5_of_message_system_attributes: None,
            sequence_number: None,
        };
        if let Some(original) = deduplication
            .as_ref()
            .and_then(|key| self.deduplication.get(key))
        {
            sent.message_id = MessageId(original.message_id);
            sent.sequence_number = Some(format_sequence(original.sequence));
            return Ok(sent);
        }
        let sequence = self.attributes.fifo.then(|| self.take_sequence(now));
        sent.sequence_number = sequence.map(format_sequence);
        if let (Some(key), Some(sequence)) = (&deduplication, sequence) {
            let original = Original {
                message_id: id,
                sequence,
            };
            self.remember(now, key.clone(), original);
        }
        let rare = Rare {
            group: delivery.group,
            deduplication: deduplication.map(|(_, id)| id).or(delivery.deduplication),
            sequence,
            trace_header: delivery.trace_header,
            dead_letter_source: None,
        };
        let is_plain =
            rare.group.is_none() && rare.deduplication.is_none() && rare.trace_header.is_none();
        let message = Message {
            id,
            body: delivery.body,
            attributes: delivery.attributes,
            rare: (!is_plain).then(|| Box::new(rare)),
            sent: now,
            first_received: None,
            receive_count: 0,
            receives_here: 0,
            state: State::Available,
        };
        self.store.insert(now, message, now + delay);
        Ok(sent)
    }

    fn delay(&self, asked: Option<i64>) -> Result<EpochMillis, SqsError> {
        match asked {
            // AWS documents that FIFO messages take no delay of their own. Zero asks for none,
            // so it is let through.
            Some(seconds) if self.attributes.fifo && seconds != 0 => Err(invalid(
                "DelaySeconds",
                seconds,
                "The request include parameter that is not valid for this queue type.",
            )),
            Some(_) | None if self.attributes.fifo => {
                Ok(u64::from(self.attributes.delay_seconds) * 1000)
            }
            Some(seconds @ 0..=900) => Ok(seconds as u64 * 1000),
            Some(seconds) => Err(invalid(
                "DelaySeconds",
                seconds,
                "DelaySeconds must be >= 0 and <= 900.",
            )),
            None => Ok(u64::from(self.attributes.delay_seconds) * 1000),
        }
    }

    /// What a FIFO queue compares to recognise a duplicate; none on a standard queue.
    fn check_fifo(&self, delivery: &Delivery) -> Result<Option<DeduplicationKey>, SqsError> {
        if let Some(group) = &delivery.group {
            check_fifo_id("MessageGroupId", group)?;
        }
        if let Some(id) = &delivery.deduplication {
            check_fifo_id("MessageDeduplicationId", id)?;
        }
        if !self.attributes.fifo {
            return match &delivery.deduplication {
                Some(id) => Err(invalid(
                    "MessageDeduplicationId",
                    id,
                    "The request includes a parameter that is not valid for this queue type.",
                )),
                None => Ok(None),
            };
        }
        let group = delivery
            .group
            .as_ref()
            .ok_or_else(|| missing("MessageGroupId"))?;
        let id = match &delivery.deduplication {
            Some(id) => id.clone(),
            None if self.attributes.content_based_deduplication => {
                sha256_hex(delivery.body.as_bytes()).into()
            }
            None => {
                return Err(SqsErrorKind::InvalidParameterValue.because(
                    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
                ));
            }
        };
        let scope = self.attributes.deduplicate_per_group.then(|| group.clone());
        Ok(Some((scope, id)))
    }
}

/// The reasons for which a batch is refused as a whole, apart from its size.
pub(crate) fn check_batch<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> Result<(), SqsError> {
    if ids.len() == 0 {
        return Err(SqsErrorKind::EmptyBatchRequest
            .because("There should be at least one SendMessageBatchRequestEntry in the request."));
    }
    if ids.len() > MOST_ENTRIES {
        return Err(SqsErrorKind::TooManyEntriesInBatchRequest.because(format!(
            "Maximum number of entries per request are {MOST_ENTRIES}. You have sent {}.",
            ids.len()
        )));
    }
    let ids: Vec<&str> = ids.collect();
    for (index, id) in ids.iter().enumerate() {
        if !is_plain_name(id, 80) {
            return Err(SqsErrorKind::InvalidBatchEntryId.because(format!(
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long. Found '{id}'."
            )));
        }
        if ids[..index].contains(id) {
            return Err(
                SqsErrorKind::BatchEntryIdsNotDistinct.because(format!("Id {id} repeated."))
            );
        }
    }
    Ok(())
}

pub(crate) fn failed(id: String, error: &SqsError) -> FailedEntry {
    FailedEntry {
        id,
        sender_fault: true,
        code: error.query_code(),
        message: error.to_string(),
    }
}
