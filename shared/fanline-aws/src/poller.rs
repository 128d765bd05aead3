//! A worker as a process of its own that reads its queue: on ECS, Kubernetes, any machine.
//!
//! What could be got wrong is the end. A message is deleted only by the report's word; on SIGTERM nothing
//! more is received, what is in work gets the grace period, and the rest is given back at once.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_sdk_sqs::{
    operation::{RequestId, receive_message::ReceiveMessageOutput},
    types::{Message as SqsMessage, MessageSystemAttributeName as Name},
};
use fanline::{Batch, Grace, Message, Processor, Renewal, Report, Timestamp};
use futures_util::future::{Either, select};
use tokio::{sync::watch, task::JoinSet};
use tracing::Instrument;

use crate::{Error, SqsQueue, describe, received_attributes, run::publish};

/// For how long messages are received, and leases taken. Renewed every third of it, so that it says only how
/// soon another process takes over what a killed one was doing, and how long DynamoDB may be away before
/// handlers are stopped for it.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(60);

/// A process that ends waits so long for the receive under way: messages that SQS is sending just then
/// would be hidden for the visibility timeout.
const LAST_RECEIVE: Duration = Duration::from_secs(1);

/// Receives that fail in a row are this far apart at most.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// Why a first receive fails that will fail again.
const HOPELESS: [(&str, &str); 5] = [
    ("QueueDoesNotExist", CHECK_URL),
    ("AWS.SimpleQueueService.NonExistentQueue", CHECK_URL),
    ("InvalidAddress", CHECK_URL),
    ("AccessDenied", CHECK_ROLE),
    ("AccessDeniedException", CHECK_ROLE),
];

const CHECK_URL: &str = "create the queue or correct FANLINE_QUEUE_URL and the region";

const CHECK_ROLE: &str = "its role needs sqs:ReceiveMessage, and kms:Decrypt if the queue is encrypted with a key of yours";

/// Reads a queue with long polls and processes what comes, until it is told to end.
///
/// [`run`](crate::run) makes one outside Lambda. Each of its receivers takes up to 10 messages, processes
/// them as one batch (the worker's `concurrency` handlers at once) and then receives again: receivers
/// times ten messages are in work at most. While handlers run, leases and visibility are renewed
/// ([`Processor::process_renewing`]), so that they may take up to 12 hours. A handler that blocks its
/// thread keeps its lease from being renewed; put such work into `tokio::task::spawn_blocking`.
///
/// Costs, beside what the worker does, one ReceiveMessage per batch (and per 20 s and receiver while the
/// queue is empty), one DeleteMessageBatch per batch, and for batches that take longer than 20 s one
/// ChangeMessageVisibilityBatch and one DynamoDB call every 20 s. Needs `sqs:ReceiveMessage`,
/// `sqs:DeleteMessage` and `sqs:ChangeMessageVisibility` on the queue.
pub struct Poller {
    processor: Arc<Processor>,
    queue: SqsQueue,
    receivers: usize,
    grace_period: Duration,
    has_received: AtomicBool,
}

impl Poller {
    /// Four receivers, 25 seconds of grace.
    pub fn new(processor: impl Into<Arc<Processor>>, queue: SqsQueue) -> Self {
        Self {
            processor: processor.into(),
            queue,
            receivers: 4,
            grace_period: Duration::from_secs(25),
            has_received: AtomicBool::new(false),
        }
    }

    /// How many batches are in work at once; at least one.
    #[must_use]
    pub fn receivers(mut self, receivers: usize) -> Self {
        self.receivers = receivers.max(1);
        self
    }

    /// How long handlers may go on once `run_until` was told to end. Keep it below the time that the
    /// platform waits before it kills.
    #[must_use]
    pub fn grace_period(mut self, grace_period: Duration) -> Self {
        self.grace_period = grace_period;
        self
    }

