//! The dedup store as a process sees it: at the other end of the network, and watched.

use std::{any::Any, sync::Arc, time::Duration};

use fanline::{
    Timestamp,
    dedup::{
        Claim, ClaimAnswer, CommitAnswer, DedupStore, SettleAnswer, SettleAs, Settlement,
        Transaction,
    },
};
use futures_util::future::BoxFuture;
use tokio::time::timeout;

use super::{
    dice::Place,
    network::{Call, Service, Trouble},
    world::World,
};

/// A process's way to the store.
#[derive(Clone)]
pub(super) struct RemoteStore {
    pub(super) world: Arc<World>,
    pub(super) store: Arc<dyn DedupStore>,
    pub(super) process: Arc<str>,
    pub(super) trouble: Arc<Trouble>,
}

/// As the SDK's client does, a transaction gives up: outside Lambda the worker itself would wait for ever.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);

const STORE: &str = "dedup store";

fn event(id: &str) -> &str {
    id.split_once('#').map_or(id, |(_, key)| key)
}

impl RemoteStore {
    fn call<'a>(&'a self, what: &'static str, ids: impl Iterator<Item = &'a str>) -> Call<'a> {
        let events = ids.map(event).collect();
        Call {
            from: &self.process,
            service: Service::Store,
            what,
            events,
            trouble: Some(&self.trouble),
        }
    }

    /// Carries out what is not throttled and watches it.
    async fn claim_now(self, claims: Vec<Claim>, now: Timestamp) -> Vec<ClaimAnswer> {
        let throttled = self.throttled(
            claims.len(),
            Place::of(&["claim", claims.first().map_or("", |claim| &claim.id)]),
        );
        let passed: Vec<Claim> = claims
            .iter()
            .zip(&throttled)
            .filter(|(_, throttled)| !**throttled)
            .map(|(claim, _)| claim.clone())
            .collect();
        let answers = self.store.claim(&passed, now).await;
        let is_unknown = |answer| matches!(answer, &ClaimAnswer::Unavailable(_));
        self.tell_of(answers.iter().any(is_unknown));
        let mut ledger = self.world.ledger();
        ledger.at = self.world.elapsed();
        for (claim, answer) in passed.iter().zip(&answers) {
            ledger.claim(&self.process, claim, answer, now);
            self.world
                .note(&self.process, STORE, [event(&claim.id)], || {
                    format!("claim {}: {answer:?}", claim.id)
                });
        }
        drop(ledger);
        merge(answers, &throttled, || {
            ClaimAnswer::Unavailable(THROTTLED.to_owned())
        })
    }

    async fn settle_now(self, settlements: Vec<Settlement>) -> Vec<SettleAnswer> {
        let throttled = self.throttled(
            settlements.len(),
            Place::of(&["settle", settlements.first().map_or("", |entry| &entry.id)]),
        );
        let passed: Vec<Settlement> = settlements
            .iter()
            .zip(&throttled)
            .filter(|(_, throttled)| !**throttled)
            .map(|(entry, _)| entry.clone())
            .collect();
        let answers = self.store.settle(&passed).await;
        let is_unknown = |answer| matches!(answer, &SettleAnswer::Unavailable(_));
        self.tell_of(answers.iter().any(is_unknown));
        let mut ledger = self.world.ledger();
        ledger.at = self.world.elapsed();
        for (settlement, answer) in passed.iter().zip(&answers) {
            ledger.settle(&self.process, settlement, answer);
            let what = match settlement.end {
                SettleAs::Complete => "complete",
                SettleAs::Release { .. } => "release",
                SettleAs::Renew { .. } => "renew",
            };
            self.world
                .note(&self.process, STORE, [event(&settlement.id)], || {
                    format!("{what} {}: {answer:?}", settlement.id)
                });
        }
        drop(ledger);
        merge(answers, &throttled, || {
            SettleAnswer::Unavailable(THROTTLED.to_owned())
        })
    }

    /// The store itself could not do all of it.
    fn tell_of(&self, is_unknown: bool) {
        if is_unknown {
            self.trouble.tell(Service::Store);
        }
    }

    fn throttled(&self, entries: usize, place: Place) -> Vec<bool> {
        let throttled = self.world.throttled(entries, place);
        let count = throttled.iter().filter(|throttled| **throttled).count();
        if count > 0 {
            self.trouble.tell(Service::Store);
            self.world.note_fault(STORE, &self.process, [], || {
                format!("{count} of {entries} entries throttled")
            });
        }
        throttled
    }
}

