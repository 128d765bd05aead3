//! Effectively-once: a handler's writes commit together with the dedup record, or not at all.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};
use fanline::{
    Failure, System, Timestamp,
    dedup::{Claim, CommitAnswer, Transaction},
};
use futures_util::future::BoxFuture;

use super::{
    item::{self, Item, LEASED, milliseconds, seconds, text},
    sequence::{self, Guard, Sequence},
    size::size,
    verdict::{Verdict, verdict},
};

/// Actions in one TransactWriteItems, and their bytes (DynamoDB API reference).
const MOST_ACTIONS: usize = 100;
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Longest pause between two tries of a transaction that met another one on the same item.
const LONGEST_PAUSE: u64 = 500;

/// For so long it is tried; a busy counter would otherwise use up receives.
const LONGEST_CONTENTION: Duration = Duration::from_secs(30);

/// Why the record stands against a commit: the negation of `Record::claim`'s success.
const NOT_DONE: &str = "attribute_not_exists(id) OR expires_at <= :seconds \
     OR (#status = :leased AND lease_until <= :milliseconds)";

/// One message's transaction on DynamoDB.
pub struct DynamoTransaction {
    client: Client,
    table: Arc<str>,
    system: Arc<dyn System>,
    writes: Mutex<Vec<Planned>>,
    guard: Mutex<Option<Guard>>,
}

/// A write with what it means that its condition is false.
pub(super) struct Planned {
    pub(super) action: TransactWriteItem,
    pub(super) on_refusal: OnRefusal,
}

pub(super) enum OnRefusal {
    /// By the retry plan.
    Retry,
    /// The handler says, given the item.
    Ask(Box<dyn FnOnce(Option<Item>) -> Failure + Send>),
}

