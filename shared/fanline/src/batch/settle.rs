//! The end of an invocation: leases completed or given back in one call, then the verdict.

use std::collections::HashMap;

use super::{Plan, Times, plan::Key};
use crate::{
    Outcome, Processor,
    dedup::{SettleAnswer, SettleAs, Settlement},
    delivery::remaining,
};

impl Processor {
    /// Settles every lease that may be held and returns the final outcome of every record.
    pub(super) async fn settle(&self, plan: &Plan, times: &Times) -> Vec<Outcome> {
        let leased: Vec<usize> = (0..plan.keys.len())
            .filter(|&index| plan.keys[index].leased)
            .collect();
        let settlements: Vec<Settlement> = leased
            .iter()
            .map(|&index| settlement(&plan.keys[index]))
            .collect();
        let answers = self.settle_in_time(&settlements, times).await;
        let mut overruled: HashMap<usize, Outcome> = HashMap::new();
        for ((&index, settlement), answer) in leased.iter().zip(&settlements).zip(answers) {
            if settlement.end == SettleAs::Complete
                && let Some(outcome) = overrule(answer)
            {
                overruled.insert(index, outcome);
            }
        }
        let records = plan.records.iter().enumerate();
        let mut outcomes: Vec<Outcome> = records
            .map(|(index, record)| {
                let is_its_keys = record.fate.get().or(record.buried.get()).is_none();
                let key = record.key.filter(|_| is_its_keys);
                match key.and_then(|key| overruled.get(&key)) {
                    Some(outcome) => outcome.clone(),
                    None => plan.outcome(index),
                }
            })
            .collect();
        keep_groups_in_order(plan, &mut outcomes);
        outcomes
    }

    async fn settle_in_time(&self, settlements: &[Settlement], times: &Times) -> Vec<SettleAnswer> {
        if settlements.is_empty() {
            return Vec::new();
        }
        let limit = remaining(times.settle_until, self.system.now());
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
}

fn settlement(key: &Key) -> Settlement {
    let end = match key.ended.get() {
        Some(Outcome::Succeeded) => SettleAs::Complete,
        Some(failure) => SettleAs::Release {
            attempts: key.attempt,
            error: shortened(failure),
        },
        None => SettleAs::Release {
            attempts: key.attempt,
            error: shortened(&Outcome::Unattempted),
        },
    };
    Settlement {
        id: key.claim.id.clone(),
        owner: key.claim.owner.clone(),
        end,
    }
}

/// The table keeps the reason for people; an item is limited and billed by its size.
fn shortened(outcome: &Outcome) -> String {
    const LENGTH: usize = 500;
    outcome.to_string().chars().take(LENGTH).collect()
}

/// A success counts only once its record is complete.
fn overrule(answer: SettleAnswer) -> Option<Outcome> {
    match answer {
        SettleAnswer::Settled => None,
        SettleAnswer::Refused(_) => Some(Outcome::LeaseLost),
        SettleAnswer::Unavailable(reason) => Some(Outcome::StoreUnavailable { reason }),
    }
}

/// After the first record of a FIFO group that is reported, all of its group are: SQS would
/// otherwise deliver the group without it. Those that were done come back as duplicates.
fn keep_groups_in_order(plan: &Plan, outcomes: &mut [Outcome]) {
    for lane in &plan.lanes {
        let mut is_reported = false;
        for &index in lane {
            // What has become a dead letter on the way is out of the group.
            if is_reported && !matches!(outcomes[index], Outcome::DeadLettered { .. }) {
                outcomes[index] = Outcome::Unattempted;
            }
            is_reported |= !outcomes[index].is_handled();
        }
    }
}
