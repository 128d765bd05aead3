//! A dedup store that fails at chosen calls.

use std::{
    collections::VecDeque,
    future::pending,
    sync::{Arc, Mutex, PoisonError},
};

use fanline::{
    Timestamp,
    dedup::{Claim, ClaimAnswer, DedupStore, SettleAnswer, Settlement, Transaction},
};
use futures_util::future::BoxFuture;

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It fails without having had an effect.
    Before,
    /// It takes effect, and the answer is lost.
    After,
    /// It never answers, without effect. Dropping the caller here is a crash before the call.
    HangBefore,
    /// It takes effect and never answers. Dropping the caller here is a crash after the call.
    HangAfter,
}

/// Passes calls on to another store, each with the next fault of a list.
pub struct FaultyStore {
    store: Arc<dyn DedupStore>,
    faults: Mutex<VecDeque<Fault>>,
}

const REASON: &str = "injected fault";

impl FaultyStore {
    /// The first call meets the first fault; once they are used up, nothing fails.
    pub fn new(store: Arc<dyn DedupStore>, faults: impl IntoIterator<Item = Fault>) -> Self {
        Self {
            store,
            faults: Mutex::new(faults.into_iter().collect()),
        }
    }

    fn next_fault(&self) -> Fault {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.pop_front().unwrap_or(Fault::None)
    }

    async fn call<A>(
        &self,
        call: BoxFuture<'_, Vec<A>>,
        entries: usize,
        unavailable: impl Fn() -> A,
    ) -> Vec<A> {
        let fault = self.next_fault();
        if fault == Fault::HangBefore {
            pending::<()>().await;
        }
        let answers = match fault {
            Fault::Before => None,
            _ => Some(call.await),
        };
        match (fault, answers) {
            (Fault::HangAfter, _) => pending().await,
            (Fault::None, Some(answers)) => answers,
            _ => std::iter::repeat_with(unavailable).take(entries).collect(),
        }
    }
}

impl DedupStore for FaultyStore {
    fn claim<'a>(&'a self, claims: &'a [Claim], now: Timestamp) -> BoxFuture<'a, Vec<ClaimAnswer>> {
        let unavailable = || ClaimAnswer::Unavailable(REASON.to_owned());
        Box::pin(self.call(self.store.claim(claims, now), claims.len(), unavailable))
    }

    fn settle<'a>(&'a self, settlements: &'a [Settlement]) -> BoxFuture<'a, Vec<SettleAnswer>> {
        let unavailable = || SettleAnswer::Unavailable(REASON.to_owned());
        let call = self.store.settle(settlements);
        Box::pin(self.call(call, settlements.len(), unavailable))
    }

    fn transaction(&self) -> Option<Arc<dyn Transaction>> {
        self.store.transaction()
    }
}
