//! What a lane decides, done: invocations, pauses, and notices of what was given up.

use super::destination::{self, Notice};
use super::lane::{GivenUp, Lane, Step};
use super::record::Change;
use super::{Context, Fed, stop_requested};
use crate::lambda::{request_id, since_epoch};
use crate::mapping::batch::PAYLOAD_LIMIT;
use crate::mapping::settle::settle;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// Where a lane's changes come from.
pub(super) struct Position {
    pub(super) stream: String,
    pub(super) shard: String,
}

/// Ends when no more changes come and none is left, or when asked to stop.
pub(super) async fn run(
    context: Arc<Context>,
    position: Position,
    mut changes: mpsc::Receiver<Change>,
    stopped: watch::Receiver<bool>,
) {
    let mut worker = Worker {
        lane: Lane::new(context.spec.batch_size, context.spec.retries),
        context: &context,
        position,
        invocations: 0,
        last_request: None,
    };
    while !*stopped.borrow() {
        match worker.lane.step(since_epoch()) {
            Step::Idle => {
                tokio::select! {
                    change = changes.recv() => match change {
                        Some(change) => worker.lane.push(change),
                        None => return,
                    },
                    () = stop_requested(stopped.clone()) => return,
                }
                worker.gather(&mut changes, &stopped).await;
            }
            Step::Wait(until) => {
                tokio::select! {
                    () = sleep(until.saturating_sub(since_epoch())) => {}
                    () = stop_requested(stopped.clone()) => return,
                }
            }
            Step::Invoke(count) => {
                worker.invoke(count).await;
                // The batching window is for what comes new; a failed batch is not gathered again.
                if !worker.lane.is_retrying() {
                    worker.gather(&mut changes, &stopped).await;
                }
            }
            Step::GiveUp(count, why) => worker.give_up(count, why).await,
        }
    }
}

struct Worker<'a> {
    lane: Lane,
    context: &'a Context,
    position: Position,
    /// Invocations with the change at the head.
    invocations: u32,
    /// The id of the last of them, by which the function's log is found.
    last_request: Option<Arc<str>>,
}

impl Worker<'_> {
    /// Takes in what is there, and what comes within the batching window if there is one.
    async fn gather(
        &mut self,
        changes: &mut mpsc::Receiver<Change>,
        stopped: &watch::Receiver<bool>,
    ) {
        let end = Instant::now() + self.context.spec.maximum_batching_window;
        while !self.lane.is_full() {
            if let Ok(change) = changes.try_recv() {
                self.lane.push(change);
                continue;
            }
            if self.lane.len() == 0 || Instant::now() >= end {
                return;
            }
            tokio::select! {
                change = changes.recv() => match change {
                    Some(change) => self.lane.push(change),
                    None => return,
                },
                () = sleep_until(end) => return,
                () = stop_requested(stopped.clone()) => return,
            }
        }
    }

    async fn invoke(&mut self, most: usize) {
        let (payload, ids) = self.event(most);
        let count = ids.len();
        let request_id = request_id();
        let response = self.context.function.invoke(&request_id, payload).await;
        self.invocations += 1;
        self.last_request = Some(request_id);
        let settled = settle(
            &ids,
            self.context.spec.report_batch_item_failures,
            &response,
        );
        // The lowest of the failed is the checkpoint: what comes after it is given again as well.
        let handled = ids
            .iter()
            .take_while(|id| !settled.keep.contains(id))
            .count();
        let done = self.lane.settle(since_epoch(), count, handled);
        if !done.is_empty() {
            self.invocations = 0;
            self.last_request = None;
            let count = done.len() as u64;
            self.context
                .tell(|function| Fed::Succeeded { function, count });
        }
        if handled < count {
            let (count, reason) = ((count - handled) as u64, settled.reason);
            self.context.tell(|function| Fed::Retried {
                function,
                count,
                reason,
            });
        }
    }

    /// The event with the first changes, as many as Lambda takes at once, and their ids.
    fn event(&self, most: usize) -> (Bytes, Vec<String>) {
        let mut payload = String::from(r#"{"Records":["#);
        let mut ids = Vec::new();
        for change in self.lane.head(most) {
            if !ids.is_empty() {
                if payload.len() + change.json.len() + 3 > PAYLOAD_LIMIT {
                    break;
                }
                payload.push(',');
            }
            payload.push_str(&change.json);
            ids.push(change.sequence.clone());
        }
        payload.push_str("]}");
        (payload.into(), ids)
    }

    async fn give_up(&mut self, count: usize, why: GivenUp) {
        let given_up = self.lane.give_up(count);
        let notice = Notice {
            position: &self.position,
            function_arn: &self.context.function.spec().arn(),
            condition: why,
            request_id: self.last_request.take(),
            invocations: std::mem::take(&mut self.invocations),
            changes: &given_up,
        };
        let fate = destination::send(self.context, &notice).await;
        let (count, reason) = (given_up.len() as u64, format!("{why:?}; {fate}"));
        self.context.tell(|function| Fed::GivenUp {
            function,
            count,
            reason,
        });
    }
}
