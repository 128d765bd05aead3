//! The contract of [`DedupStore`].
//!
//! Cases name what matters; the model run then compares any sequence of calls with the pure
//! state machine, answer by answer.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use fanline::{
    System,
    dedup::{
        Claim, ClaimAnswer, CommitAnswer, DedupStore, Record, Refusal, SettleAnswer, SettleAs,
        Settlement,
    },
};

use crate::ManualSystem;

const LEASE: Duration = Duration::from_secs(30);
const RETENTION: Duration = Duration::from_secs(3600);

struct Subject {
    store: Arc<dyn DedupStore>,
    system: Arc<ManualSystem>,
}

impl Subject {
    fn request(&self, key: &str, data: &str) -> Claim {
        let now = self.system.now();
        Claim {
            // Stores may be shared between runs: every run has keys of its own.
            id: format!("contract#{key}"),
            owner: self.system.fence(),
            fingerprint: data.to_owned(),
            lease_until: now + LEASE,
            expires_at: now + RETENTION,
        }
    }

    async fn claim(&self, claim: &Claim) -> ClaimAnswer {
        let answers = self
            .store
            .claim(std::slice::from_ref(claim), self.system.now())
            .await;
        assert_eq!(answers.len(), 1, "one answer for one claim");
        answers.into_iter().next().expect("just counted")
    }

    async fn settle(&self, claim: &Claim, end: SettleAs) -> SettleAnswer {
        let settlement = Settlement {
            id: claim.id.clone(),
            owner: claim.owner.clone(),
            end,
        };
        let answers = self.store.settle(&[settlement]).await;
        assert_eq!(answers.len(), 1, "one answer for one settlement");
        answers.into_iter().next().expect("just counted")
    }

    async fn commit(&self, claim: &Claim) -> CommitAnswer {
        let transaction = self.store.transaction().expect("store has transactions");
        transaction.commit(claim, self.system.now()).await
    }
}

fn release() -> SettleAs {
    SettleAs::Release {
        attempts: 1,
        error: "did not work".to_owned(),
    }
}

/// Puts a store through every case. `run` must differ between runs on the same table.
///
/// # Panics
/// If the store breaks the contract.
pub async fn dedup_store(store: Arc<dyn DedupStore>, run: &str) {
    let subject = Subject {
        store,
        system: Arc::new(ManualSystem::default()),
    };
    let key = |case: &str| format!("{run}-{case}");
    one_of_two_claims_wins(&subject, &key("race")).await;
    done_is_duplicate_or_conflict(&subject, &key("done")).await;
    released_can_be_claimed_again(&subject, &key("released")).await;
    lapsed_lease_is_taken_over_and_fenced(&subject, &key("fence")).await;
    own_claim_and_completion_may_be_repeated(&subject, &key("repeat")).await;
    renewed_lease_is_live_until_its_new_end(&subject, &key("renewed")).await;
    expired_record_counts_as_absent(&subject, &key("expired")).await;
    batches_answer_in_order(&subject, &key("batch")).await;
    if subject.store.transaction().is_some() {
        transaction_commits_once(&subject, &key("transaction")).await;
    }
}

async fn one_of_two_claims_wins(subject: &Subject, key: &str) {
    let (first, second) = (subject.request(key, "a"), subject.request(key, "a"));
    let (one, other) = tokio::join!(subject.claim(&first), subject.claim(&second));
    let busy = ClaimAnswer::Refused(Refusal::Busy {
        until: first.lease_until,
    });
    let expected = match one {
        ClaimAnswer::Claimed => (ClaimAnswer::Claimed, busy),
        _ => (busy, ClaimAnswer::Claimed),
    };
    assert_eq!((one, other), expected, "exactly one of two claims wins");
}

async fn done_is_duplicate_or_conflict(subject: &Subject, key: &str) {
    let first = subject.request(key, "a");
    assert_eq!(subject.claim(&first).await, ClaimAnswer::Claimed);
    let completed = subject.settle(&first, SettleAs::Complete).await;
    assert_eq!(completed, SettleAnswer::Settled);
    let again = subject.claim(&subject.request(key, "a")).await;
    assert_eq!(again, ClaimAnswer::Refused(Refusal::Done));
    let other = subject.claim(&subject.request(key, "b")).await;
    assert_eq!(other, ClaimAnswer::Refused(Refusal::Conflict));
    let released = subject.settle(&first, release()).await;
    assert_eq!(
        released,
        SettleAnswer::Refused(Refusal::Done),
        "done stays done"
    );
}

async fn released_can_be_claimed_again(subject: &Subject, key: &str) {
    let first = subject.request(key, "a");
    assert_eq!(subject.claim(&first).await, ClaimAnswer::Claimed);
    assert_eq!(
        subject.settle(&first, release()).await,
        SettleAnswer::Settled
    );
    // Other data too: nothing was done with the first.
    let second = subject.request(key, "b");
    assert_eq!(subject.claim(&second).await, ClaimAnswer::Claimed);
    let late = subject.settle(&first, SettleAs::Complete).await;
    assert_eq!(late, SettleAnswer::Refused(Refusal::NotOwner));
    let completed = subject.settle(&second, SettleAs::Complete).await;
    assert_eq!(completed, SettleAnswer::Settled);
}

