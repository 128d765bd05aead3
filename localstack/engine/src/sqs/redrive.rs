//! Dead letters on their way into the dead-letter queue, and who may use which.
//!
//! A message keeps its id, and on a standard queue the time it was sent, so its retention goes
//! on running. On a FIFO queue its id becomes its deduplication id, as AWS documents.

use super::attributes::QueueAttributes;
use super::error::invalid;
use super::message::Message;
use super::queue::Queue;
use super::{Sqs, SqsError};
use crate::EpochMillis;
use crate::identity::MessageId;
use std::sync::Arc;

impl Sqs {
    /// The queues whose dead letters go to `target`.
    pub(super) fn sources_of(&self, target: &str) -> impl Iterator<Item = &Queue> {
        self.queues.values().filter(move |queue| {
            let redrive = queue.attributes.redrive.as_ref();
            redrive.is_some_and(|redrive| &*redrive.target_arn == target)
        })
    }

    /// Whether the queue of `arn` may have these attributes, as far as its dead-letter queue goes.
    pub(super) fn check_redrive(
        &self,
        arn: &str,
        attributes: &QueueAttributes,
    ) -> Result<(), SqsError> {
        let Some(redrive) = &attributes.redrive else {
            return Ok(());
        };
        let refuse = |reason: &str| Err(invalid("RedrivePolicy", &redrive.target_arn, reason));
        match self.by_arn(&redrive.target_arn) {
            None => refuse("Dead letter target does not exist."),
            Some(target) if target.attributes.fifo != attributes.fifo => {
                refuse("Dead-letter queue must be same type of queue as the source.")
            }
            Some(target) if !target.attributes.redrive_allow.admits(arn) => refuse(
                "The RedriveAllowPolicy of the dead-letter queue does not permit this source queue.",
            ),
            Some(_) => Ok(()),
        }
    }

    /// The queue that exhausted messages go to. Deleted since: they stay where they are.
    pub(super) fn redrive_target(&mut self, url: &str) -> Result<Option<Arc<str>>, SqsError> {
        let Some(redrive) = &self.queue(url)?.attributes.redrive else {
            return Ok(None);
        };
        let arn = redrive.target_arn.clone();
        Ok(self.by_arn(&arn).map(|target| target.name.clone()))
    }

    /// Puts exhausted messages into the dead-letter queue.
    pub(super) fn bury(
        &mut self,
        now: EpochMillis,
        source: &Arc<str>,
        target: &Arc<str>,
        messages: Vec<Message>,
    ) {
        let Some(queue) = self.queues.get_mut(target).filter(|_| !messages.is_empty()) else {
            return;
        };
        queue.tick(now);
        for mut message in messages {
            message.receives_here = 0;
            message.rare_mut().dead_letter_source = Some(source.clone());
            if queue.attributes.fifo {
                message.sent = now;
                // Poison that was sent twice must not be taken for one message there.
                let id = MessageId(message.id).to_string();
                message.rare_mut().deduplication = Some(id.into());
                message.rare_mut().sequence = Some(queue.take_sequence(now));
            }
            queue.store.insert(now, message, now);
        }
        self.wake(target);
    }
}
