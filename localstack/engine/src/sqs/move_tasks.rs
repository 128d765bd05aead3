//! Move tasks: from a dead-letter queue back to where its messages came from, or elsewhere.
//!
//! A moved message is a new one: new id, counts from zero. Without a rate a task has moved
//! everything before its call is answered. With one it goes on as time passes, so every call
//! first lets the tasks catch up; a message that was received meanwhile is left out.

use super::error::{SqsErrorKind, invalid, missing};
use super::request::{CancelMessageMoveTask, ListMessageMoveTasks, StartMessageMoveTask};
use super::response::MoveTask;
use super::{Sqs, SqsError, SqsResponse};
use crate::EpochMillis;
use crate::identity::uuid;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How many tasks ListMessageMoveTasks can look back on.
const REMEMBERED_TASKS: usize = 100;
/// The most messages per second that AWS lets one ask for.
const FASTEST: i64 = 500;

/// One task, running or ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Task {
    handle: String,
    source: Arc<str>,
    source_arn: Arc<str>,
    destination_arn: Option<Arc<str>>,
    /// Messages per second; as fast as possible if none.
    rate: Option<u32>,
    to_move: u64,
    moved: u64,
    started: EpochMillis,
    status: Status,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Status {
    Running,
    Completed,
    Cancelled,
    Failed(Failure),
}

/// Why a task ended early; the texts are AWS's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Failure {
    CouldNotDetermineMessageSource,
    QueueDoesNotExist,
}

/// What one message's turn came to.
enum Turn {
    Moved,
    NothingLeft,
    Failed(Failure),
}

impl Task {
    /// When the next message is due.
    fn due(&self) -> EpochMillis {
        let wait = self
            .rate
            .map_or(0, |rate| (self.moved * 1000).div_ceil(u64::from(rate)));
        self.started + wait
    }

    fn is_running(&self) -> bool {
        self.status == Status::Running
    }

    fn describe(&self) -> MoveTask {
        let (status, failure) = match self.status {
            Status::Running => ("RUNNING", None),
            Status::Completed => ("COMPLETED", None),
            Status::Cancelled => ("CANCELLED", None),
            Status::Failed(failure) => ("FAILED", Some(format!("{failure:?}"))),
        };
        MoveTask {
            // AWS shows the handle only while it is of use.
            task_handle: self.is_running().then(|| self.handle.clone()),
            status: status.to_owned(),
            source_arn: self.source_arn.to_string(),
            destination_arn: self.destination_arn.as_ref().map(|arn| arn.to_string()),
            max_number_of_messages_per_second: self.rate,
            approximate_number_of_messages_moved: self.moved,
            approximate_number_of_messages_to_move: self.to_move,
            failure_reason: failure,
            started_timestamp: self.started,
        }
    }
}

impl Sqs {
    pub(super) fn start_move_task(
        &mut self,
        now: EpochMillis,
        call: &StartMessageMoveTask,
    ) -> Result<SqsResponse, SqsError> {
        if call.source_arn.is_empty() {
            return Err(missing("SourceArn"));
        }
        let rate = match call.max_number_of_messages_per_second {
            None => None,
            Some(rate @ 1..=FASTEST) => Some(rate as u32),
            Some(rate) => {
                return Err(invalid(
                    "MaxNumberOfMessagesPerSecond",
                    rate,
                    &format!("Must be from 1 to {FASTEST}."),
                ));
            }
        };
        let source = self
            .by_arn(&call.source_arn)
            .ok_or_else(|| not_found(&call.source_arn))?;
        let (name, arn, fifo) = (
            source.name.clone(),
            source.arn.clone(),
            source.attributes.fifo,
        );
        if self.sources_of(&arn).next().is_none() {
            return Err(SqsErrorKind::InvalidParameterValue
                .because("Source queue must be configured as a Dead Letter Queue."));
        }
        if let Some(destination_arn) = &call.destination_arn {
            let destination = self
                .by_arn(destination_arn)
                .ok_or_else(|| not_found(destination_arn))?;
            if destination.arn == arn {
                return Err(SqsErrorKind::InvalidParameterValue
                    .because("Source queue and destination queue must be different."));
            }
            if destination.attributes.fifo != fifo {
                return Err(SqsErrorKind::InvalidParameterValue
                    .because("Source and destination must be queues of the same type."));
            }
        }
        let is_taken = |task: &Task| task.is_running() && task.source == name;
        if self.move_tasks.iter().any(is_taken) {
            return Err(SqsErrorKind::UnsupportedOperation.because(
                "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
            ));
        }
        let queue = self.queue_at(now, &name)?;
        let to_move = queue.store.counts().available as u64;
        let handle = STANDARD.encode(format!(
            r#"{{"taskId":"{}","sourceArn":"{arn}"}}"#,
            uuid(&mut self.random)
        ));
        self.move_tasks.push_front(Task {
            handle: handle.clone(),
            source: name,
            source_arn: arn,
            destination_arn: call.destination_arn.as_deref().map(Arc::from),
            rate,
            to_move,
            moved: 0,
            started: now,
            status: Status::Running,
        });
        self.move_tasks.truncate(REMEMBERED_TASKS);
        self.advance_tasks(now);
        Ok(SqsResponse::MoveTask {
            task_handle: handle,
        })
    }

