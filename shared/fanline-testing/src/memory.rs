//! A dedup store in memory: the pure state machine under a lock.

use std::{
    any::Any,
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fanline::{
    Timestamp,
    dedup::{
        Claim, ClaimAnswer, CommitAnswer, DedupStore, Record, Refusal, SettleAnswer, SettleAs,
        Settlement, Transaction,
    },
};
use futures_util::future::BoxFuture;

type Records = BTreeMap<String, Record>;

/// Dedup records in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    records: Arc<Mutex<Records>>,
}

impl MemoryStore {
    /// A copy of all records, by `consumer#key`.
    pub fn records(&self) -> Records {
        lock(&self.records).clone()
    }
}

impl DedupStore for MemoryStore {
    fn claim<'a>(&'a self, claims: &'a [Claim], now: Timestamp) -> BoxFuture<'a, Vec<ClaimAnswer>> {
        Box::pin(async move {
            let mut records = lock(&self.records);
            let answers = claims.iter().map(|claim| {
                let next = Record::claim(records.get(&claim.id), claim, now);
                match put(&mut records, &claim.id, next) {
                    Ok(()) => ClaimAnswer::Claimed,
                    Err(refusal) => ClaimAnswer::Refused(refusal),
                }
            });
            answers.collect()
        })
    }

    fn settle<'a>(&'a self, settlements: &'a [Settlement]) -> BoxFuture<'a, Vec<SettleAnswer>> {
        Box::pin(async move {
            let mut records = lock(&self.records);
            let answers = settlements.iter().map(|settlement| {
                let (current, owner) = (records.get(&settlement.id), &settlement.owner);
                let next = match &settlement.end {
                    SettleAs::Complete => Record::complete(current, owner),
                    SettleAs::Release { attempts, error } => {
                        Record::release(current, owner, *attempts, error)
                    }
                    SettleAs::Renew { lease_until } => Record::renew(current, owner, *lease_until),
                };
                match put(&mut records, &settlement.id, next) {
                    Ok(()) => SettleAnswer::Settled,
                    Err(refusal) => SettleAnswer::Refused(refusal),
                }
            });
            answers.collect()
        })
    }

    fn transaction(&self) -> Option<Arc<dyn Transaction>> {
        Some(Arc::new(MemoryTransaction {
            records: Arc::clone(&self.records),
            effects: Mutex::default(),
        }))
    }
}

fn put(records: &mut Records, id: &str, next: Result<Record, Refusal>) -> Result<(), Refusal> {
    records.insert(id.to_owned(), next?);
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A handler that panics is part of many tests.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Effect = Box<dyn FnOnce() + Send>;

/// A transaction whose writes are closures, run when it commits.
pub struct MemoryTransaction {
    records: Arc<Mutex<Records>>,
    effects: Mutex<Vec<Effect>>,
}

impl MemoryTransaction {
    /// Adds an effect to be had if and only if the transaction commits.
    pub fn add(&self, effect: impl FnOnce() + Send + 'static) {
        lock(&self.effects).push(Box::new(effect));
    }
}

impl fmt::Debug for MemoryTransaction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "MemoryTransaction({} effects)",
            lock(&self.effects).len()
        )
    }
}

impl Transaction for MemoryTransaction {
    fn commit<'a>(&'a self, claim: &'a Claim, now: Timestamp) -> BoxFuture<'a, CommitAnswer> {
        Box::pin(async move {
            let mut records = lock(&self.records);
            let next = Record::commit(records.get(&claim.id), claim, now);
            match put(&mut records, &claim.id, next) {
                Ok(()) => {
                    lock(&self.effects).drain(..).for_each(|effect| effect());
                    CommitAnswer::Committed
                }
                Err(refusal) => CommitAnswer::Refused(refusal),
            }
        })
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
