//! Where dedup records live, in batch form: one call for a batch, one answer per entry.
//!
//! An implementation executes [`Record`](super::Record)'s transitions atomically per key.
//! `fanline_testing::contract` holds every one of them to it.

use std::{any::Any, sync::Arc};

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::{Claim, Refusal};
use crate::Failure;

/// A store of dedup records.
///
/// Answers come in the order of the entries, one each. Entries of one call have distinct
/// ids and owners. A call that fails as a whole answers `Unavailable` for each entry.
pub trait DedupStore: Send + Sync + 'static {
    /// Tries to take the lease of every claim.
    fn claim<'a>(&'a self, claims: &'a [Claim], now: Timestamp) -> BoxFuture<'a, Vec<ClaimAnswer>>;

    /// Completes, releases or renews leases, each only if it is still held by its owner.
    fn settle<'a>(&'a self, settlements: &'a [Settlement]) -> BoxFuture<'a, Vec<SettleAnswer>>;

    /// A fresh transaction for one message, if this store can commit a handler's writes
    /// together with the dedup record.
    fn transaction(&self) -> Option<Arc<dyn Transaction>> {
        None
    }
}

/// Writes that commit together with their message's dedup record, or not at all.
pub trait Transaction: Send + Sync + 'static {
    /// Commits what the handler added and marks the key as done, in one step. Must end by itself: outside Lambda, no
    /// deadline ends a call that is never answered.
    fn commit<'a>(&'a self, claim: &'a Claim, now: Timestamp) -> BoxFuture<'a, CommitAnswer>;

    /// For the extractor that belongs to the store to find its own type again.
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// Answer to one claim.
#[must_use]
#[derive(Clone, Debug, PartialEq)]
pub enum ClaimAnswer {
    /// The lease is the claimant's.
    Claimed,
    /// It is not, for this reason.
    Refused(Refusal),
    /// Not known; the claim may even have taken effect.
    Unavailable(String),
}

/// One lease to settle.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    /// `consumer#key`.
    pub id: String,
    /// The claim's owner token.
    pub owner: String,
    /// How it ends.
    pub end: SettleAs,
}

/// How a lease ends.
#[derive(Clone, Debug, PartialEq)]
pub enum SettleAs {
    /// The effect has happened.
    Complete,
    /// It has not; somebody else may try.
    Release {
        /// Receive count of this attempt.
        attempts: u32,
        /// Why.
        error: String,
    },
    /// Not yet: the lease goes on.
    Renew {
        /// When the claimant will certainly have stopped.
        lease_until: Timestamp,
    },
}

/// Answer to one settlement.
#[must_use]
#[derive(Clone, Debug, PartialEq)]
pub enum SettleAnswer {
    /// Written.
    Settled,
    /// Not written: the lease was no longer the owner's.
    Refused(Refusal),
    /// Not known.
    Unavailable(String),
}

/// Answer to a transaction.
#[must_use]
#[derive(Debug)]
pub enum CommitAnswer {
    /// The writes and the dedup record are stored.
    Committed,
    /// Nothing was written: the dedup record stands against it.
    Refused(Refusal),
    /// Nothing was written: a condition of the handler's own writes was false, or the
    /// transaction was too large.
    Failed(Failure),
    /// Not known.
    Unavailable(String),
}