const THROTTLED: &str = "throttled";

/// Puts answers back among entries that were not asked for.
fn merge<Answer>(
    answers: Vec<Answer>,
    left_out: &[bool],
    of_left_out: impl Fn() -> Answer,
) -> Vec<Answer> {
    let mut answers = answers.into_iter();
    let all = left_out.iter().map(|left_out| match left_out {
        true => of_left_out(),
        false => answers.next().unwrap_or_else(&of_left_out),
    });
    all.collect()
}

impl DedupStore for RemoteStore {
    fn claim<'a>(&'a self, claims: &'a [Claim], now: Timestamp) -> BoxFuture<'a, Vec<ClaimAnswer>> {
        let (remote, owned, entries) = (self.clone(), claims.to_vec(), claims.len());
        let call = self.call("claim", claims.iter().map(|claim| claim.id.as_str()));
        let effect = move || Box::pin(remote.claim_now(owned, now)) as BoxFuture<'static, _>;
        let refuse =
            move |problem: &str| vec![ClaimAnswer::Unavailable(problem.to_owned()); entries];
        Box::pin(self.world.call(call, effect, refuse))
    }

    fn settle<'a>(&'a self, settlements: &'a [Settlement]) -> BoxFuture<'a, Vec<SettleAnswer>> {
        let (remote, owned, entries) = (self.clone(), settlements.to_vec(), settlements.len());
        let call = self.call(
            "settle",
            settlements.iter().map(|settlement| settlement.id.as_str()),
        );
        let effect = move || Box::pin(remote.settle_now(owned)) as BoxFuture<'static, _>;
        let refuse =
            move |problem: &str| vec![SettleAnswer::Unavailable(problem.to_owned()); entries];
        Box::pin(self.world.call(call, effect, refuse))
    }

    fn transaction(&self) -> Option<Arc<dyn Transaction>> {
        let transaction = self.store.transaction()?;
        Some(Arc::new(RemoteTransaction {
            remote: self.clone(),
            transaction,
        }))
    }
}

/// A transaction that is committed at the other end of the network.
struct RemoteTransaction {
    remote: RemoteStore,
    transaction: Arc<dyn Transaction>,
}

impl Transaction for RemoteTransaction {
    fn commit<'a>(&'a self, claim: &'a Claim, now: Timestamp) -> BoxFuture<'a, CommitAnswer> {
        let remote = self.remote.clone();
        let (transaction, owned) = (Arc::clone(&self.transaction), claim.clone());
        let call = self
            .remote
            .call("commit", std::iter::once(claim.id.as_str()));
        let effect = move || {
            Box::pin(async move {
                let answer = transaction.commit(&owned, now).await;
                remote.tell_of(matches!(answer, CommitAnswer::Unavailable(_)));
                let mut ledger = remote.world.ledger();
                ledger.at = remote.world.elapsed();
                ledger.commit(&owned, &answer, now);
                remote
                    .world
                    .note(&remote.process, STORE, [event(&owned.id)], || {
                        format!("commit {}: {answer:?}", owned.id)
                    });
                answer
            }) as BoxFuture<'static, _>
        };
        let refuse = |problem: &str| CommitAnswer::Unavailable(problem.to_owned());
        let call = self.remote.world.call(call, effect, refuse);
        Box::pin(async move {
            let answer = timeout(COMMIT_TIMEOUT, call).await;
            answer.unwrap_or_else(|_| CommitAnswer::Unavailable("no answer in time".to_owned()))
        })
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        // What the handler's extractor looks for is the store's own.
        Arc::clone(&self.transaction).as_any()
    }
}