    /// Works until `told_to_end` completes, and then until nothing is left in work or the grace period is
    /// over. Dropped before, it leaves its messages to the visibility timeout of 60 s.
    ///
    /// # Errors
    /// If the queue does not exist or may not be read. Once a receive has succeeded, errors are logged
    /// and it tries again, at least every 30 s.
    pub async fn run_until(self, told_to_end: impl Future<Output = ()>) -> Result<(), Error> {
        let grace = watch::Sender::new(None);
        tracing::info!(
            queue = self.queue.url(),
            receivers = self.receivers,
            consumer = self.processor.consumer(),
            "reading the queue"
        );
        let poller = Arc::new(self);
        let mut receivers = JoinSet::new();
        for _ in 0..poller.receivers {
            receivers.spawn(Arc::clone(&poller).receiver(grace.subscribe()));
        }
        let all_ended = pin!(async {
            let mut result = Ok(());
            while let Some(ended) = receivers.join_next().await {
                if let Err(error) = ended.map_err(Error::from).flatten() {
                    // The others end as if the process had been told to.
                    result = Err(error);
                    poller.begin_grace(&grace);
                }
            }
            result
        });
        let all_ended = match select(all_ended, pin!(told_to_end)).await {
            Either::Left((result, _)) => return result,
            Either::Right(((), all_ended)) => all_ended,
        };
        poller.begin_grace(&grace);
        tracing::info!(
            seconds = poller.grace_period.as_secs_f64(),
            "told to end: nothing more is received, what is in work may go on for so long"
        );
        let Ok(result) = tokio::time::timeout(poller.grace_period, all_ended).await else {
            tracing::warn!("the grace period is over; what was not settled comes back after 60 s");
            return Ok(());
        };
        tracing::info!("ended: nothing is in work");
        result
    }

    fn begin_grace(&self, grace: &watch::Sender<Option<Grace>>) {
        let from = self.processor.system().now();
        let until = from.checked_add(self.grace_period);
        let until = until.unwrap_or(Timestamp::MAX);
        grace.send_if_modified(|grace| {
            let is_first = grace.is_none();
            grace.get_or_insert(Grace { from, until });
            is_first
        });
    }

    /// Receives and processes one batch after the other.
    async fn receiver(self: Arc<Self>, grace: watch::Receiver<Option<Grace>>) -> Result<(), Error> {
        let mut failures = 0;
        while let Some(received) = self.receive(&grace).await {
            let wait = match received {
                Ok(received) => {
                    self.has_received.store(true, Ordering::Relaxed);
                    failures = 0;
                    self.process(received, &grace).await;
                    continue;
                }
                Err(Trouble::Hopeless(error)) => return Err(error),
                Err(Trouble::Passing(problem)) => {
                    failures += 1;
                    let wait = self.backoff(failures);
                    let seconds = wait.as_secs_f64();
                    tracing::error!(
                        problem,
                        seconds,
                        "cannot receive; trying again after a wait"
                    );
                    wait
                }
            };
            let ending = pin!(told(&grace));
            select(pin!(tokio::time::sleep(wait)), ending).await;
        }
        Ok(())
    }

    /// None once the process is to end.
    async fn receive(
        &self,
        grace: &watch::Receiver<Option<Grace>>,
    ) -> Option<Result<ReceiveMessageOutput, Trouble>> {
        if grace.borrow().is_some() {
            return None;
        }
        let attempt = self.processor.system().fence();
        let receiving = pin!(self.queue.receive(VISIBILITY_TIMEOUT, attempt));
        let ending = pin!(async {
            told(grace).await;
            tokio::time::sleep(LAST_RECEIVE).await;
        });
        let received = match select(receiving, ending).await {
            Either::Left((received, _)) => received,
            Either::Right(_) => return None,
        };
        Some(received.map_err(|error| {
            let problem = describe(&error);
            let code = problem.split(':').next().unwrap_or_default();
            let hopeless = HOPELESS.iter().find(|(hopeless, _)| *hopeless == code);
            match hopeless.filter(|_| !self.has_received.load(Ordering::Relaxed)) {
                Some((_, advice)) => Trouble::Hopeless(Error::new(format!(
                    "cannot receive from {}: {problem}; {advice}",
                    self.queue.url()
                ))),
                None => Trouble::Passing(problem),
            }
        }))
    }