async fn lapsed_lease_is_taken_over_and_fenced(subject: &Subject, key: &str) {
    let late = subject.request(key, "a");
    assert_eq!(subject.claim(&late).await, ClaimAnswer::Claimed);
    subject.system.advance(LEASE);
    let successor = subject.request(key, "a");
    assert_eq!(subject.claim(&successor).await, ClaimAnswer::Claimed);
    let not_owner = SettleAnswer::Refused(Refusal::NotOwner);
    assert_eq!(subject.settle(&late, SettleAs::Complete).await, not_owner);
    assert_eq!(subject.settle(&late, release()).await, not_owner);
    let third = subject.claim(&subject.request(key, "a")).await;
    let until = successor.lease_until;
    assert_eq!(third, ClaimAnswer::Refused(Refusal::Busy { until }));
    let completed = subject.settle(&successor, SettleAs::Complete).await;
    assert_eq!(completed, SettleAnswer::Settled);
    assert_eq!(subject.settle(&late, SettleAs::Complete).await, not_owner);
}

async fn own_claim_and_completion_may_be_repeated(subject: &Subject, key: &str) {
    let claim = subject.request(key, "a");
    for _ in 0..2 {
        assert_eq!(subject.claim(&claim).await, ClaimAnswer::Claimed);
    }
    for _ in 0..2 {
        let completed = subject.settle(&claim, SettleAs::Complete).await;
        assert_eq!(completed, SettleAnswer::Settled);
    }
    let again = subject.claim(&claim).await;
    assert_eq!(again, ClaimAnswer::Refused(Refusal::Done));
}

async fn renewed_lease_is_live_until_its_new_end(subject: &Subject, key: &str) {
    let first = subject.request(key, "a");
    assert_eq!(subject.claim(&first).await, ClaimAnswer::Claimed);
    let until = first.lease_until + LEASE;
    let renew = SettleAs::Renew { lease_until: until };
    for _ in 0..2 {
        let renewed = subject.settle(&first, renew.clone()).await;
        assert_eq!(renewed, SettleAnswer::Settled);
    }
    subject.system.advance(LEASE);
    let busy = subject.claim(&subject.request(key, "a")).await;
    assert_eq!(busy, ClaimAnswer::Refused(Refusal::Busy { until }));
    subject.system.advance(LEASE);
    let successor = subject.request(key, "a");
    assert_eq!(subject.claim(&successor).await, ClaimAnswer::Claimed);
    let not_owner = SettleAnswer::Refused(Refusal::NotOwner);
    assert_eq!(subject.settle(&first, renew.clone()).await, not_owner);
    // What was given back or is done has no lease to go on.
    let released = subject.settle(&successor, release()).await;
    assert_eq!(released, SettleAnswer::Settled);
    assert_eq!(subject.settle(&successor, renew.clone()).await, not_owner);
    let third = subject.request(key, "a");
    assert_eq!(subject.claim(&third).await, ClaimAnswer::Claimed);
    let completed = subject.settle(&third, SettleAs::Complete).await;
    assert_eq!(completed, SettleAnswer::Settled);
    let done = SettleAnswer::Refused(Refusal::Done);
    assert_eq!(subject.settle(&third, renew).await, done);
}

async fn expired_record_counts_as_absent(subject: &Subject, key: &str) {
    let first = subject.request(key, "a");
    assert_eq!(subject.claim(&first).await, ClaimAnswer::Claimed);
    let completed = subject.settle(&first, SettleAs::Complete).await;
    assert_eq!(completed, SettleAnswer::Settled);
    subject.system.advance(RETENTION);
    let later = subject.claim(&subject.request(key, "b")).await;
    assert_eq!(
        later,
        ClaimAnswer::Claimed,
        "TTL deletes late; time decides"
    );
}

/// More entries than any store's chunk, every third one done before.
async fn batches_answer_in_order(subject: &Subject, key: &str) {
    let request = |index: usize| subject.request(&format!("{key}-{index}"), "a");
    let done: Vec<Claim> = (0..60).step_by(3).map(request).collect();
    let now = subject.system.now();
    let answers = subject.store.claim(&done, now).await;
    assert_eq!(answers, vec![ClaimAnswer::Claimed; done.len()]);
    let complete = |claim: &Claim| Settlement {
        id: claim.id.clone(),
        owner: claim.owner.clone(),
        end: SettleAs::Complete,
    };
    let settlements: Vec<_> = done.iter().map(complete).collect();
    let answers = subject.store.settle(&settlements).await;
    assert_eq!(answers, vec![SettleAnswer::Settled; done.len()]);
    let all: Vec<Claim> = (0..60).map(request).collect();
    let expected: Vec<_> = (0..60)
        .map(|index| match index % 3 {
            0 => ClaimAnswer::Refused(Refusal::Done),
            _ => ClaimAnswer::Claimed,
        })
        .collect();
    assert_eq!(subject.store.claim(&all, now).await, expected);
}

