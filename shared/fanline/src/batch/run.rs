//! Running a plan: lanes in parallel, handlers bounded, all of it until the deadline.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::{
    StreamExt,
    future::{Either, select},
    stream::FuturesUnordered,
};
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tower::ServiceExt;
use tracing::Instrument;

use super::{Plan, Renewal, Times, key::Key, plan::Record, refused};
use crate::{
    Batch, Call, Cause, Delivery, Failure, Mode, Outcome, Processor, SourceQueue,
    dedup::{CommitAnswer, Transaction},
    delivery::remaining,
    service::{Run, capture_panics},
};

/// A FIFO group's records of a batch, or one record, with what running them takes.
struct Lane<'a> {
    indices: &'a [usize],
    plan: &'a Plan,
    batch: &'a Batch,
    queue: &'a dyn SourceQueue,
    stop: Timestamp,
}

impl Processor {
    /// Runs every key that has not ended yet. At the deadline, what is running is dropped;
    /// afterwards every key has ended.
    pub(super) async fn run(
        &self,
        plan: &Plan,
        batch: &Batch,
        queue: &dyn SourceQueue,
        times: &Times,
        renewal: Option<&Renewal>,
    ) {
        // Handlers are bounded here, not lanes: a lane that waits for a key must not keep the
        // lane that runs it from starting.
        let handlers = Semaphore::new(self.settings.concurrency.get().min(Semaphore::MAX_PERMITS));
        let lanes: FuturesUnordered<_> = plan
            .lanes
            .iter()
            .map(|indices| {
                let lane = Lane {
                    indices,
                    plan,
                    batch,
                    queue,
                    stop: times.stop,
                };
                self.run_lane(lane, &handlers)
            })
            .collect();
        let all_lanes = pin!(lanes.for_each(|()| std::future::ready(())));
        let stopped = pin!(self.out_of_time(times, renewal));
        let renewing = pin!(async {
            match renewal {
                Some(renewal) => self.renew(plan, batch, queue, times, renewal).await,
                None => std::future::pending().await,
            }
        });
        // In this order: a process that stood still learns what it has lost before it goes on.
        let stopped = match select(select(stopped, renewing), all_lanes).await {
            Either::Left((Either::Left((stopped, _)), _)) => stopped,
            // All keys have ended.
            _ => Outcome::Unattempted,
        };
        for key in &plan.keys {
            key.end(match key.has_started() {
                true => key.verdict(stopped.clone()),
                false => Outcome::Unattempted,
            });
        }
    }

    /// Waits until handlers must stop; says what that means for those that run.
    async fn out_of_time(&self, times: &Times, renewal: Option<&Renewal>) -> Outcome {
        let until = async |point| {
            tokio::time::sleep(remaining(point, self.system.now())).await;
        };
        let Some(renewal) = renewal else {
            until(times.stop).await;
            return stopped("stopped at the deadline of the invocation", None);
        };
        let ending = pin!(async { until(renewal.ending().await).await });
        match select(pin!(until(times.stop)), ending).await {
            Either::Left(_) => stopped(
                "stopped after 12 hours: SQS keeps no message in flight for longer",
                None,
            ),
            // Another process can take it at once.
            Either::Right(_) => stopped("stopped with its process", Some(Duration::ZERO)),
        }
    }

    /// Records of a lane one after the other; the first that is not handled stops it.
    async fn run_lane(&self, lane: Lane<'_>, handlers: &Semaphore) {
        for (place, &index) in lane.indices.iter().enumerate() {
            let record = &lane.plan.records[index];
            if let Some(key) = record.key {
                let key = &lane.plan.keys[key];
                self.run_record(index, record, key, handlers).await;
            }
            let behind = &lane.indices[place + 1..];
            let mut outcome = lane.plan.outcome(index);
            if !outcome.is_handled() && !behind.is_empty() {
                // Waiting for the end would use up a receive of all that stand behind it.
                let given_up = [(index, &mut outcome)];
                self.bury(lane.plan, lane.batch, lane.queue, given_up, lane.stop)
                    .await;
                if outcome.is_handled() {
                    let _first_and_only = record.buried.set(outcome.clone());
                }
            }
            if !outcome.is_handled() {
                for &index in behind {
                    lane.plan.records[index].decide(Outcome::Unattempted);
                }
                return;
            }
        }
    }

