//! The end of an invocation: leases completed or given back in one call, then the verdict.

use std::time::Duration;

use super::{Plan, Times, key::Key};
use crate::{
    Outcome, Processor,
    dedup::{SettleAnswer, SettleAs, Settlement},
    delivery::remaining,
};

impl Processor {
    /// Settles every lease that may still be held and returns the final outcome of every record.
    pub(super) async fn settle(&self, plan: &Plan, times: &Times) -> Vec<Outcome> {
        let open: Vec<&Key> = plan.keys.iter().filter(|key| key.is_unsettled()).collect();
        let settlements: Vec<Settlement> = open
            .iter()
            .map(|key| settlement(key, key.ended.get().unwrap_or(&Outcome::Unattempted)))
            .collect();
        let limit = remaining(times.store_until, self.system.now());
        let answers = self.settle_within(&settlements, limit).await;
        for (key, answer) in open.iter().zip(answers) {
            key.settle(answer);
        }
        let records = plan.records.iter().enumerate();
        let mut outcomes: Vec<Outcome> = records
            .map(|(index, record)| {
                let is_its_keys = record.fate.get().or(record.buried.get()).is_none();
                let key = record.key.filter(|_| is_its_keys);
                key.and_then(|key| overrule(&plan.keys[key]))
                    .unwrap_or_else(|| plan.outcome(index))
            })
            .collect();
        keep_groups_in_order(plan, &mut outcomes);
        outcomes
    }

    /// One answer for each settlement, whatever the store does.
    pub(super) async fn settle_within(
        &self,
        settlements: &[Settlement],
        limit: Duration,
    ) -> Vec<SettleAnswer> {
        if settlements.is_empty() {
            return Vec::new();
        }
        let late = |_| {
            let reason = "the dedup store did not answer in time";
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

/// How the lease of a key ends that came to this.
pub(super) fn settlement(key: &Key, ended: &Outcome) -> Settlement {
    key.settlement(match ended {
        Outcome::Succeeded => SettleAs::Complete,
        failure => SettleAs::Release {
            attempts: key.attempt,
            error: shortened(failure),
        },
    })
}

/// The table keeps the reason for people; an item is limited and billed by its size.
fn shortened(outcome: &Outcome) -> String {
    const LENGTH: usize = 500;
    outcome.to_string().chars().take(LENGTH).collect()
}

/// A success counts only once its record is complete.
fn overrule(key: &Key) -> Option<Outcome> {
    let answer = key.settled.get()?;
    match (key.ended.get(), answer) {
        (Some(Outcome::Succeeded), SettleAnswer::Refused(_)) => Some(Outcome::LeaseLost),
        (Some(Outcome::Succeeded), SettleAnswer::Unavailable(reason)) => {
            let reason = reason.clone();
            Some(Outcome::StoreUnavailable { reason })
        }
        _ => None,
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
