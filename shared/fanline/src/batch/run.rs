//! Running a plan: lanes in parallel, handlers bounded, all of it until the deadline.

use std::sync::{Arc, PoisonError};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::sync::Semaphore;
use tower::ServiceExt;
use tracing::Instrument;

use super::{Job, Plan, Times, refused};
use crate::{
    Call, Delivery, Failure, Outcome, Processor,
    dedup::{CommitAnswer, Transaction},
    delivery::remaining,
    service::{Run, capture_panics},
};

impl Processor {
    /// Runs every job that is not decided yet. At the deadline, what is running is dropped;
    /// afterwards every job is decided.
    pub(super) async fn run(&self, plan: &Plan, times: &Times) {
        // Handlers are bounded here, not lanes: a lane that waits for another lane's leader
        // must not keep that lane from starting.
        let handlers = Semaphore::new(self.settings.concurrency.get());
        let lanes: FuturesUnordered<_> = plan
            .lanes
            .iter()
            .map(|lane| self.run_lane(plan, lane, &handlers))
            .collect();
        let all_lanes = lanes.for_each(|()| std::future::ready(()));
        let limit = remaining(times.stop, self.system.now());
        if tokio::time::timeout(limit, all_lanes).await.is_ok() {
            return;
        }
        for job in &plan.jobs {
            job.decide(match job.has_started() {
                true => Outcome::Retried {
                    reason: "stopped at the deadline of the invocation".to_owned(),
                },
                false => Outcome::Unattempted,
            });
        }
    }

    /// Jobs of a lane one after the other; the first that is not handled stops it.
    async fn run_lane(&self, plan: &Plan, lane: &[usize], handlers: &Semaphore) {
        let mut stopped = false;
        for &index in lane {
            let job = &plan.jobs[index];
            if stopped {
                job.decide(Outcome::Unattempted);
                continue;
            }
            if let Some(leader) = job.leader {
                let leader = &plan.jobs[leader];
                job.decide(follow(leader.decided.wait().await, leader, job));
            } else if job.decided.get().is_none() {
                // The semaphore is never closed, so a permit always comes.
                let _permit = handlers.acquire().await;
                job.mark_started();
                job.decide(self.run_job(job).await);
            }
            stopped = !job.decided.get().is_some_and(Outcome::is_handled);
        }
    }

    async fn run_job(&self, job: &Job) -> Outcome {
        let work = job.work.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((run, delivery)) = work else {
            return Outcome::Unattempted;
        };
        let span = tracing::info_span!(
            "record",
            event_id = delivery.metadata.event_id,
            event_type = delivery.event_type(),
            correlation_id = delivery.metadata.correlation_id,
            attempt = delivery.attempt
        );
        self.run_handler(job, run, delivery).instrument(span).await
    }

    async fn run_handler(&self, job: &Job, run: Run, delivery: Delivery) -> Outcome {
        let transaction = delivery.transaction.clone();
        let call = self
            .settings
            .service
            .clone()
            .oneshot(Call { delivery, run });
        // Panics of a handler were captured inside; this is for those of a layer.
        if let Err(failure) = capture_panics(call).await {
            return failed(&failure);
        }
        match (job.transactional, transaction) {
            (false, _) => Outcome::Succeeded,
            (true, Some(transaction)) => self.commit(job, transaction).await,
            (true, None) => Outcome::Rejected {
                reason: "the handler wants a transaction, which this dedup store cannot give"
                    .to_owned(),
            },
        }
    }

    async fn commit(&self, job: &Job, transaction: Arc<dyn Transaction>) -> Outcome {
        match transaction.commit(&job.claim, self.system.now()).await {
            CommitAnswer::Committed => Outcome::Succeeded,
            CommitAnswer::Refused(refusal) => refused(refusal),
            CommitAnswer::Failed(failure) => failed(&failure),
            CommitAnswer::Unavailable(reason) => Outcome::StoreUnavailable { reason },
        }
    }
}

fn failed(failure: &Failure) -> Outcome {
    let reason = failure.to_string();
    match failure.is_reject() {
        true => Outcome::Rejected { reason },
        false => Outcome::Retried { reason },
    }
}

/// The second of two records with one key gets the outcome of the first, which for a success
/// makes it a duplicate.
pub(super) fn follow(outcome: &Outcome, leader: &Job, follower: &Job) -> Outcome {
    let same_data = leader.claim.fingerprint == follower.claim.fingerprint;
    match outcome {
        Outcome::Succeeded if same_data => Outcome::Duplicate,
        Outcome::Succeeded => Outcome::Conflict,
        Outcome::Duplicate | Outcome::Conflict if !same_data => {
            // Only the stored fingerprint could tell which of the two it was; coming again
            // alone, the follower is compared with that.
            Outcome::Unattempted
        }
        other => other.clone(),
    }
}