    /// Runs the record's key, or waits for the record that does.
    async fn run_record(&self, index: usize, record: &Record, key: &Key, handlers: &Semaphore) {
        if key.ended.get().is_some() {
            return;
        }
        if !record.is_same_as(key) {
            // The claim was made for other data; only a record with that may run.
            match key.is_taken() {
                true => drop(key.ended.wait().await),
                false => record.decide(Outcome::Unattempted),
            }
        } else if key.take() {
            // The semaphore is never closed, so a permit always comes.
            let _permit = handlers.acquire().await;
            key.mark_started();
            // A lease that is lost ends the key from outside, and its handler with it.
            let lost = pin!(key.ended.wait());
            if let Either::Right((outcome, _)) = select(lost, pin!(self.run_key(record, key))).await
            {
                let _first_and_only = key.runner.set(index);
                key.end(outcome);
            }
        } else {
            key.ended.wait().await;
        }
    }

    async fn run_key(&self, record: &Record, key: &Key) -> Outcome {
        let Some((run, delivery)) = record.take_work() else {
            return Outcome::Unattempted;
        };
        let span = tracing::info_span!(
            "record",
            event_id = delivery.metadata.event_id,
            event_type = delivery.event_type(),
            correlation_id = delivery.metadata.correlation_id,
            attempt = delivery.attempt
        );
        self.run_handler(key, run, delivery).instrument(span).await
    }

    async fn run_handler(&self, key: &Key, run: Run, delivery: Delivery) -> Outcome {
        let transaction = delivery.transaction.clone();
        if key.mode == Mode::AtMostOnce {
            match self.commit(key, transaction.clone()).await {
                Outcome::Succeeded => key.mark_final(),
                refused => return refused,
            }
        }
        let cause = Cause::of(&delivery.metadata);
        let call = self
            .settings
            .service
            .clone()
            .oneshot(Call { delivery, run });
        // Panics of a handler were captured inside; this is for those of a layer.
        if let Err(failure) = cause.scope(capture_panics(call)).await {
            return key.verdict(failed(&failure));
        }
        match key.mode {
            Mode::AtLeastOnce | Mode::AtMostOnce => Outcome::Succeeded,
            Mode::EffectivelyOnce => self.commit(key, transaction).await,
        }
    }

    async fn commit(&self, key: &Key, transaction: Option<Arc<dyn Transaction>>) -> Outcome {
        let Some(transaction) = transaction else {
            let reason = "the handler wants a transaction, which this dedup store cannot give";
            return Outcome::Rejected {
                reason: reason.to_owned(),
            };
        };
        match transaction.commit(&key.claim, self.system.now()).await {
            CommitAnswer::Committed => Outcome::Succeeded,
            CommitAnswer::Refused(refusal) => refused(refusal),
            CommitAnswer::Failed(failure) => failed(&failure),
            CommitAnswer::Unavailable(reason) => Outcome::StoreUnavailable { reason },
        }
    }
}

fn stopped(reason: &str, after: Option<Duration>) -> Outcome {
    let reason = reason.to_owned();
    Outcome::Retried { reason, after }
}

fn failed(failure: &Failure) -> Outcome {
    let reason = failure.to_string();
    match failure.is_reject() {
        true => Outcome::Rejected { reason },
        false if failure.is_unavailable() => Outcome::Unavailable { reason },
        false => Outcome::Retried {
            reason,
            after: failure.wait(),
        },
    }
}

impl Plan {
    /// What a record has come to: its own fate, or its key's outcome. For those that did not run it
    /// themselves, a success makes them duplicates.
    pub(super) fn outcome(&self, index: usize) -> Outcome {
        let record = &self.records[index];
        if let Some(own) = record.buried.get().or(record.fate.get()) {
            return own.clone();
        }
        let key = record.key.map(|key| &self.keys[key]);
        let ended = key.and_then(|key| key.ended.get().map(|ended| (key, ended)));
        let Some((key, ended)) = ended else {
            return Outcome::Unattempted;
        };
        let ran_it = key.runner.get() == Some(&index);
        share(ended.clone(), ran_it, record.is_same_as(key))
    }
}

fn share(ended: Outcome, ran_it: bool, same_data: bool) -> Outcome {
    match ended {
        Outcome::Succeeded if ran_it => Outcome::Succeeded,
        Outcome::Succeeded if same_data => Outcome::Duplicate,
        Outcome::Succeeded => Outcome::Conflict,
        // Only the stored fingerprint could tell which of the two this record is; coming
        // again alone, it is compared with that.
        Outcome::Duplicate | Outcome::Conflict if !same_data => Outcome::Unattempted,
        other => other,
    }
}
