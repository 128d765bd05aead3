//! One invocation, from records to outcomes (design section 5).
//!
//! Fetch what is only referred to, plan (pure), claim, run (renewing leases if no deadline ends it),
//! settle, dead letters, waits, report. What could be got wrong is to acknowledge a record whose dedup
//! record is not complete and whose dead letter is not stored: [`settle`] and [`queueing`] have the
//! last word on every outcome.

mod key;
mod payloads;
mod plan;
mod queueing;
mod renew;
mod route;
mod run;
mod settle;
mod times;

use std::{pin::pin, sync::Arc};

use futures_util::future::{Either, select};
use jiff::Timestamp;

use crate::{
    Batch, InvalidWorker, Outcome, Report, SourceQueue, System, Worker,
    claim_check::PayloadStore,
    dedup::{ClaimAnswer, DedupStore, Refusal},
    delivery::remaining,
    worker::Settings,
};
use payloads::Payloads;
use plan::Plan;
pub use renew::{Grace, Renewal};
use route::route;
use times::Times;

/// A worker with everything it needs to process batches.
///
/// [`process`](Self::process) costs, for a batch of up to 25 messages, 2 calls to the store if
/// all are new, 3 if some were seen before, 1 if all are done; none per message, except one
/// transaction for each message of a transactional handler. The queue is called only for records
/// that failed: once per 10 dead letters, once per 10 that wait, and once for each dead letter that
/// others of its FIFO group stand behind. The [payload store](Self::payloads) is called once for each
/// message whose data is there, duplicates included.
pub struct Processor {
    pub(crate) settings: Settings,
    pub(crate) consumer: String,
    pub(crate) store: Arc<dyn DedupStore>,
    pub(crate) system: Arc<dyn System>,
    pub(crate) payloads: Option<Payloads>,
}

/// A batch that cannot be answered record by record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidBatch {
    /// Position of the record.
    index: usize,
}

impl std::fmt::Display for InvalidBatch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "record {} of the batch has no messageId; it cannot be reported by itself, so the whole batch is returned",
            self.index
        )
    }
}

impl std::error::Error for InvalidBatch {}

