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
use super::spec::{InvalidMapping, MappingSpec};
use crate::lambda::Function;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};

/// SQS's longest wait for messages.
const LONG_POLL: Duration = Duration::from_secs(20);

/// SQS's limit for the messages of one receive.
const RECEIVE_LIMIT: usize = 10;

const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// What a stop allows beyond the function's timeout: the start of a process, and deletes that have
/// to be repeated.
const STOP_MARGIN: Duration = Duration::from_secs(20);

/// A running event source mapping. Dropping it stops it at once: invocations that run are killed
/// and their messages come back.
pub struct Mapping {
    context: Arc<Context>,
    stopping: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Mapping {
    /// Starts polling. `sqs` must allow calls of more than 20 seconds, the length of a long poll.
    pub fn start(
        spec: MappingSpec,
        sqs: aws_sdk_sqs::Client,
        function: Arc<Function>,
        events: mpsc::UnboundedSender<MappingEvent>,
    ) -> Result<Self, InvalidMapping> {
        spec.validate()?;
        let filter = Filter::new(&spec.filter_patterns)
            .map_err(|(number, problem)| InvalidMapping::Filter { number, problem })?;
        let queue_arn = spec.queue_arn.as_str().into();
        let context = Arc::new(Context {
            spec,
            queue_arn,
            sqs,
            function,
            events,
        });
        let (stopping, stopped) = watch::channel(false);
        let poller = Poller {
            context: Arc::clone(&context),
            filter,
            stopped,
            waiting: VecDeque::new(),
            backoff: FIRST_BACKOFF,
        };
        let task = tokio::spawn(poller.run());
        Ok(Self {
            context,
            stopping,
            task,
        })
    }

    /// Stops polling and waits until the batches that run are settled, for the function's timeout
    /// and some seconds more at the longest.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        let longest = self.context.function.spec().timeout + STOP_MARGIN;
        if timeout(longest, &mut self.task).await.is_err() {
            let text = format!(
                "batches were still running {} s after the stop and were given up; their messages come back",
                longest.as_secs()
            );
            self.context.problem(text);
        }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Poller {
    context: Arc<Context>,
    filter: Filter,
    stopped: watch::Receiver<bool>,
    /// Received, but not in a batch yet.
    waiting: VecDeque<Record>,
    backoff: Duration,
}

impl Poller {
    async fn run(mut self) {
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
                match self.until(end).await {
                    Some(wait) => wait,
                    None => return Some(batch),
                }
            };
            self.receive(batch.room(), wait).await;
            let over = window_end.is_some_and(|end| Instant::now() >= end);
            if over {
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

    /// Receives once and keeps what passes the filter. A failure is reported and waited out.
    async fn receive(&mut self, room: usize, wait: Duration) {
        let request = self
            .context
            .sqs
            .receive_message()
            .queue_url(&self.context.spec.queue_url)
            .max_number_of_messages(i32::try_from(room.min(RECEIVE_LIMIT)).unwrap_or(1))
            .wait_time_seconds(i32::try_from(wait.as_secs()).unwrap_or(0))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All");
        let mut stop = pin!(stop_requested(self.stopped.clone()));
        let output = tokio::select! {
            output = request.send() => output,
            () = &mut stop => return,
        };
        match output {
            Ok(output) => {
                self.backoff = FIRST_BACKOFF;
                self.take_in(output.messages()).await;
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
