//! Leases and records, as the store's answers make them. Nobody's word counts but the store's.

use fanline::{
    Timestamp,
    dedup::{Claim, ClaimAnswer, CommitAnswer, SettleAnswer, SettleAs, Settlement},
};

use super::{Consumer, Done, Lease, Ledger, event_of};
use crate::sim::{network::Trouble, property::Property};

impl Ledger {
    pub(in crate::sim) fn claim(
        &mut self,
        process: &str,
        claim: &Claim,
        answer: &ClaimAnswer,
        now: Timestamp,
    ) {
        self.learn_of_keys(claim);
        if *answer != ClaimAnswer::Claimed {
            return;
        }
        self.check_free(claim, now);
        let lease = Lease {
            process: process.to_owned(),
            owner: claim.owner.clone(),
            until: claim.lease_until,
            expires: claim.expires_at,
        };
        self.leases.insert(claim.id.clone(), lease);
        self.done.remove(&claim.id);
    }

    pub(in crate::sim) fn settle(
        &mut self,
        process: &str,
        settlement: &Settlement,
        answer: &SettleAnswer,
    ) {
        if *answer != SettleAnswer::Settled {
            return;
        }
        let id = &settlement.id;
        let is_holder = match (self.leases.get(id), self.done.get(id)) {
            (Some(lease), _) => lease.owner == settlement.owner,
            (None, Some(done)) => {
                done.owner == settlement.owner && settlement.end == SettleAs::Complete
            }
            (None, None) => matches!(settlement.end, SettleAs::Release { .. }),
        };
        if !is_holder {
            let text = format!(
                "{process} settled {id} ({:?}) without holding its lease",
                settlement.end
            );
            self.violate(Property::OneHolder, event_of(id), text);
        }
        match settlement.end {
            SettleAs::Complete => {
                // Completed twice is completed once.
                if let Some(lease) = self.leases.remove(id) {
                    let (owner, until) = (settlement.owner.clone(), lease.expires);
                    self.done.insert(id.clone(), Done { owner, until });
                }
            }
            SettleAs::Release { .. } => {
                self.leases.remove(id);
            }
            SettleAs::Renew { lease_until } => {
                if let Some(lease) = self.leases.get_mut(id) {
                    lease.until = lease_until;
                }
            }
        }
    }

    pub(in crate::sim) fn commit(&mut self, claim: &Claim, answer: &CommitAnswer, now: Timestamp) {
        self.learn_of_keys(claim);
        if !matches!(answer, CommitAnswer::Committed) {
            return;
        }
        let id = &claim.id;
        match self.done.get(id) {
            Some(done) if done.owner == claim.owner => return,
            Some(done) if done.until > now => {
                self.violate(
                    Property::EffectOnce,
                    event_of(id),
                    format!("{id} was committed twice"),
                );
            }
            _ => self.check_free(claim, now),
        }
        self.done.insert(
            id.clone(),
            Done {
                owner: claim.owner.clone(),
                until: claim.expires_at,
            },
        );
    }

    /// `consumer#type#key` is a key of the application's own. Any other that is no event's is a mistake, and not excused.
    fn learn_of_keys(&mut self, claim: &Claim) {
        let Some((name, key)) = claim.id.split_once('#') else {
            return;
        };
        let of_name = |consumer: &&mut Consumer| consumer.name == name;
        for consumer in self.consumers.iter_mut().filter(of_name) {
            let mut types = consumer.handlers.keys();
            consumer.has_business_keys |= types.any(|of_type| {
                key.strip_prefix(of_type.as_str())
                    .is_some_and(|rest| rest.starts_with('#'))
            });
        }
    }

    /// A lease or a done record was given to somebody: nobody else may have it.
    fn check_free(&mut self, claim: &Claim, now: Timestamp) {
        let id = &claim.id;
        if self
            .leases
            .get(id)
            .is_some_and(|lease| lease.until > now && lease.owner != claim.owner)
        {
            self.violate(
                Property::OneHolder,
                event_of(id),
                format!("the lease of {id} was given out twice"),
            );
        }
        if self.done.get(id).is_some_and(|done| done.until > now) {
            self.violate(
                Property::OneHolder,
                event_of(id),
                format!("the lease of {id} was given out after it was done"),
            );
        }
    }

    /// A process has answered an invocation in order.
    pub(in crate::sim) fn end_invocation(&mut self, process: &str, trouble: &Trouble) {
        if trouble.with_store() {
            // Those that it could not give back run out by themselves.
            self.lose_process(process);
            return;
        }
        let left = self
            .leases
            .iter()
            .find(|(_, lease)| lease.process == process);
        if let Some((id, _)) = left {
            let id = id.clone();
            self.violate(
                Property::NoLeaseLeft,
                event_of(&id),
                format!("{process} ended in order and still holds {id}"),
            );
            self.leases.remove(&id);
        }
    }
}
