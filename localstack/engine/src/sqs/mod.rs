//! SQS as a pure state machine: every call takes `now`, nothing waits, nothing is random
//! that the seed does not decide.
//!
//! A receive that finds nothing answers at once and says when it is worth asking again;
//! waiting is the front's business. A front must repeat it for every queue in
//! [`SqsStep::woken`], or a long poll sleeps through a message.

mod admin;
mod attempts;
mod attributes;
mod counts;
mod deadlines;
pub(crate) mod deduplication;
mod error;
mod groups;
mod incoming;
mod liberties;
pub(crate) mod message;
mod move_tasks;
mod permissions;
mod policy;
pub(crate) mod queue;
mod receipt;
mod receive;
mod redrive;
mod request;
mod response;
pub(crate) mod saved;
mod send;
mod settle;
pub(crate) mod store;

pub use counts::{Counts, QueueTotals};
pub use error::{SqsError, SqsErrorKind};
pub use liberties::Liberties;
pub use policy::AccessPolicy;
pub use receipt::ReceiptHandle;
pub use request::*;
pub use response::*;
pub use send::Delivery;

use crate::EpochMillis;
use crate::identity::Identity;
use fastrand::Rng;
use move_tasks::Task;
use queue::Queue;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// All queues of an account.
#[derive(Debug)]
pub struct Sqs {
    identity: Identity,
    queues: BTreeMap<Arc<str>, Queue>,
    random: Rng,
    next_queue_id: u64,
    woken: Vec<Arc<str>>,
    move_tasks: VecDeque<Task>,
    /// Queues deleted in the last minute.
    deleted: BTreeMap<Arc<str>, EpochMillis>,
    liberties: Liberties,
    /// Whether anything but messages changed: queues, their attributes and tags, move tasks.
    definitions_changed: bool,
    keeps_journal: bool,
}

/// What a call led to.
#[derive(Debug)]
pub struct SqsStep {
    /// What the caller is told.
    pub answer: Result<SqsResponse, SqsError>,
    /// Queues whose waiting receives should look again.
    pub woken: Vec<Arc<str>>,
}

impl Sqs {
    /// An account without queues.
    pub fn new(identity: Identity, liberties: Liberties, seed: u64) -> Self {
        Self {
            identity,
            queues: BTreeMap::new(),
            random: Rng::with_seed(seed),
            next_queue_id: 0,
            woken: Vec::new(),
            move_tasks: VecDeque::new(),
            deleted: BTreeMap::new(),
            liberties,
            definitions_changed: false,
            keeps_journal: false,
        }
    }

    /// Carries out one call. `base_url` (`http://host:port`) begins the queue URLs in the answer.
    pub fn step(&mut self, now: EpochMillis, base_url: &str, request: SqsRequest) -> SqsStep {
        self.advance_tasks(now);
        self.definitions_changed |= request.changes_definitions();
        let answer = match request {
            SqsRequest::CreateQueue(call) => self.create_queue(now, base_url, call),
            SqsRequest::DeleteQueue(call) => self.delete_queue(now, &call.queue_url),
            SqsRequest::GetQueueUrl(call) => self.get_queue_url(base_url, &call),
            SqsRequest::ListQueues(call) => self.list_queues(base_url, &call),
            SqsRequest::GetQueueAttributes(call) => self.get_attributes(now, &call),
            SqsRequest::SetQueueAttributes(call) => self.set_attributes(now, &call),
            SqsRequest::TagQueue(call) => self.tag_queue(call),
            SqsRequest::UntagQueue(call) => self.untag_queue(&call),
            SqsRequest::ListQueueTags(call) => self.list_tags(&call.queue_url),
            SqsRequest::SendMessage(call) => self.send_message(now, call),
            SqsRequest::SendMessageBatch(call) => self.send_batch(now, call),
            SqsRequest::ReceiveMessage(call) => self.receive(now, &call),
            SqsRequest::DeleteMessage(call) => self.delete_message(now, &call),
            SqsRequest::DeleteMessageBatch(call) => self.delete_batch(now, call),
            SqsRequest::ChangeMessageVisibility(call) => self.change_visibility(now, &call),
            SqsRequest::ChangeMessageVisibilityBatch(call) => {
                self.change_visibility_batch(now, call)
            }
            SqsRequest::PurgeQueue(call) => self.purge_queue(now, &call.queue_url),
            SqsRequest::ListDeadLetterSourceQueues(call) => {
                self.list_dead_letter_sources(base_url, &call)
            }
            SqsRequest::StartMessageMoveTask(call) => self.start_move_task(now, &call),
            SqsRequest::CancelMessageMoveTask(call) => self.cancel_move_task(&call),
            SqsRequest::ListMessageMoveTasks(call) => self.list_move_tasks(&call),
            SqsRequest::AddPermission(call) => self.add_permission(now, call),
            SqsRequest::RemovePermission(call) => self.remove_permission(now, &call),
        };
        SqsStep {
            answer,
            woken: self.take_woken(),
        }
    }

    /// Queues woken by something other than a step, such as a delivery from SNS.
    pub(crate) fn take_woken(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.woken)
    }

    /// The names of all queues, in order.
    pub fn queue_names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.queues.keys()
    }

    /// How many messages a queue holds, by state.
    pub fn counts(&mut self, now: EpochMillis, name: &str) -> Option<Counts> {
        self.advance_tasks(now);
        let queue = self.queues.get_mut(name)?;
        queue.tick(now);
        Some(queue.store.counts())
    }

    /// What happened to a queue's messages since it was created.
    pub fn totals(&self, name: &str) -> Option<QueueTotals> {
        self.queues.get(name).map(|queue| queue.store.totals())
    }

    fn queue(&mut self, url: &str) -> Result<&mut Queue, SqsError> {
        let name = queue_name(url)?;
        self.queues.get_mut(name).ok_or_else(error::no_such_queue)
    }

    /// The queue with time passed up to `now`.
    fn queue_at(&mut self, now: EpochMillis, url: &str) -> Result<&mut Queue, SqsError> {
        let queue = self.queue(url)?;
        queue.tick(now);
        Ok(queue)
    }

    fn add(&mut self, mut queue: Queue) {
        if self.keeps_journal {
            queue.store.keep_journal();
        }
        self.queues.insert(queue.name.clone(), queue);
    }

    fn wake(&mut self, name: &Arc<str>) {
        if !self.woken.contains(name) {
            self.woken.push(name.clone());
        }
    }

    fn url(&self, base_url: &str, name: &str) -> String {
        format!("{base_url}/{}/{name}", self.identity.account)
    }
}

/// The queue a URL names. The host is not compared: the same engine is reached under
/// several names (localhost, 127.0.0.1, a container's alias).
fn queue_name(url: &str) -> Result<&str, SqsError> {
    if url.is_empty() {
        return Err(error::missing("QueueUrl"));
    }
    let name = url.trim_end_matches('/').rsplit('/').next();
    name.filter(|name| !name.is_empty())
        .ok_or_else(error::no_such_queue)
}

#[cfg(test)]
mod tests;
