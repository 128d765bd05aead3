//! One idempotency key of a batch: claimed once, run once, shared by the records that have it.

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::SetOnce;

use crate::{
    Mode, Outcome,
    dedup::{Claim, SettleAnswer, SettleAs, Settlement},
};

/// One idempotency key of a batch.
pub(crate) struct Key {
    pub(crate) claim: Claim,
    pub(crate) mode: Mode,
    /// Whether a lease may be held and must be settled.
    pub(crate) leased: bool,
    /// Receive count of the first record with it.
    pub(crate) attempt: u32,
    taken: AtomicBool,
    started: AtomicBool,
    is_final: AtomicBool,
    /// What running it came to, set once; settling may still overrule it.
    pub(crate) ended: SetOnce<Outcome>,
    /// The store's answer to completing or giving back the lease.
    pub(crate) settled: OnceLock<SettleAnswer>,
    /// The record that ran.
    pub(crate) runner: OnceLock<usize>,
}

impl Key {
    pub(super) fn new(claim: Claim, mode: Mode, attempt: u32) -> Self {
        Self {
            claim,
            mode,
            leased: mode == Mode::AtLeastOnce,
            attempt,
            taken: AtomicBool::new(false),
            started: AtomicBool::new(false),
            is_final: AtomicBool::new(false),
            ended: SetOnce::new(),
            settled: OnceLock::new(),
            runner: OnceLock::new(),
        }
    }

    /// The first outcome stands.
    pub(crate) fn end(&self, outcome: Outcome) {
        let _already_ended = self.ended.set(outcome);
    }

    /// Whether a lease may be held that has not been completed or given back.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.leased && self.settled.get().is_none()
    }

    /// The first answer stands.
    pub(crate) fn settle(&self, answer: SettleAnswer) {
        let _already_settled = self.settled.set(answer);
    }

    pub(crate) fn settlement(&self, end: SettleAs) -> Settlement {
        Settlement {
            id: self.claim.id.clone(),
            owner: self.claim.owner.clone(),
            end,
        }
    }

    /// Whether the caller is the one to run it.
    pub(crate) fn take(&self) -> bool {
        !self.taken.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn is_taken(&self) -> bool {
        self.taken.load(Ordering::Relaxed)
    }

    pub(crate) fn mark_started(&self) {
        self.started.store(true, Ordering::Relaxed);
    }

    /// The one attempt of a handler that is at most once has begun.
    pub(crate) fn mark_final(&self) {
        self.is_final.store(true, Ordering::Relaxed);
    }

    /// What a failure comes to: what may not be tried again is rejected.
    pub(crate) fn verdict(&self, outcome: Outcome) -> Outcome {
        let is_final = self.is_final.load(Ordering::Relaxed);
        match outcome {
            Outcome::Retried { reason, .. } | Outcome::Unavailable { reason } if is_final => {
                let reason = format!("{reason}; not tried again, as it runs at most once");
                Outcome::Rejected { reason }
            }
            other => other,
        }
    }

    pub(crate) fn has_started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }
}
