//! A dedup store whose calls are counted and may fail, its transactions included.
//!
//! What could be got wrong is the transaction's type: an extractor looks for its own store's, so that
//! one is handed out, and this one is what the pipeline commits.

use std::{any::Any, sync::Arc};

use fanline::{
    Timestamp,
    dedup::{Claim, ClaimAnswer, CommitAnswer, DedupStore, SettleAnswer, Settlement, Transaction},
};
use futures_util::future::BoxFuture;

use super::calls::{Calls, REASON, Step};

pub(super) struct WatchedStore {
    pub(super) store: Arc<dyn DedupStore>,
    pub(super) calls: Calls,
}

impl DedupStore for WatchedStore {
    fn claim<'a>(&'a self, claims: &'a [Claim], now: Timestamp) -> BoxFuture<'a, Vec<ClaimAnswer>> {
        let lost = || vec![ClaimAnswer::Unavailable(REASON.to_owned()); claims.len()];
        let call = self.store.claim(claims, now);
        Box::pin(self.calls.make(Step::Claim, call, lost))
    }

    fn settle<'a>(&'a self, settlements: &'a [Settlement]) -> BoxFuture<'a, Vec<SettleAnswer>> {
        let lost = || vec![SettleAnswer::Unavailable(REASON.to_owned()); settlements.len()];
        let call = self.store.settle(settlements);
        Box::pin(self.calls.make(Step::Settle, call, lost))
    }

    fn transaction(&self) -> Option<Arc<dyn Transaction>> {
        let transaction = self.store.transaction()?;
        let calls = self.calls.clone();
        Some(Arc::new(WatchedTransaction { transaction, calls }))
    }
}

struct WatchedTransaction {
    transaction: Arc<dyn Transaction>,
    calls: Calls,
}

impl Transaction for WatchedTransaction {
    fn commit<'a>(&'a self, claim: &'a Claim, now: Timestamp) -> BoxFuture<'a, CommitAnswer> {
        let lost = || CommitAnswer::Unavailable(REASON.to_owned());
        let call = self.transaction.commit(claim, now);
        Box::pin(self.calls.make(Step::Commit, call, lost))
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        Arc::clone(&self.transaction).as_any()
    }
}
