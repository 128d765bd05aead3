//! Leases and visibility that are renewed while handlers run, for workers that no deadline ends.
//!
//! What could be got wrong is to go on with a handler whose lease has ended: somebody else may run the
//! same event by then. A lease that could not be renewed ends its handler before it ends itself.

use std::time::Duration;

use futures_util::future::join;
use jiff::Timestamp;
use tokio::sync::watch;

use super::{Plan, Times, settle::settlement, times::LONGEST_IN_FLIGHT};
use crate::{
    Batch, Outcome, Processor, SourceQueue, VisibilityChange,
    dedup::{SettleAnswer, SettleAs, Settlement},
    delivery::remaining,
};

/// How a worker outside Lambda keeps the messages it works on, and learns that it must end.
#[derive(Clone, Debug)]
pub struct Renewal {
    /// For how long messages were received. Leases are taken for as long; both are renewed when a third
    /// of it has passed, and tried again every twelfth of it if that fails.
    pub visibility_timeout: Duration,
    /// Set once the process is to end.
    pub grace: watch::Receiver<Option<Grace>>,
}

/// The last stretch of a process that was told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grace {
    /// When it was told.
    pub from: Timestamp,
    /// When it must be gone. Handlers still running shortly before are stopped.
    pub until: Timestamp,
}

impl Grace {
    fn times(self) -> Times {
        Times::until(self.until, self.from)
    }
}

impl Renewal {
    /// When handlers must stop because the process ends; waits until it is told to.
    pub(super) async fn ending(&self) -> Timestamp {
        let mut grace = self.grace.clone();
        let told = grace.wait_for(Option::is_some).await.ok().map(|told| *told);
        match told.flatten() {
            Some(grace) => grace.times().stop,
            // Nobody is left to tell it.
            None => std::future::pending().await,
        }
    }

    /// Settling begins with leases that have been renewed not long ago.
    pub(super) fn begin_settling(&self, times: &mut Times, now: Timestamp) {
        let after = |time| now.checked_add(time).unwrap_or(Timestamp::MAX);
        times.store_until = after(self.visibility_timeout / 8);
        times.settle_until = after(self.visibility_timeout / 4);
        if let Some(grace) = *self.grace.borrow() {
            let last = grace.times();
            times.store_until = times.store_until.min(last.store_until);
            times.settle_until = times.settle_until.min(last.settle_until);
        }
    }

    fn interval(&self) -> Duration {
        self.visibility_timeout / 3
    }

    fn pace_of_retries(&self) -> Duration {
        self.visibility_timeout / 12
    }
}

impl Processor {
    /// Renews all that the batch holds, until it is dropped. On the way it settles what has ended, so
    /// that a process killed later does not leave done work undone.
    pub(super) async fn renew(
        &self,
        plan: &Plan,
        batch: &Batch,
        queue: &dyn SourceQueue,
        times: &Times,
        renewal: &Renewal,
    ) {
        let mut held_until = vec![times.lease_until; plan.keys.len()];
        let mut next = times.started.checked_add(renewal.interval());
        loop {
            let wait = remaining(next.unwrap_or(Timestamp::MAX), self.system.now());
            tokio::time::sleep(wait).await;
            let asked = self.system.now();
            // Of a process that stood still: somebody else may have taken over meanwhile.
            for (key, held_until) in plan.keys.iter().zip(&held_until) {
                if key.leased && *held_until <= asked {
                    key.end(Outcome::LeaseLost);
                }
            }
            let (leases, visibility) = join(
                self.renew_leases(plan, &mut held_until, asked, renewal),
                self.extend_visibility(batch, queue, times, renewal),
            )
            .await;
            next = match leases && visibility {
                true => asked.checked_add(renewal.interval()),
                false => self.system.now().checked_add(renewal.pace_of_retries()),
            };
        }
    }

    /// Says whether every lease got an answer.
    async fn renew_leases(
        &self,
        plan: &Plan,
        held_until: &mut [Timestamp],
        asked: Timestamp,
        renewal: &Renewal,
    ) -> bool {
        let until = asked.checked_add(renewal.visibility_timeout);
        let until = until.unwrap_or(Timestamp::MAX);
        let is_open = |&index: &usize| plan.keys[index].is_unsettled();
        let open: Vec<usize> = (0..plan.keys.len()).filter(is_open).collect();
        let settlements: Vec<Settlement> = open
            .iter()
            .map(|&index| {
                let key = &plan.keys[index];
                match key.ended.get() {
                    Some(ended) => settlement(key, ended),
                    None => key.settlement(SettleAs::Renew { lease_until: until }),
                }
            })
            .collect();
        let answers = self.settle_within(&settlements, renewal.pace_of_retries());
        let answers = answers.await;
        // One more try comes after a pause and takes as long; then as much must be left, for clocks differ.
        let last_chance = self
            .system
            .now()
            .checked_add(renewal.pace_of_retries() * 3)
            .unwrap_or(Timestamp::MAX);
        let mut all_answered = true;
        for ((index, asked_for), answer) in open.into_iter().zip(&settlements).zip(answers) {
            let key = &plan.keys[index];
            let renewed = matches!(asked_for.end, SettleAs::Renew { .. });
            match answer {
                SettleAnswer::Settled if renewed => held_until[index] = until,
                SettleAnswer::Refused(_) if renewed => key.end(Outcome::LeaseLost),
                SettleAnswer::Unavailable(reason) => {
                    all_answered = false;
                    if renewed && held_until[index] < last_chance {
                        let reason = format!("the lease could not be renewed: {reason}");
                        key.end(Outcome::StoreUnavailable { reason });
                    }
                }
                answer => key.settle(answer),
            }
        }
        all_answered
    }

    /// Says whether every message got it. Those whose visibility runs out are received again, and the
    /// lease keeps them from running twice.
    async fn extend_visibility(
        &self,
        batch: &Batch,
        queue: &dyn SourceQueue,
        times: &Times,
        renewal: &Renewal,
    ) -> bool {
        let age = remaining(self.system.now(), times.started);
        let longest = LONGEST_IN_FLIGHT.saturating_sub(age);
        let changes: Vec<VisibilityChange> = batch
            .messages
            .iter()
            .map(|message| VisibilityChange {
                message_id: message.id.clone(),
                receipt_handle: message.receipt_handle.clone(),
                wait: renewal.visibility_timeout.min(longest),
            })
            .collect();
        let call = queue.change_visibility(&changes);
        let answers = tokio::time::timeout(renewal.pace_of_retries(), call).await;
        let problem = match answers {
            Ok(answers) => answers.into_iter().find_map(Result::err),
            Err(_) => Some("SQS did not answer in time".to_owned()),
        };
        if let Some(problem) = &problem {
            tracing::warn!(
                problem,
                "visibility of messages in work not extended; they may be received a second time"
            );
        }
        problem.is_none()
    }
}
