//! What a record that was not handled asks of its queue: a dead letter, or a wait.
//!
//! What could be got wrong is to count a record as handled whose dead letter is not known to be
//! stored. Only [`Processor::bury`] makes an outcome `DeadLettered`, from the queue's own answer.

use std::time::Duration;

use jiff::Timestamp;

use super::{Plan, Times, plan::Record, times::LONGEST_IN_FLIGHT};
use crate::{
    Batch, DeadLetter, Message, Outcome, Processor, RetryPlan, SourceQueue, VisibilityChange,
    dead_letter::{FailureNote, Reason, pack},
    delivery::remaining,
    outcome::CONFLICT,
    retry::{jittered, outage_wait},
};

/// A lease may end a little later than this worker's clock says.
const AFTER_LEASE: Duration = Duration::from_secs(2);

/// What is asked of the queue for one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// It was handled.
    Nothing,
    /// No further attempt.
    DeadLetter(Reason),
    /// It comes back after this time.
    Wait(Duration),
}

/// The rules, without the cap of 12 hours.
pub(super) fn wish(
    outcome: &Outcome,
    plan: &RetryPlan,
    attempt: u32,
    now: Timestamp,
    random: u128,
) -> Wish {
    let is_last = plan.is_last(attempt);
    match outcome {
        _ if outcome.is_handled() => Wish::Nothing,
        Outcome::Rejected { .. } => Wish::DeadLetter(Reason::Rejected),
        Outcome::Conflict => Wish::DeadLetter(Reason::Conflict),
        Outcome::Retried { .. } if is_last => Wish::DeadLetter(Reason::AttemptsUsedUp),
        Outcome::Unavailable { .. } | Outcome::StoreUnavailable { .. } if is_last => {
            Wish::DeadLetter(Reason::Unavailable)
        }
        Outcome::Unavailable { .. } | Outcome::StoreUnavailable { .. } => {
            Wish::Wait(outage_wait(attempt, random))
        }
        Outcome::Retried {
            after: Some(wait), ..
        } => Wish::Wait(*wait),
        Outcome::Busy { until } => {
            Wish::Wait(remaining(*until, now) + jittered(Duration::ZERO, AFTER_LEASE, random))
        }
        Outcome::Unattempted => Wish::Wait(Duration::ZERO),
        _ => Wish::Wait(plan.wait(attempt, random)),
    }
}

/// For a record that should be a dead letter and is not: as if it had failed once more.
fn put_off(outcome: &Outcome, plan: &RetryPlan, attempt: u32, random: u128) -> Duration {
    match outcome {
        Outcome::Unavailable { .. } | Outcome::StoreUnavailable { .. } => {
            outage_wait(attempt, random)
        }
        _ => plan.wait(attempt, random),
    }
}

impl Processor {
    fn wish(&self, plan: &Plan, batch: &Batch, index: usize, outcome: &Outcome) -> Wish {
        let attempt = batch.messages[index].receive_count;
        let (now, random) = (self.system.now(), self.system.random());
        wish(
            outcome,
            self.retry_plan(&plan.records[index]),
            attempt,
            now,
            random,
        )
    }

    fn retry_plan<'a>(&'a self, record: &'a Record) -> &'a RetryPlan {
        record
            .retry_plan
            .as_ref()
            .unwrap_or(&self.settings.retry_plan)
    }

    /// Sends the dead letters among these records, and makes those that are stored handled.
    pub(super) async fn bury(
        &self,
        plan: &Plan,
        batch: &Batch,
        queue: &dyn SourceQueue,
        outcomes: impl IntoIterator<Item = (usize, &mut Outcome)>,
        until: Timestamp,
    ) {
        if !queue.has_dead_letter_queue() {
            return;
        }
        let mut given_up = Vec::new();
        for (index, outcome) in outcomes {
            if let Wish::DeadLetter(reason) = self.wish(plan, batch, index, outcome) {
                given_up.push((index, reason, outcome));
            }
        }
        if given_up.is_empty() {
            return;
        }
        let letters: Vec<DeadLetter> = given_up
            .iter()
            .map(|(index, reason, outcome)| {
                let message = &batch.messages[*index];
                self.letter(batch, message, &plan.records[*index], *reason, outcome)
            })
            .collect();
        let limit = remaining(until, self.system.now());
        // Those of which nothing is known are reported: a dead letter may then exist twice.
        let answers = tokio::time::timeout(limit, queue.send_dead_letters(&letters)).await;
        let answers = answers.unwrap_or_default().into_iter();
        let missing = || Err("the queue gave no answer in time".to_owned());
        let answers = answers.chain(std::iter::repeat_with(missing));
        for ((index, reason, outcome), answer) in given_up.into_iter().zip(answers) {
            let message_id = &batch.messages[index].id;
            match answer {
                Ok(()) => {
                    let error = error_text(outcome);
                    *outcome = Outcome::DeadLettered { reason, error };
                }
                Err(problem) => {
                    tracing::error!(message_id, problem, "dead letter not stored; it comes back");
                }
            }
        }
    }

