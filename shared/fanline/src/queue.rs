//! What a worker asks of the queue that its batch came from, besides the answer record by record.
//!
//! Both calls are best effort for the message and safe to lose: one that is not known to be stored as
//! a dead letter is reported, and one whose visibility was not changed comes back when the queue's
//! own timeout ends.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::BoxFuture;

use crate::Attribute;

/// The source queue of a batch, and its dead-letter queue.
///
/// Answers come in the order of the entries, one each; `Err` says why an entry was not done, or
/// that this is not known. Calls must end by themselves: outside Lambda, no deadline ends one that is never answered.
pub trait SourceQueue: Send + Sync {
    /// Whether the worker sends dead letters itself. Without, it reports every message and leaves it
    /// to SQS's redrive policy.
    fn has_dead_letter_queue(&self) -> bool;

    /// Sends messages to the dead-letter queue.
    fn send_dead_letters<'a>(
        &'a self,
        letters: &'a [DeadLetter],
    ) -> BoxFuture<'a, Vec<Result<(), String>>>;

    /// Sets when received messages become visible again, counted from the call.
    fn change_visibility<'a>(
        &'a self,
        changes: &'a [VisibilityChange],
    ) -> BoxFuture<'a, Vec<Result<(), String>>>;
}

/// A message on its way to the dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Of the message that failed. A FIFO queue takes it once in five minutes.
    pub message_id: String,
    /// As it was received.
    pub body: String,
    /// With the note; see [`dead_letter::pack`](crate::dead_letter::pack).
    pub attributes: BTreeMap<String, Attribute>,
    /// FIFO message group.
    pub group: Option<String>,
}

/// When one received message becomes visible again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisibilityChange {
    /// For the log.
    pub message_id: String,
    /// Of this receive.
    pub receipt_handle: String,
    /// From the call. Whole seconds; at most 12 hours after the receive (SQS developer guide).
    pub wait: Duration,
}

/// No queue at all: for batches that a topic brought.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoQueue;

impl SourceQueue for NoQueue {
    fn has_dead_letter_queue(&self) -> bool {
        false
    }

    fn send_dead_letters<'a>(
        &'a self,
        letters: &'a [DeadLetter],
    ) -> BoxFuture<'a, Vec<Result<(), String>>> {
        let refused = Err("there is no dead-letter queue".to_owned());
        Box::pin(std::future::ready(vec![refused; letters.len()]))
    }

    fn change_visibility<'a>(
        &'a self,
        changes: &'a [VisibilityChange],
    ) -> BoxFuture<'a, Vec<Result<(), String>>> {
        let refused = Err("there is no queue".to_owned());
        Box::pin(std::future::ready(vec![refused; changes.len()]))
    }
}
