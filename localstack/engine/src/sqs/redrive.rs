//! Dead letters: into the dead-letter queue, and back by a move task.
//!
//! On the way in a message keeps its id, and on a standard queue the time it was sent,
//! so its retention goes on running. On the way back it is a new message: new id, counts
//! from zero.

use super::error::{SqsErrorKind, missing};
use super::message::Message;
use super::request::{ListMessageMoveTasks, StartMessageMoveTask};
use super::response::MoveTask;
use super::{Sqs, SqsError, SqsResponse};
use crate::EpochMillis;
use crate::identity::uuid;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;

/// How many tasks ListMessageMoveTasks can look back on.
const REMEMBERED_TASKS: usize = 100;

impl Sqs {
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
                message.rare_mut().sequence = Some(queue.take_sequence());
            }
            queue.store.insert(now, message, now);
        }
        self.wake(target);
    }

    pub(super) fn start_move_task(
        &mut self,
        now: EpochMillis,
        call: &StartMessageMoveTask,
    ) -> Result<SqsResponse, SqsError> {
        let not_found = |arn: &str| {
            SqsErrorKind::ResourceNotFound.because(format!(
                "The resource that you specified for {arn} doesn't exist."
            ))
        };
        if call.source_arn.is_empty() {
            return Err(missing("SourceArn"));
        }
        let source = self
            .by_arn(&call.source_arn)
            .ok_or_else(|| not_found(&call.source_arn))?;
        let (source_name, source_arn) = (source.name.clone(), source.arn.clone());
        let is_dead_letter_queue = self.queues.values().any(|queue| {
            let redrive = queue.attributes.redrive.as_ref();
            redrive.is_some_and(|redrive| redrive.target_arn == source_arn)
        });
        if !is_dead_letter_queue {
            return Err(SqsErrorKind::InvalidParameterValue
                .because("Source queue must be configured as a Dead Letter Queue."));
        }
        let fifo = source_name.ends_with(".fifo");
        if let Some(arn) = &call.destination_arn {
            let destination = self.by_arn(arn).ok_or_else(|| not_found(arn))?;
            if destination.attributes.fifo != fifo {
                return Err(SqsErrorKind::InvalidParameterValue
                    .because("Source and destination must be queues of the same type."));
            }
        }
        let moved = self.move_all(now, &source_name, call.destination_arn.as_deref());
        let handle = STANDARD.encode(format!(
            r#"{{"taskId":"{}","sourceArn":"{source_arn}"}}"#,
            uuid(&mut self.random)
        ));
        self.move_tasks.push_front(MoveTask {
            status: "COMPLETED".into(),
            source_arn: source_arn.to_string(),
            destination_arn: call.destination_arn.clone(),
            approximate_number_of_messages_moved: moved,
            approximate_number_of_messages_to_move: moved,
            started_timestamp: now,
        });
        self.move_tasks.truncate(REMEMBERED_TASKS);
        Ok(SqsResponse::MoveTask {
            task_handle: handle,
        })
    }

    /// Moves what is available now, all at once: the engine does not imitate AWS's rate.
    fn move_all(&mut self, now: EpochMillis, source: &Arc<str>, destination: Option<&str>) -> u64 {
        let Some(queue) = self.queues.get_mut(source) else {
            return 0;
        };
        queue.tick(now);
        let mut messages = Vec::new();
        while let Some(message) = queue.store.withdraw_first() {
            messages.push(message);
        }
        let mut moved = 0;
        for mut message in messages {
            let origin = message
                .rare
                .as_ref()
                .and_then(|rare| rare.dead_letter_source.clone());
            let target = destination.or(origin.as_deref());
            let target = target.and_then(|arn| self.identity.queue_of_arn(arn));
            let id = self.random.u128(..);
            // Without a place to go it stays in the dead-letter queue.
            let known = target.filter(|name| self.queues.contains_key(*name));
            let name: Arc<str> = known.unwrap_or(source).into();
            let Some(queue) = self.queues.get_mut(&name) else {
                continue;
            };
            if known.is_some() {
                message.id = id;
                message.sent = now;
                message.first_received = None;
                message.receive_count = 0;
                message.rare_mut().dead_letter_source = None;
                moved += 1;
            }
            message.receives_here = 0;
            if queue.attributes.fifo {
                message.rare_mut().sequence = Some(queue.take_sequence());
            }
            queue.store.insert(now, message, now);
            self.wake(&name);
        }
        moved
    }

    pub(super) fn list_move_tasks(
        &mut self,
        call: &ListMessageMoveTasks,
    ) -> Result<SqsResponse, SqsError> {
        if call.source_arn.is_empty() {
            return Err(missing("SourceArn"));
        }
        let most = call.max_results.unwrap_or(1).clamp(1, 10) as usize;
        let of_source = self
            .move_tasks
            .iter()
            .filter(|task| task.source_arn == call.source_arn);
        Ok(SqsResponse::MoveTasks {
            results: of_source.take(most).cloned().collect(),
        })
    }
}