    /// 1, 2, 4 … 30 s, of which a random half is left out, so that processes do not come back together.
    fn backoff(&self, failures: u32) -> Duration {
        let longest = Duration::from_secs(1 << failures.saturating_sub(1).min(5));
        let half = longest.min(LONGEST_BACKOFF) / 2;
        half + half.mul_f64(self.processor.system().random() as f64 / u128::MAX as f64)
    }

    async fn process(
        &self,
        received: ReceiveMessageOutput,
        grace: &watch::Receiver<Option<Grace>>,
    ) {
        let request_id = received.request_id().unwrap_or_default().to_owned();
        let messages = received.messages.unwrap_or_default();
        if messages.is_empty() {
            return;
        }
        let span = tracing::info_span!("batch", request_id);
        let url = self.queue.url();
        let batch = Batch {
            source: url.rsplit('/').next().unwrap_or(url).to_owned(),
            fifo: self.queue.is_fifo(),
            request_id,
            messages: messages.into_iter().map(message).collect(),
        };
        let receipts: Vec<String> = batch
            .messages
            .iter()
            .map(|message| message.receipt_handle.clone())
            .collect();
        let renewal = Renewal {
            visibility_timeout: VISIBILITY_TIMEOUT,
            grace: grace.clone(),
        };
        async {
            let processing = self
                .processor
                .process_renewing(batch, &self.queue, &renewal);
            match processing.await {
                Ok(report) => {
                    publish(&report);
                    self.delete_handled(&report, &receipts).await;
                }
                Err(error) => tracing::error!(%error, "batch not processed; it comes back"),
            }
        }
        .instrument(span)
        .await;
    }

    /// What cannot be deleted comes back and is recognised as a duplicate.
    async fn delete_handled(&self, report: &Report, receipts: &[String]) {
        const TRIES: usize = 3;
        let handled = report.outcomes().zip(receipts);
        let mut left: Vec<(&str, &str)> = handled
            .filter(|((_, outcome), _)| outcome.is_handled())
            .map(|((id, _), receipt)| (id, receipt.as_str()))
            .collect();
        for attempt in 1..=TRIES {
            if left.is_empty() {
                return;
            }
            let handles: Vec<&str> = left.iter().map(|(_, receipt)| *receipt).collect();
            let answers = self.queue.delete(&handles).await;
            let mut refused = Vec::new();
            for (entry, answer) in left.into_iter().zip(answers) {
                if let Err(problem) = answer {
                    let message_id = entry.0;
                    if attempt == TRIES {
                        tracing::warn!(message_id, problem, "handled message not deleted");
                    }
                    refused.push(entry);
                }
            }
            left = refused;
        }
    }
}

/// A receive that failed.
enum Trouble {
    /// And will fail again.
    Hopeless(Error),
    Passing(String),
}

/// Waits until the process is told to end.
async fn told(grace: &watch::Receiver<Option<Grace>>) {
    // An error says that nobody is left to tell it: `run_until` was dropped, and this with it.
    let mut grace = grace.clone();
    let _told = grace.wait_for(Option::is_some).await;
}

fn message(message: SqsMessage) -> Message {
    let mut system = message.attributes.unwrap_or_default();
    let receive_count = system.get(&Name::ApproximateReceiveCount);
    let sent_at = system.get(&Name::SentTimestamp);
    Message {
        receive_count: receive_count
            .and_then(|text| text.parse().ok())
            .unwrap_or(1),
        sent_at: sent_at
            .and_then(|text| text.parse().ok())
            .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok()),
        // Without an id the batch is refused as a whole.
        id: message.message_id.unwrap_or_default(),
        receipt_handle: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        group: system.remove(&Name::MessageGroupId),
        attributes: received_attributes(message.message_attributes),
    }
}