impl Processor {
    /// Binds a worker to a store and a clock. `default_consumer` names it unless the worker
    /// names itself.
    ///
    /// # Errors
    /// If the worker has no handlers, two for one event, or no name.
    pub fn new<S: Clone + Send + Sync + 'static>(
        worker: Worker<S>,
        default_consumer: &str,
        store: Arc<dyn DedupStore>,
        system: Arc<dyn System>,
    ) -> Result<Self, InvalidWorker> {
        let settings = worker.into_settings()?;
        let consumer = settings.consumer.clone();
        let consumer = consumer.unwrap_or_else(|| default_consumer.to_owned());
        if consumer.is_empty() {
            let problem =
                "it has no name to remember its events under; add one with `.consumer(name)`";
            return Err(InvalidWorker::new(problem));
        }
        Ok(Self {
            consumer,
            settings,
            store,
            system,
            payloads: None,
        })
    }

    /// Where data is found that messages only refer to, and how many bytes of it one batch may have in
    /// memory. What has no room comes back within half a minute, which costs it a receive: a batch's
    /// usual payloads together should fit. Without a store such messages are rejected.
    #[must_use]
    pub fn payloads(mut self, store: Arc<dyn PayloadStore>, most_bytes: u64) -> Self {
        self.payloads = Some(Payloads { store, most_bytes });
        self
    }

    /// The name under which this worker deduplicates.
    pub fn consumer(&self) -> &str {
        &self.consumer
    }

    /// Where it takes the time and random numbers from.
    pub fn system(&self) -> &dyn System {
        self.system.as_ref()
    }

    /// Processes one batch of `queue` and says what became of each record. Returns before
    /// `deadline`, the end of the invocation: handlers still running shortly before it are stopped.
    ///
    /// # Errors
    /// If a record has no message id, since nobody could report it; nothing was run then.
    pub async fn process(
        &self,
        batch: Batch,
        queue: &dyn SourceQueue,
        deadline: Timestamp,
    ) -> Result<Report, InvalidBatch> {
        let times = Times::until(deadline, self.system.now());
        self.process_in(batch, queue, times, None).await
    }

    /// Processes one batch of `queue` without a deadline: leases and visibility are renewed while
    /// handlers run, until all have ended, the grace period is over, or 12 hours have passed, after
    /// which SQS keeps no message in flight. A handler whose lease is lost is stopped.
    ///
    /// Costs, beside what [`process`](Self::process) does, one call to the store and one to the queue
    /// per third of the visibility timeout.
    ///
    /// # Errors
    /// If a record has no message id; nothing was run then.
    pub async fn process_renewing(
        &self,
        batch: Batch,
        queue: &dyn SourceQueue,
        renewal: &Renewal,
    ) -> Result<Report, InvalidBatch> {
        let times = Times::renewed(renewal, self.system.now());
        self.process_in(batch, queue, times, Some(renewal)).await
    }

    async fn process_in(
        &self,
        batch: Batch,
        queue: &dyn SourceQueue,
        mut times: Times,
        renewal: Option<&Renewal>,
    ) -> Result<Report, InvalidBatch> {
        if let Some(index) = batch
            .messages
            .iter()
            .position(|message| message.id.is_empty())
        {
            return Err(InvalidBatch { index });
        }
        let messages = batch.messages.iter();
        let mut routed: Vec<_> = messages.map(|message| route(self, message)).collect();
        self.fetch_payloads(&mut routed, &times).await;
        let mut plan = Plan::new(self, &batch, routed, &times);
        self.claim(&mut plan, &times, renewal).await;
        self.run(&plan, &batch, queue, &times, renewal).await;
        if let Some(renewal) = renewal {
            renewal.begin_settling(&mut times, self.system.now());
        }
        let mut outcomes = self.settle(&plan, &times).await;
        let undecided = outcomes.iter_mut().enumerate();
        self.bury(&plan, &batch, queue, undecided, times.settle_until)
            .await;
        self.put_off(&plan, &batch, queue, &outcomes, &times).await;
        let keyed = plan
            .records
            .iter()
            .filter(|record| record.has_business_key)
            .count();
        let started = times.started;
        Ok(Report::new(&self.consumer, batch, outcomes, keyed, started))
    }

    /// Takes the leases of all keys at once. Those refused end here.
    async fn claim(&self, plan: &mut Plan, times: &Times, renewal: Option<&Renewal>) {
        let claims: Vec<_> = plan.leased().map(|key| key.claim.clone()).collect();
        if claims.is_empty() {
            return;
        }
        let answers = self.store.claim(&claims, self.system.now());
        let until = async |point| {
            tokio::time::sleep(remaining(point, self.system.now())).await;
        };
        let ending = async {
            match renewal {
                Some(renewal) => until(renewal.ending().await).await,
                None => std::future::pending().await,
            }
        };
        let (limit, ending) = (pin!(until(times.claim_until)), pin!(ending));
        let Either::Left((answers, _)) = select(answers, select(limit, ending)).await else {
            // The call may have taken effect: the leases are given back when settling. It is an outage
            // all the same: come back at once, the messages would use up their receives in it.
            for key in plan.leased() {
                let reason = "the dedup store did not answer before the deadline".to_owned();
                key.end(Outcome::StoreUnavailable { reason });
            }
            return;
        };
        debug_assert_eq!(answers.len(), claims.len(), "one answer for each claim");
        let mut answers = answers.into_iter();
        for key in plan.keys.iter_mut().filter(|key| key.leased) {
            let missing = || ClaimAnswer::Unavailable("the store gave no answer".to_owned());
            match answers.next().unwrap_or_else(missing) {
                ClaimAnswer::Claimed => {}
                ClaimAnswer::Refused(refusal) => {
                    key.leased = false;
                    key.end(refused(refusal));
                }
                ClaimAnswer::Unavailable(reason) => key.end(Outcome::StoreUnavailable { reason }),
            }
        }
    }
}

pub(crate) fn refused(refusal: Refusal) -> Outcome {
    match refusal {
        Refusal::Done => Outcome::Duplicate,
        Refusal::Conflict => Outcome::Conflict,
        Refusal::Busy { until } => Outcome::Busy { until },
        Refusal::NotOwner => Outcome::LeaseLost,
    }
}