async fn transaction_commits_once(subject: &Subject, key: &str) {
    let claim = subject.request(key, "a");
    for attempt in ["first", "repeated after a lost answer"] {
        let answer = subject.commit(&claim).await;
        assert!(
            matches!(answer, CommitAnswer::Committed),
            "{attempt}: {answer:?}"
        );
    }
    let duplicate = subject.commit(&subject.request(key, "a")).await;
    assert!(
        matches!(duplicate, CommitAnswer::Refused(Refusal::Done)),
        "{duplicate:?}"
    );
    let conflict = subject.commit(&subject.request(key, "b")).await;
    assert!(
        matches!(conflict, CommitAnswer::Refused(Refusal::Conflict)),
        "{conflict:?}"
    );
    let leased = subject.request(&format!("{key}-leased"), "a");
    assert_eq!(subject.claim(&leased).await, ClaimAnswer::Claimed);
    let busy = subject
        .commit(&subject.request(&format!("{key}-leased"), "a"))
        .await;
    assert!(
        matches!(busy, CommitAnswer::Refused(Refusal::Busy { .. })),
        "{busy:?}"
    );
}

/// Runs the sequence of calls that `choices` spells out, on few keys and with a moving
/// clock, and compares every answer with the pure state machine.
///
/// # Panics
/// If an answer differs.
pub async fn dedup_store_follows_model(store: Arc<dyn DedupStore>, run: &str, choices: &[u16]) {
    let subject = Subject {
        store,
        system: Arc::new(ManualSystem::default()),
    };
    let mut model: BTreeMap<String, Record> = BTreeMap::new();
    let mut claims: Vec<Claim> = Vec::new();
    for &choice in choices {
        let (kind, detail) = (choice % 9, usize::from(choice / 9));
        let now = subject.system.now();
        let known = claims.get(detail % claims.len().max(1)).cloned();
        match (kind, known) {
            (0..=2, _) | (_, None) => {
                let data = if detail % 5 == 0 { "b" } else { "a" };
                let claim = subject.request(&format!("{run}-{}", detail % 3), data);
                let expected = Record::claim(model.get(&claim.id), &claim, now);
                let answer = subject.claim(&claim).await;
                assert_eq!(answer, claim_answer(&mut model, &claim, expected));
                claims.push(claim);
            }
            (3, _) => {
                let seconds = [1, 10, 29, 30, 3600][detail % 5];
                subject.system.advance(Duration::from_secs(seconds));
            }
            (4 | 5, Some(claim)) => {
                let expected = Record::complete(model.get(&claim.id), &claim.owner);
                let answer = subject.settle(&claim, SettleAs::Complete).await;
                assert_eq!(answer, settle_answer(&mut model, &claim, expected));
            }
            (6, Some(claim)) => {
                let current = model.get(&claim.id);
                let expected = Record::release(current, &claim.owner, 1, "did not work");
                let answer = subject.settle(&claim, release()).await;
                assert_eq!(answer, settle_answer(&mut model, &claim, expected));
            }
            (7, Some(claim)) => {
                let lease_until = now + LEASE;
                let current = model.get(&claim.id);
                let expected = Record::renew(current, &claim.owner, lease_until);
                let answer = subject
                    .settle(&claim, SettleAs::Renew { lease_until })
                    .await;
                assert_eq!(answer, settle_answer(&mut model, &claim, expected));
            }
            (_, Some(claim)) => {
                let expected = Record::claim(model.get(&claim.id), &claim, now);
                let answer = subject.claim(&claim).await;
                assert_eq!(answer, claim_answer(&mut model, &claim, expected));
            }
        }
    }
}

fn claim_answer(
    model: &mut BTreeMap<String, Record>,
    claim: &Claim,
    expected: Result<Record, Refusal>,
) -> ClaimAnswer {
    match keep(model, claim, expected) {
        Ok(()) => ClaimAnswer::Claimed,
        Err(refusal) => ClaimAnswer::Refused(refusal),
    }
}

fn settle_answer(
    model: &mut BTreeMap<String, Record>,
    claim: &Claim,
    expected: Result<Record, Refusal>,
) -> SettleAnswer {
    match keep(model, claim, expected) {
        Ok(()) => SettleAnswer::Settled,
        Err(refusal) => SettleAnswer::Refused(refusal),
    }
}

fn keep(
    model: &mut BTreeMap<String, Record>,
    claim: &Claim,
    expected: Result<Record, Refusal>,
) -> Result<(), Refusal> {
    model.insert(claim.id.clone(), expected?);
    Ok(())
}
