//! Ways to break the framework, to see that the simulation notices.
//!
//! Each is done at the edge of the real worker: what it hears from the store, the queue or its batch, or what they hear
//! from it, is changed as if its own code were wrong. No switch is in that code.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use fanline::{
    Batch, DeadLetter, SourceQueue, Timestamp, VisibilityChange,
    dedup::{Claim, ClaimAnswer, DedupStore, SettleAnswer, SettleAs, Settlement, Transaction},
};
use futures_util::future::BoxFuture;

use super::world::lock;

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Records are completed without looking at who holds their lease.
    UnfencedComplete,
    /// A lease is not given back after a failure.
    ReleaseForgotten,
    /// A message is acknowledged while its completion is on its way.
    AcknowledgedBeforeComplete,
    /// An event is marked as done before its handler runs, which is wrong at least once.
    MarkedBeforeHandled,
    /// A FIFO group goes on behind a record that failed.
    GroupNotStopped,
    /// Failures do not end in a dead letter at the last attempt.
    RetriedPastPlan,
    /// A dead letter is taken for stored before it is sent, and never sent.
    DeadLetterForgotten,
    /// A transaction whose answer was lost is committed again as a new one.
    CommittedAgain,
}

impl Broken {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::UnfencedComplete,
        Self::ReleaseForgotten,
        Self::AcknowledgedBeforeComplete,
        Self::MarkedBeforeHandled,
        Self::GroupNotStopped,
        Self::RetriedPastPlan,
        Self::DeadLetterForgotten,
        Self::CommittedAgain,
    ];
}

/// The store that all processes share.
pub(super) fn shared_store(
    broken: Option<Broken>,
    store: Arc<dyn DedupStore>,
) -> Arc<dyn DedupStore> {
    match broken {
        Some(broken @ (Broken::UnfencedComplete | Broken::CommittedAgain)) => {
            Arc::new(SharedStore {
                broken,
                store,
                owners: Mutex::default(),
            })
        }
        _ => store,
    }
}

/// The store as one process uses it.
pub(super) fn store_of_process(
    broken: Option<Broken>,
    store: Arc<dyn DedupStore>,
) -> Arc<dyn DedupStore> {
    match broken {
        Some(
            broken @ (Broken::ReleaseForgotten
            | Broken::AcknowledgedBeforeComplete
            | Broken::MarkedBeforeHandled),
        ) => Arc::new(ProcessStore { broken, store }),
        _ => store,
    }
}

/// The batch as a worker gets it.
pub(super) fn batch(broken: Option<Broken>, mut batch: Batch) -> Batch {
    match broken {
        Some(Broken::GroupNotStopped) => batch.fifo = false,
        Some(Broken::RetriedPastPlan) => batch
            .messages
            .iter_mut()
            .for_each(|message| message.receive_count = 1),
        _ => {}
    }
    batch
}

/// The queue as a worker uses it.
pub(super) fn queue<'a>(
    broken: Option<Broken>,
    queue: &'a dyn SourceQueue,
) -> Box<dyn SourceQueue + 'a> {
    let forgets = broken == Some(Broken::DeadLetterForgotten);
    Box::new(Queue { forgets, queue })
}

struct SharedStore {
    broken: Broken,
    store: Arc<dyn DedupStore>,
    /// Who holds which lease.
    owners: Mutex<BTreeMap<String, String>>,
}

impl DedupStore for SharedStore {
    fn claim<'a>(&'a self, claims: &'a [Claim], now: Timestamp) -> BoxFuture<'a, Vec<ClaimAnswer>> {
        Box::pin(async move {
            let answers = self.store.claim(claims, now).await;
            let claimed = claims
                .iter()
                .zip(&answers)
                .filter(|(_, answer)| **answer == ClaimAnswer::Claimed);
            lock(&self.owners)
                .extend(claimed.map(|(claim, _)| (claim.id.clone(), claim.owner.clone())));
            answers
        })
    }

