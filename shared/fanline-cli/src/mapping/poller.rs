//! The loop of a mapping: receive, gather, hand over, again.
//!
//! The one thing to get wrong: receiving messages while every slot is busy. They would wait here
//! while their visibility timeout runs, so a slot is taken before the first receive.

use super::batch::Batch;
use super::delete::describe;
use super::deliver::Context;
use super::filter::Filter;
use super::record::{Record, received};
use super::report::MappingEvent;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// SQS's longest wait for messages.
const LONG_POLL: Duration = Duration::from_secs(20);

/// SQS's limit for the messages of one receive.
const RECEIVE_LIMIT: usize = 10;

const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// One mapping's loop and what it has in hand.
pub(super) struct Poller {
    context: Arc<Context>,
    filter: Filter,
    stopped: watch::Receiver<bool>,
    /// Received, but not in a batch yet.
    waiting: VecDeque<Record>,
    backoff: Duration,
}

impl Poller {
    pub(super) fn new(
        context: Arc<Context>,
        filter: Filter,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        Self {
            context,
            filter,
            stopped,
            waiting: VecDeque::new(),
            backoff: FIRST_BACKOFF,
        }
    }

    pub(super) async fn run(mut self) {
        let slots = self
            .context
            .spec
            .maximum_concurrency
            .clamp(1, Semaphore::MAX_PERMITS);
        let slots = Arc::new(Semaphore::new(slots));
        let mut deliveries = JoinSet::new();
        loop {
            let slot = tokio::select! {
                slot = Arc::clone(&slots).acquire_owned() => slot,
                () = stop_requested(self.stopped.clone()) => break,
            };
            let Some(batch) = self.gather().await else {
                break;
            };
            let context = Arc::clone(&self.context);
            deliveries.spawn(async move {
                context.deliver(&batch).await;
                drop(slot);
            });
            while deliveries.try_join_next().is_some() {}
        }
        let left = self
            .waiting
            .drain(..)
            .map(|record| record.message_id)
            .collect();
        self.context.returned(
            left,
            "the mapping was stopped before they were delivered".to_owned(),
        );
        while deliveries.join_next().await.is_some() {}
    }

    /// The next batch; none when the mapping is stopped. What was received before a stop is still
    /// delivered.
    async fn gather(&mut self) -> Option<Batch> {
        let mut batch = Batch::new(self.context.spec.batch_size);
        let mut window_end = None;
        let mut more_is_there = false;
        loop {
            batch.fill_from(&mut self.waiting);
            let is_full = batch.room() == 0 || !self.waiting.is_empty();
            if is_full || *self.stopped.borrow() {
                return (!batch.is_empty()).then_some(batch);
            }
            let wait = if batch.is_empty() {
                LONG_POLL
            } else {
                let window = self.context.spec.maximum_batching_window;
                let end = *window_end.get_or_insert_with(|| Instant::now() + window);
                // A full answer means that more is there: no reason to wait before the next.
                let wait = if more_is_there {
                    Some(Duration::ZERO)
                } else {
                    self.until(end).await
                };
                match wait {
                    Some(wait) => wait,
                    None => return Some(batch),
                }
            };
            let asked = batch.room().min(RECEIVE_LIMIT);
            more_is_there = self.receive(asked, wait).await == asked;
            let is_over = window_end.is_some_and(|end| Instant::now() >= end);
            if is_over && !more_is_there {
                batch.fill_from(&mut self.waiting);
                return Some(batch);
            }
        }
    }

    /// How long to poll so as not to exceed the window, none when it is over. SQS counts whole
    /// seconds, so a last fraction is slept and then polled without waiting.
    async fn until(&self, window_end: Instant) -> Option<Duration> {
        let left = window_end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        if left >= Duration::from_secs(1) {
            return Some(left.min(LONG_POLL));
        }
        tokio::select! {
            () = sleep(left) => {}
            () = stop_requested(self.stopped.clone()) => {}
        }
        Some(Duration::ZERO)
    }

    /// Receives once, keeps what passes the filter and tells how many messages came. A failure is
    /// reported and waited out.
    async fn receive(&mut self, asked: usize, wait: Duration) -> usize {
        let request = self
            .context
            .sqs
            .receive_message()
            .queue_url(&self.context.spec.queue_url)
            .max_number_of_messages(i32::try_from(asked).unwrap_or(1))
            .wait_time_seconds(i32::try_from(wait.as_secs()).unwrap_or(0))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All");
        let mut stop = pin!(stop_requested(self.stopped.clone()));
        let output = tokio::select! {
            output = request.send() => output,
            () = &mut stop => return 0,
        };
        match output {
            Ok(output) => {
                self.backoff = FIRST_BACKOFF;
                self.take_in(output.messages()).await;
                output.messages().len()
            }
            Err(error) => {
                let wait = self.backoff;
                self.backoff = (wait * 2).min(LONGEST_BACKOFF);
                let text = format!(
                    "receiving from {} failed, trying again in {:.1} s: {}",
                    self.context.spec.queue_url,
                    wait.as_secs_f64(),
                    describe(&error)
                );
                self.context.problem(text);
                tokio::select! {
                    () = sleep(wait) => {}
                    () = &mut stop => {}
                }
                0
            }
        }
    }

    async fn take_in(&mut self, messages: &[Message]) {
        if messages.is_empty() {
            return;
        }
        let reported = messages.iter().map(received).collect();
        self.context.tell(|queue_arn| MappingEvent::Received {
            queue_arn,
            messages: reported,
        });
        let mut unwanted = Vec::new();
        for message in messages {
            match Record::new(message, &self.context.spec) {
                Some(record) if self.filter.accepts(&record.json) => self.waiting.push_back(record),
                Some(record) => unwanted.push(record),
                None => {
                    let id = message.message_id().unwrap_or("without id").to_owned();
                    let reason = "SQS sent it without an id, a receipt handle or a body".to_owned();
                    self.context.returned(vec![id], reason);
                }
            }
        }
        self.context.discard(&unwanted).await;
    }
}

async fn stop_requested(mut stopped: watch::Receiver<bool>) {
    // An error means the mapping was dropped, which aborts this task too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
