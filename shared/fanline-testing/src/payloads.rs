//! A payload store in memory.

use std::{
    collections::{BTreeMap, VecDeque},
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fanline::claim_check::{Fetched, PayloadStore};
use futures_util::future::BoxFuture;

use crate::Fault;

/// Payloads in memory. Clones share them. Nothing expires unless it is [forgotten](Self::forget).
#[derive(Clone, Debug)]
pub struct MemoryPayloads {
    size_limit: u64,
    contents: Arc<Mutex<Contents>>,
}

#[derive(Debug, Default)]
struct Contents {
    payloads: BTreeMap<String, String>,
    faults: VecDeque<Fault>,
    calls: usize,
    under_way: usize,
    most_under_way: usize,
}

impl Default for MemoryPayloads {
    fn default() -> Self {
        Self::of_at_most(1024 * 1024)
    }
}

impl MemoryPayloads {
    /// With another limit than 1 MiB.
    pub fn of_at_most(bytes: u64) -> Self {
        Self {
            size_limit: bytes,
            contents: Arc::default(),
        }
    }

    /// The next calls meet these faults, the first the first.
    #[must_use]
    pub fn with_faults(self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.lock().faults.extend(faults);
        self
    }

    /// A copy of all payloads, by key.
    pub fn payloads(&self) -> BTreeMap<String, String> {
        self.lock().payloads.clone()
    }

    /// Puts something under a key that the store was not asked to put there.
    pub fn replace(&self, key: &str, data: &str) {
        let (key, data) = (key.to_owned(), data.to_owned());
        self.lock().payloads.insert(key, data);
    }

    /// Lets the time of all payloads be over.
    pub fn forget(&self) {
        self.lock().payloads.clear();
    }

    /// How many calls there were.
    pub fn calls(&self) -> usize {
        self.lock().calls
    }

    /// How many calls there were at once.
    pub fn most_calls_at_once(&self) -> usize {
        self.lock().most_under_way
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call<Answer>(
        &self,
        effect: impl FnOnce(&mut Contents) -> Answer,
    ) -> Result<Answer, String> {
        let _leaves = self.enter();
        let fault = self.lock().faults.pop_front().unwrap_or(Fault::None);
        // As a round trip does, it lets others begin.
        tokio::task::yield_now().await;
        if fault == Fault::HangBefore {
            pending::<()>().await;
        }
        let answer = match fault {
            Fault::Before => None,
            _ => Some(effect(&mut self.lock())),
        };
        match (fault, answer) {
            (Fault::HangAfter, _) => pending().await,
            (Fault::None, Some(answer)) => Ok(answer),
            _ => Err("injected fault".to_owned()),
        }
    }

    fn enter(&self) -> Leave<'_> {
        let mut contents = self.lock();
        contents.calls += 1;
        contents.under_way += 1;
        contents.most_under_way = contents.most_under_way.max(contents.under_way);
        Leave(self)
    }
}

struct Leave<'a>(&'a MemoryPayloads);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.lock().under_way -= 1;
    }
}

impl PayloadStore for MemoryPayloads {
    fn size_limit(&self) -> u64 {
        self.size_limit
    }

    fn put<'a>(&'a self, key: &'a str, data: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(self.call(|contents| {
            contents.payloads.insert(key.to_owned(), data.to_owned());
        }))
    }

    fn fetch<'a>(&'a self, key: &'a str, bytes: u64) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(self.call(move |contents| match contents.payloads.get(key) {
            None => Fetched::Missing,
            Some(data) if data.len() as u64 != bytes => {
                Fetched::Damaged(format!("it has {} bytes, not {bytes}", data.len()))
            }
            Some(data) => Fetched::Found(data.clone()),
        }))
    }
}