    fn letter(
        &self,
        batch: &Batch,
        message: &Message,
        record: &Record,
        reason: Reason,
        outcome: &Outcome,
    ) -> DeadLetter {
        let event = record.event.as_ref();
        let note = FailureNote {
            reason,
            error: error_text(outcome),
            handler: self.consumer.clone(),
            event_type: event.map(|event| event.event_type.clone()),
            event_id: event.map(|event| event.metadata.event_id.clone()),
            correlation_id: event.and_then(|event| event.metadata.correlation_id.clone()),
            attempts: message.receive_count,
            first_seen: message.sent_at,
            failed_at: self.system.now(),
            source: batch.source.clone(),
            message_id: message.id.clone(),
            request_id: batch.request_id.clone(),
        };
        DeadLetter {
            message_id: message.id.clone(),
            body: message.body.clone(),
            attributes: pack(&message.body, message.attributes.clone(), note),
            group: message.group.clone(),
        }
    }

    /// Tells the queue when each record that is reported shall come back.
    pub(super) async fn put_off(
        &self,
        plan: &Plan,
        batch: &Batch,
        queue: &dyn SourceQueue,
        outcomes: &[Outcome],
        times: &Times,
    ) {
        let waits = self.waits(plan, batch, outcomes);
        let age = remaining(self.system.now(), times.started);
        let longest = LONGEST_IN_FLIGHT.saturating_sub(age);
        let changes: Vec<VisibilityChange> = waits
            .into_iter()
            .zip(&batch.messages)
            .filter(|(_, message)| !message.receipt_handle.is_empty())
            .filter_map(|(wait, message)| {
                Some(VisibilityChange {
                    message_id: message.id.clone(),
                    receipt_handle: message.receipt_handle.clone(),
                    wait: wait?.min(longest),
                })
            })
            .collect();
        if changes.is_empty() {
            return;
        }
        let limit = remaining(times.settle_until, self.system.now());
        let answers = tokio::time::timeout(limit, queue.change_visibility(&changes)).await;
        let Ok(answers) = answers else {
            tracing::warn!(
                "visibility not changed in time; messages come back after the queue's timeout"
            );
            return;
        };
        for (change, answer) in changes.iter().zip(answers) {
            if let Err(problem) = answer {
                let message_id = &change.message_id;
                tracing::warn!(
                    message_id,
                    problem,
                    "visibility not changed; the message comes back after the queue's timeout"
                );
            }
        }
    }

    /// The wait of each record that is reported. A FIFO group waits as one: SQS gives out nothing of a
    /// group while anything of it is in flight.
    fn waits(&self, plan: &Plan, batch: &Batch, outcomes: &[Outcome]) -> Vec<Option<Duration>> {
        let mut waits = vec![None; outcomes.len()];
        for lane in &plan.lanes {
            let mut of_lane = None;
            for &index in lane {
                let wish = self.wish(plan, batch, index, &outcomes[index]);
                let own = match wish {
                    Wish::Nothing => continue,
                    Wish::Wait(wait) => wait,
                    Wish::DeadLetter(_) => put_off(
                        &outcomes[index],
                        self.retry_plan(&plan.records[index]),
                        batch.messages[index].receive_count,
                        self.system.random(),
                    ),
                };
                waits[index] = Some(*of_lane.get_or_insert(own));
            }
        }
        waits
    }
}

/// The reason alone, without the outcome's name.
fn error_text(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Retried { reason, .. }
        | Outcome::Unavailable { reason }
        | Outcome::Rejected { reason }
        | Outcome::Skipped { reason }
        | Outcome::StoreUnavailable { reason } => reason.clone(),
        Outcome::Conflict => CONFLICT.to_owned(),
        other => other.to_string(),
    }
}
