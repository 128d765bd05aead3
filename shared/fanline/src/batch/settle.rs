//! The end of an invocation: leases completed or given back in one call, then the verdict.

use std::collections::HashMap;

use super::{Plan, Times, run::follow};
use crate::{
    Outcome, Processor,
    dedup::{SettleAnswer, SettleAs, Settlement},
    delivery::remaining,
};

impl Processor {
    /// Settles every lease that may be held and returns the final outcomes.
    pub(super) async fn settle(&self, plan: &Plan, times: &Times) -> Vec<Outcome> {
        let mut outcomes: Vec<Outcome> = plan
            .jobs
            .iter()
            .map(|job| job.decided.get().cloned().unwrap_or(Outcome::Unattempted))
            .collect();
        let leased: Vec<usize> = (0..plan.jobs.len())
            .filter(|&index| plan.jobs[index].leased)
            .collect();
        let settlements: Vec<Settlement> = leased
            .iter()
            .map(|&index| settlement(plan, index, &outcomes[index]))
            .collect();
        let answers = self.settle_in_time(&settlements, times).await;
        for ((&index, settlement), answer) in leased.iter().zip(&settlements).zip(answers) {
            if settlement.end == SettleAs::Complete {
                overrule(&mut outcomes[index], answer);
            }
        }
        self.follow_leaders(plan, &mut outcomes);
        keep_groups_in_order(plan, &mut outcomes);
        outcomes
    }

    async fn settle_in_time(&self, settlements: &[Settlement], times: &Times) -> Vec<SettleAnswer> {
        if settlements.is_empty() {
            return Vec::new();
        }
        let limit = remaining(times.deadline, self.system.now());
        let late = |_| {
            let reason = "the dedup store did not answer before the deadline";
            vec![SettleAnswer::Unavailable(reason.to_owned()); settlements.len()]
        };
        let mut answers = tokio::time::timeout(limit, self.store.settle(settlements))
            .await
            .unwrap_or_else(late);
        debug_assert_eq!(answers.len(), settlements.len(), "one answer each");
        let missing = || SettleAnswer::Unavailable("the store gave no answer".to_owned());
        answers.resize_with(settlements.len(), missing);
        answers
    }

    /// Followers were decided when their leader ran; settling may have changed that.
    fn follow_leaders(&self, plan: &Plan, outcomes: &mut [Outcome]) {
        for (index, job) in plan.jobs.iter().enumerate() {
            let decided_by_leader = outcomes[index] != Outcome::Unattempted;
            if let Some(leader) = job.leader.filter(|_| decided_by_leader) {
                outcomes[index] = follow(&outcomes[leader], &plan.jobs[leader], job);
            }
        }
    }
}

fn settlement(plan: &Plan, index: usize, outcome: &Outcome) -> Settlement {
    let job = &plan.jobs[index];
    let end = match outcome {
        Outcome::Succeeded => SettleAs::Complete,
        failure => SettleAs::Release {
            attempts: job.attempt,
            error: shortened(failure),
        },
    };
    Settlement {
        id: job.claim.id.clone(),
        owner: job.claim.owner.clone(),
        end,
    }
}

/// The table keeps the reason for people; an item is limited and billed by its size.
fn shortened(outcome: &Outcome) -> String {
    const LENGTH: usize = 500;
    outcome.to_string().chars().take(LENGTH).collect()
}

/// A success counts only once its record is complete.
fn overrule(outcome: &mut Outcome, answer: SettleAnswer) {
    match answer {
        SettleAnswer::Settled => {}
        SettleAnswer::Refused(_) => *outcome = Outcome::LeaseLost,
        SettleAnswer::Unavailable(reason) => *outcome = Outcome::StoreUnavailable { reason },
    }
}

/// After the first record of a FIFO group that is reported, all of its group are: SQS would
/// otherwise deliver the group without it. Those that were done come back as duplicates.
fn keep_groups_in_order(plan: &Plan, outcomes: &mut [Outcome]) {
    let mut first_reported: HashMap<usize, usize> = HashMap::new();
    for (lane, indices) in plan.lanes.iter().enumerate() {
        for &index in indices {
            if first_reported.contains_key(&lane) {
                outcomes[index] = Outcome::Unattempted;
            } else if !outcomes[index].is_handled() {
                first_reported.insert(lane, index);
            }
        }
    }
}
