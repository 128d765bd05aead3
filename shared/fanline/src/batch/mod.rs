//! One invocation, from records to outcomes (design section 5).
//!
//! Plan (pure), claim, run, settle, dead letters, waits, report. What could be got wrong is to
//! acknowledge a record whose dedup record is not complete and whose dead letter is not stored:
//! [`settle`] and [`queueing`] have the last word on every outcome.

mod plan;
mod queueing;
mod run;
mod settle;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::{
    Batch, InvalidWorker, Outcome, Report, SourceQueue, System, Worker,
    dedup::{ClaimAnswer, DedupStore, Refusal},
    delivery::remaining,
    worker::Settings,
};
use plan::Plan;

/// A worker with everything it needs to process batches.
///
/// [`process`](Self::process) costs, for a batch of up to 25 messages, 2 calls to the store if
/// all are new, 3 if some were seen before, 1 if all are done; none per message, except one
/// transaction for each message of a transactional handler. The queue is called only for records
/// that failed: once per 10 dead letters, once per 10 that wait, and once for each dead letter that
/// others of its FIFO group stand behind.
pub struct Processor {
    pub(crate) settings: Settings,
    pub(crate) consumer: String,
    pub(crate) store: Arc<dyn DedupStore>,
    pub(crate) system: Arc<dyn System>,
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
    /// If the worker has no handlers or two for one event.
    pub fn new<S: Clone + Send + Sync + 'static>(
        worker: Worker<S>,
        default_consumer: &str,
        store: Arc<dyn DedupStore>,
        system: Arc<dyn System>,
    ) -> Result<Self, InvalidWorker> {
        let settings = worker.into_settings()?;
        let consumer = settings.consumer.as_deref().unwrap_or(default_consumer);
        Ok(Self {
            consumer: consumer.to_owned(),
            settings,
            store,
            system,
        })
    }

    /// The name under which this worker deduplicates.
    pub fn consumer(&self) -> &str {
        &self.consumer
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
        if let Some(index) = batch
            .messages
            .iter()
            .position(|message| message.id.is_empty())
        {
            return Err(InvalidBatch { index });
        }
        let started = self.system.now();
        let times = Times::new(started, deadline);
        let mut plan = Plan::new(self, &batch, &times);
        self.claim(&mut plan, &times).await;
        self.run(&plan, &batch, queue, &times).await;
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
        Ok(Report::new(&self.consumer, batch, outcomes, keyed, started))
    }

    /// Takes the leases of all keys at once. Those refused end here.
    async fn claim(&self, plan: &mut Plan, times: &Times) {
        let claims: Vec<_> = plan.leased().map(|key| key.claim.clone()).collect();
        if claims.is_empty() {
            return;
        }
        let answers = self.store.claim(&claims, self.system.now());
        let limit = remaining(times.stop, self.system.now());
        let Ok(answers) = tokio::time::timeout(limit, answers).await else {
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

/// The points in time of one invocation.
pub(crate) struct Times {
    /// The batch was here.
    pub(crate) started: Timestamp,
    /// Handlers still running are stopped here, which leaves time to settle.
    pub(crate) stop: Timestamp,
    /// Settling ends here, so that the answer is out before the invocation ends.
    pub(crate) settle_until: Timestamp,
    /// The worker has certainly stopped here, even if clocks differ a little.
    pub(crate) lease_until: Timestamp,
}

impl Times {
    /// The margin is a tenth of the time given, but at least 0.5 s (settling is one round
    /// trip, with retries a few) and at most 5 s.
    fn new(started: Timestamp, deadline: Timestamp) -> Self {
        const SHORTEST: Duration = Duration::from_millis(500);
        const LONGEST: Duration = Duration::from_secs(5);
        let margin = (remaining(deadline, started) / 10).clamp(SHORTEST, LONGEST);
        // `saturating_*` on timestamps fails only for infinite durations.
        Self {
            started,
            stop: deadline.checked_sub(margin).unwrap_or(started),
            settle_until: deadline.checked_sub(margin / 5).unwrap_or(started),
            lease_until: deadline.checked_add(margin).unwrap_or(Timestamp::MAX),
        }
    }
}
