//! Effectively-once: a handler's writes commit together with the dedup record, or not at all.
//!
//! The handler may run more than once; its writes happen once. What could be got wrong is an
//! effect outside the transaction: a mail, an HTTP call, a direct write. Those need the lease.

use std::{
    any::Any,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        CancellationReason, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure,
        TransactWriteItem, Update,
    },
};
use fanline::{
    Delivery, Extract, Failure, System, Timestamp,
    dedup::{Claim, CommitAnswer, Record, Status, Transaction},
};
use futures_util::future::BoxFuture;

use super::item::{self, LEASED, milliseconds, seconds, text};
use crate::describe;

/// Actions in one TransactWriteItems (DynamoDB API reference).
const MOST_ACTIONS: usize = 100;

/// Longest pause between two tries when the transaction meets another one on the same item. Tries
/// go on until the invocation's deadline, which drops them.
const LONGEST_PAUSE: u64 = 500;

/// What no retry of this transaction can mend: a fault of the handler or of the deployment.
const FAULTS: [&str; 3] = [
    "ValidationException",
    "ResourceNotFoundException",
    "AccessDeniedException",
];

/// Why the record stands against a commit: the negation of `Record::claim`'s success.
const NOT_DONE: &str = "attribute_not_exists(id) OR expires_at <= :seconds \
     OR (#status = :leased AND lease_until <= :milliseconds)";

/// The writes of a handler that is effectively once.
///
/// A handler that takes `Tx` runs without a lease. What it adds is committed with the dedup
/// record in one TransactWriteItems after it returned `Ok`: one call per message, and twice
/// the write units of plain writes. At most 99 writes, 4 MB, one per item.
///
/// ```no_run
/// use aws_sdk_dynamodb::types::{AttributeValue, Update};
/// use fanline::{Envelope, Failure};
/// use fanline_aws::Tx;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)] struct SignedUp {}
/// # impl fanline::Event for SignedUp { const TYPE: &'static str = "user.signed_up"; }
///
/// async fn count(event: Envelope<SignedUp>, tx: Tx) -> Result<(), Failure> {
///     let update = Update::builder()
///         .table_name("signup-counts")
///         .key("minute", AttributeValue::S("2026-02-14T10:30Z".into()))
///         .update_expression("ADD signups :one")
///         .expression_attribute_values(":one", AttributeValue::N("1".into()))
///         .build()?;
///     tx.update(update);
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Tx {
    transaction: Arc<DynamoTransaction>,
}

impl fmt::Debug for Tx {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Tx({} writes)", self.transaction.lock().len())
    }
}

impl Tx {
    /// Adds an Update.
    pub fn update(&self, update: Update) {
        self.write(TransactWriteItem::builder().update(update).build());
    }

    /// Adds a Put.
    pub fn put(&self, put: Put) {
        self.write(TransactWriteItem::builder().put(put).build());
    }

    /// Adds a Delete.
    pub fn delete(&self, delete: Delete) {
        self.write(TransactWriteItem::builder().delete(delete).build());
    }

    /// Adds a condition on an item that is not written.
    pub fn condition_check(&self, check: ConditionCheck) {
        self.write(TransactWriteItem::builder().condition_check(check).build());
    }

    fn write(&self, write: TransactWriteItem) {
        self.transaction.lock().push(write);
    }
}

impl<S> Extract<S> for Tx {
    const TRANSACTIONAL: bool = true;

    fn extract(_: &S, delivery: &Delivery) -> Result<Self, Failure> {
        let transaction = delivery.transaction().cloned();
        let ours = transaction.and_then(|it| it.as_any().downcast::<DynamoTransaction>().ok());
        match ours {
            Some(transaction) => Ok(Self { transaction }),
            None => Err(Failure::reject("Tx needs the DynamoDB dedup store")),
        }
    }
}

/// One message's transaction on DynamoDB.
pub struct DynamoTransaction {
    client: Client,
    table: Arc<str>,
    system: Arc<dyn System>,
    writes: Mutex<Vec<TransactWriteItem>>,
}