    pub(super) fn cancel_move_task(
        &mut self,
        call: &CancelMessageMoveTask,
    ) -> Result<SqsResponse, SqsError> {
        if call.task_handle.is_empty() {
            return Err(missing("TaskHandle"));
        }
        let task = self
            .move_tasks
            .iter_mut()
            .find(|task| task.handle == call.task_handle)
            .ok_or_else(|| {
                SqsErrorKind::ResourceNotFound.because("Task does not exist.".to_owned())
            })?;
        if !task.is_running() {
            return Err(
                SqsErrorKind::UnsupportedOperation.because("Only active tasks can be cancelled.")
            );
        }
        task.status = Status::Cancelled;
        Ok(SqsResponse::MoveTaskCancelled {
            approximate_number_of_messages_moved: task.moved,
        })
    }

    pub(super) fn list_move_tasks(
        &mut self,
        call: &ListMessageMoveTasks,
    ) -> Result<SqsResponse, SqsError> {
        if call.source_arn.is_empty() {
            return Err(missing("SourceArn"));
        }
        if self.by_arn(&call.source_arn).is_none() {
            return Err(not_found(&call.source_arn));
        }
        let most = match call.max_results {
            None => 1,
            Some(most @ 1..=10) => most as usize,
            Some(most) => return Err(invalid("MaxResults", most, "Must be from 1 to 10.")),
        };
        let of_source = self
            .move_tasks
            .iter()
            .filter(|task| *task.source_arn == *call.source_arn);
        Ok(SqsResponse::MoveTasks {
            results: of_source.take(most).map(Task::describe).collect(),
        })
    }

    /// Lets running tasks catch up with the time.
    pub(super) fn advance_tasks(&mut self, now: EpochMillis) {
        for index in 0..self.move_tasks.len() {
            while self.move_tasks[index].is_running() && self.move_tasks[index].due() <= now {
                let task = &self.move_tasks[index];
                let (source, destination) = (task.source.clone(), task.destination_arn.clone());
                let turn = if task.moved < task.to_move {
                    self.move_one(now, &source, destination.as_deref())
                } else {
                    Turn::NothingLeft
                };
                let task = &mut self.move_tasks[index];
                match turn {
                    Turn::Moved => task.moved += 1,
                    Turn::NothingLeft => task.status = Status::Completed,
                    Turn::Failed(failure) => task.status = Status::Failed(failure),
                }
                self.definitions_changed = true;
            }
        }
    }

    /// When a task next moves a message.
    pub(super) fn next_move(&self, now: EpochMillis) -> Option<EpochMillis> {
        let running = self.move_tasks.iter().filter(|task| task.is_running());
        running.map(|task| task.due().max(now)).min()
    }

    fn move_one(&mut self, now: EpochMillis, source: &str, destination: Option<&str>) -> Turn {
        let Some(queue) = self.queues.get_mut(source) else {
            return Turn::Failed(Failure::QueueDoesNotExist);
        };
        queue.tick(now);
        let Some((key, message)) = queue.store.first_available() else {
            return Turn::NothingLeft;
        };
        let origin = message
            .rare
            .as_ref()
            .and_then(|rare| rare.dead_letter_source.clone());
        let Some(target_arn) = destination.or(origin.as_deref()) else {
            return Turn::Failed(Failure::CouldNotDetermineMessageSource);
        };
        let target = self.identity.queue_of_arn(target_arn).unwrap_or_default();
        if !self.queues.contains_key(target) {
            return Turn::Failed(Failure::QueueDoesNotExist);
        }
        let Some(mut message) = self
            .queues
            .get_mut(source)
            .and_then(|queue| queue.store.withdraw(key))
        else {
            return Turn::NothingLeft;
        };
        message.id = self.random.u128(..);
        message.sent = now;
        message.first_received = None;
        message.receive_count = 0;
        message.receives_here = 0;
        message.rare_mut().dead_letter_source = None;
        if let Some(queue) = self.queues.get_mut(target) {
            queue.tick(now);
            if queue.attributes.fifo {
                message.rare_mut().sequence = Some(queue.take_sequence(now));
            }
            queue.store.insert(now, message, now);
            let name = queue.name.clone();
            self.wake(&name);
        }
        Turn::Moved
    }
}

fn not_found(arn: &str) -> SqsError {
    SqsErrorKind::ResourceNotFound.because(format!(
        "The resource that you specified for {arn} doesn't exist."
    ))
}