impl DynamoTransaction {
    pub(super) fn new(client: Client, table: Arc<str>, system: Arc<dyn System>) -> Self {
        Self {
            client,
            table,
            system,
            writes: Mutex::default(),
            guard: Mutex::default(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Planned>> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The place of the write among all.
    pub(super) fn add(&self, action: TransactWriteItem) -> usize {
        let mut writes = self.lock();
        writes.push(Planned {
            action,
            on_refusal: OnRefusal::Retry,
        });
        writes.len() - 1
    }

    pub(super) fn in_sequence(&self, sequence: Sequence, attempt: u32) {
        let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        *guard = Some(Guard::new(sequence, attempt));
    }

    fn take_guard(&self) -> Option<Guard> {
        let mut guard = self.guard.lock().unwrap_or_else(PoisonError::into_inner);
        guard.take()
    }

    async fn commit_writes(&self, claim: &Claim, now: Timestamp) -> CommitAnswer {
        let mut writes = std::mem::take(&mut *self.lock());
        let mut guard = self.take_guard();
        if let Some(reason) = misfit(&writes, guard.is_some()) {
            return CommitAnswer::Failed(Failure::reject(reason));
        }
        let (mut attempt, mut cancelled) = (0, 0);
        loop {
            let actions = match self.actions(claim, now, &writes, guard.as_ref()) {
                Ok(actions) => actions,
                Err(reason) => return CommitAnswer::Unavailable(reason),
            };
            let token = token(&claim.owner, cancelled);
            let verdict = match self.send(actions, token).await {
                Ok(()) => return CommitAnswer::Committed,
                Err(error) => verdict(&error, claim, now),
            };
            cancelled += 1;
            let given_up = match verdict {
                Verdict::Final(answer) => return answer,
                Verdict::ConditionFalse { write, item } if write < writes.len() => {
                    return refused(writes.swap_remove(write), write, item);
                }
                // The guard stands behind all writes.
                Verdict::ConditionFalse { item, .. } => match guard.take() {
                    None => return CommitAnswer::Unavailable(UNKNOWN_WRITE.to_owned()),
                    Some(refused) => match refused.refused(item.as_ref()) {
                        sequence::Verdict::Final(answer) => return answer,
                        sequence::Verdict::Again(passes) => {
                            guard = Some(passes);
                            continue;
                        }
                    },
                },
                Verdict::InProgress => {
                    // The same transaction; another token would make another one.
                    cancelled -= 1;
                    CommitAnswer::Unavailable("the transaction does not end".to_owned())
                }
                Verdict::Contention => CommitAnswer::Failed(Failure::retry(
                    "other transactions wrote the same items all the time",
                )),
                Verdict::Throttled(reason) => CommitAnswer::Unavailable(reason),
            };
            let until = now.checked_add(LONGEST_CONTENTION);
            if until.is_ok_and(|until| self.system.now() >= until) {
                return given_up;
            }
            attempt += 1;
            tokio::time::sleep(pause(self.system.as_ref(), attempt)).await;
        }
    }

    /// The dedup record, the handler's writes, the guard.
    fn actions(
        &self,
        claim: &Claim,
        now: Timestamp,
        writes: &[Planned],
        guard: Option<&Guard>,
    ) -> Result<Vec<TransactWriteItem>, String> {
        let record = self.dedup_record(claim, now)?;
        let mut actions = vec![TransactWriteItem::builder().put(record).build()];
        actions.extend(writes.iter().map(|write| write.action.clone()));
        if let Some(guard) = guard {
            let update = guard.update(&self.table, claim)?;
            actions.push(TransactWriteItem::builder().update(update).build());
        }
        Ok(actions)
    }

    fn dedup_record(&self, claim: &Claim, now: Timestamp) -> Result<Put, String> {
        Put::builder()
            .table_name(self.table.as_ref())
            .set_item(Some(item::done(claim)))
            .condition_expression(NOT_DONE)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":leased", text(LEASED))
            .expression_attribute_values(":seconds", seconds(now))
            .expression_attribute_values(":milliseconds", milliseconds(now))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|error| error.to_string())
    }

    async fn send(
        &self,
        actions: Vec<TransactWriteItem>,
        token: String,
    ) -> Result<(), SdkError<TransactWriteItemsError>> {
        self.client
            .transact_write_items()
            .set_transact_items(Some(actions))
            .client_request_token(token)
            .send()
            .await
            .map(drop)
    }
}

const UNKNOWN_WRITE: &str = "DynamoDB refused a write that the transaction does not have";

/// Why it cannot be sent at all.
fn misfit(writes: &[Planned], is_guarded: bool) -> Option<String> {
    let most = MOST_ACTIONS - 1 - usize::from(is_guarded);
    if writes.len() > most {
        return Some(format!(
            "transaction has {} writes; DynamoDB takes {most} beside the dedup record: split the event or write less",
            writes.len()
        ));
    }
    let bytes: usize = writes.iter().map(|write| size(&write.action)).sum();
    (bytes > MOST_BYTES).then(|| {
        format!("transaction has {bytes} bytes; DynamoDB takes {MOST_BYTES}: split the event or write less")
    })
}

fn refused(write: Planned, index: usize, item: Option<Item>) -> CommitAnswer {
    CommitAnswer::Failed(match write.on_refusal {
        // The application's code, outside the handler's own panic capture.
        OnRefusal::Ask(failure) => catch_unwind(AssertUnwindSafe(|| failure(item)))
            .unwrap_or_else(|_| Failure::retry("deciding about a false condition panicked")),
        OnRefusal::Retry => Failure::retry(format!(
            "transaction cancelled: the condition of write {index} is false"
        )),
    })
}

/// The token makes the SDK's retry after a lost answer the same transaction (for 10 minutes). One
/// that was cancelled is over; the next try is another. 36 characters are allowed.
fn token(owner: &str, cancelled: u32) -> String {
    format!("{owner}{:04}", cancelled % 10_000)
}

/// Up to 20 ms, doubling, fully jittered: a transaction takes some 10 ms.
fn pause(system: &dyn System, attempt: u32) -> Duration {
    let most = (20_u64 << attempt.min(10)).min(LONGEST_PAUSE);
    Duration::from_millis((system.random() % u128::from(most)) as u64)
}

impl Transaction for DynamoTransaction {
    fn commit<'a>(&'a self, claim: &'a Claim, now: Timestamp) -> BoxFuture<'a, CommitAnswer> {
        Box::pin(self.commit_writes(claim, now))
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