impl DynamoTransaction {
    pub(super) fn new(client: Client, table: Arc<str>, system: Arc<dyn System>) -> Self {
        Self {
            client,
            table,
            system,
            writes: Mutex::default(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<TransactWriteItem>> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn commit_writes(&self, claim: &Claim, now: Timestamp) -> CommitAnswer {
        let writes = std::mem::take(&mut *self.lock());
        if writes.len() >= MOST_ACTIONS {
            return CommitAnswer::Failed(Failure::reject(format!(
                "transaction has {} writes; DynamoDB takes {MOST_ACTIONS} with the dedup record: split the event or write less",
                writes.len()
            )));
        }
        let record = match self.dedup_record(claim, now) {
            Ok(put) => TransactWriteItem::builder().put(put).build(),
            Err(reason) => return CommitAnswer::Unavailable(reason),
        };
        let actions: Vec<_> = std::iter::once(record).chain(writes).collect();
        let (mut attempt, mut cancelled) = (0, 0);
        loop {
            let token = token(&claim.owner, cancelled);
            let verdict = match self.send(actions.clone(), token).await {
                Ok(()) => return CommitAnswer::Committed,
                Err(error) => verdict(&error, claim, now),
            };
            match verdict {
                Verdict::Final(answer) => return answer,
                Verdict::Cancelled => cancelled += 1,
                Verdict::InProgress => {}
            }
            attempt += 1;
            tokio::time::sleep(pause(self.system.as_ref(), attempt)).await;
        }
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

/// The token makes the SDK's retry after a lost answer the same transaction (for 10 minutes). One
/// that was cancelled is over; the next try is another. 36 characters are allowed.
fn token(owner: &str, cancelled: u32) -> String {
    format!("{owner}{:04}", cancelled % 10_000)
}

enum Verdict {
    Final(CommitAnswer),
    /// Another transaction was in the way.
    Cancelled,
    /// The same transaction is still running.
    InProgress,
}

fn verdict(error: &SdkError<TransactWriteItemsError>, claim: &Claim, now: Timestamp) -> Verdict {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
            by_reasons(canceled.cancellation_reasons(), claim, now)
        }
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => Verdict::InProgress,
        service => {
            let code = service.and_then(ProvideErrorMetadata::code);
            let reason = describe(error);
            Verdict::Final(match code.is_some_and(|code| FAULTS.contains(&code)) {
                true => {
                    CommitAnswer::Failed(Failure::retry(format!("transaction refused: {reason}")))
                }
                false => CommitAnswer::Unavailable(reason),
            })
        }
    }
}

/// Reasons stand in the order of the actions; the first action is the dedup record.
fn by_reasons(reasons: &[CancellationReason], claim: &Claim, now: Timestamp) -> Verdict {
    let code = |reason: &CancellationReason| reason.code.clone().unwrap_or_default();
    if let Some(item) = reasons.first().and_then(|reason| reason.item.as_ref()) {
        return Verdict::Final(against(item, claim, now));
    }
    let described: Vec<String> = reasons
        .iter()
        .enumerate()
        .filter(|(_, reason)| !matches!(code(reason).as_str(), "" | "None"))
        .map(|(index, reason)| {
            let message = reason.message.as_deref().unwrap_or_default();
            format!("write {index}: {}: {message}", code(reason))
        })
        .collect();
    let described = format!("transaction cancelled: {}", described.join("; "));
    let transient = [
        "TransactionConflict",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
    ];
    let is_final = |reason: &CancellationReason| {
        let code = code(reason);
        !matches!(code.as_str(), "" | "None") && !transient.contains(&code.as_str())
    };
    match reasons.iter().any(is_final) {
        true => Verdict::Final(CommitAnswer::Failed(Failure::retry(described))),
        false => Verdict::Cancelled,
    }
}

fn against(item: &item::Item, claim: &Claim, now: Timestamp) -> CommitAnswer {
    let record = match item::record(item) {
        Ok(record) => record,
        Err(problem) => return CommitAnswer::Unavailable(problem),
    };
    match Record::commit(Some(&record), claim, now) {
        Err(refusal) => CommitAnswer::Refused(refusal),
        // One's own, whose first answer was lost.
        Ok(_) if record.owner == claim.owner && record.status == Status::Done => {
            CommitAnswer::Committed
        }
        Ok(_) => CommitAnswer::Unavailable("the dedup record lapsed during the call".to_owned()),
    }
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