    fn settle<'a>(&'a self, settlements: &'a [Settlement]) -> BoxFuture<'a, Vec<SettleAnswer>> {
        let owners = lock(&self.owners).clone();
        let mut unfenced = settlements.to_vec();
        for settlement in unfenced
            .iter_mut()
            .filter(|settlement| settlement.end == SettleAs::Complete)
        {
            if let Some(owner) = owners
                .get(&settlement.id)
                .filter(|_| self.broken == Broken::UnfencedComplete)
            {
                settlement.owner.clone_from(owner);
            }
        }
        Box::pin(async move { self.store.settle(&unfenced).await })
    }

    fn transaction(&self) -> Option<Arc<dyn Transaction>> {
        let transaction = self.store.transaction()?;
        match self.broken {
            Broken::CommittedAgain => Some(Arc::new(Unguarded(transaction))),
            _ => Some(transaction),
        }
    }
}

/// Commits under a key of its own, so that no record stands against it.
struct Unguarded(Arc<dyn Transaction>);

impl Transaction for Unguarded {
    fn commit<'a>(
        &'a self,
        claim: &'a Claim,
        now: Timestamp,
    ) -> BoxFuture<'a, fanline::dedup::CommitAnswer> {
        let mut claim = claim.clone();
        claim.id = format!("{}#{}", claim.id, claim.owner);
        Box::pin(async move { self.0.commit(&claim, now).await })
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn std::any::Any + Send + Sync> {
        Arc::clone(&self.0).as_any()
    }
}

struct ProcessStore {
    broken: Broken,
    store: Arc<dyn DedupStore>,
}

impl DedupStore for ProcessStore {
    fn claim<'a>(&'a self, claims: &'a [Claim], now: Timestamp) -> BoxFuture<'a, Vec<ClaimAnswer>> {
        Box::pin(async move {
            let answers = self.store.claim(claims, now).await;
            if self.broken == Broken::MarkedBeforeHandled {
                let claimed = claims
                    .iter()
                    .zip(&answers)
                    .filter(|(_, answer)| **answer == ClaimAnswer::Claimed);
                let done: Vec<_> = claimed.map(|(claim, _)| complete(claim)).collect();
                let _nobody_asks = self.store.settle(&done).await;
            }
            answers
        })
    }

    fn settle<'a>(&'a self, settlements: &'a [Settlement]) -> BoxFuture<'a, Vec<SettleAnswer>> {
        let is_left_out = |settlement: &Settlement| match self.broken {
            Broken::ReleaseForgotten => matches!(settlement.end, SettleAs::Release { .. }),
            Broken::AcknowledgedBeforeComplete => settlement.end == SettleAs::Complete,
            _ => false,
        };
        let (left_out, passed): (Vec<_>, Vec<_>) =
            settlements.iter().cloned().partition(is_left_out);
        Box::pin(async move {
            if self.broken == Broken::AcknowledgedBeforeComplete {
                let store = Arc::clone(&self.store);
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    let _nobody_asks = store.settle(&left_out).await;
                });
            }
            let mut answers = self.store.settle(&passed).await.into_iter();
            let all = settlements
                .iter()
                .map(|settlement| match is_left_out(settlement) {
                    true => SettleAnswer::Settled,
                    false => answers.next().unwrap_or(SettleAnswer::Settled),
                });
            all.collect()
        })
    }

    fn transaction(&self) -> Option<Arc<dyn Transaction>> {
        self.store.transaction()
    }
}

fn complete(claim: &Claim) -> Settlement {
    Settlement {
        id: claim.id.clone(),
        owner: claim.owner.clone(),
        end: SettleAs::Complete,
    }
}

struct Queue<'a> {
    forgets: bool,
    queue: &'a dyn SourceQueue,
}

impl SourceQueue for Queue<'_> {
    fn has_dead_letter_queue(&self) -> bool {
        self.queue.has_dead_letter_queue()
    }

    fn send_dead_letters<'a>(
        &'a self,
        letters: &'a [DeadLetter],
    ) -> BoxFuture<'a, Vec<Result<(), String>>> {
        match self.forgets {
            true => Box::pin(std::future::ready(vec![Ok(()); letters.len()])),
            false => self.queue.send_dead_letters(letters),
        }
    }

    fn change_visibility<'a>(
        &'a self,
        changes: &'a [VisibilityChange],
    ) -> BoxFuture<'a, Vec<Result<(), String>>> {
        self.queue.change_visibility(changes)
    }
}
