//! Transactions: all or nothing.

use crate::case::{Case, Failure, Outcome, case};
use crate::check::{equal, refused, some};
use crate::document::*;
use crate::fixture::{number, string};
use crate::target::Target;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{ConditionCheck, Put, TransactWriteItem, Update};

pub(super) const CASES: &[Case] = &[
    case!(
        "transaction-all-or-nothing",
        "A transaction with a condition that does not hold changes nothing, and says which failed.",
        TRANSACT_WRITE_ITEMS,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "taken", "DONE").send().await?;
            let call = target.dynamodb.transact_write_items();
            let call = call.transact_items(put_if_absent(&table, "free")?);
            let answer = call
                .transact_items(put_if_absent(&table, "taken")?)
                .send()
                .await;
            equal(
                "the reasons",
                reasons(answer.err())?,
                vec!["None", "ConditionalCheckFailed"],
            )?;
            equal("the other item", target.item(&table, "free").await?, None)
        }
    )
    .on_dynamodb(),
    case!(
        "transaction-of-several-kinds",
        "A transaction puts, updates and checks items at once.",
        TRANSACT_WRITE_ITEMS,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "lease", "MINE").send().await?;
            let check = ConditionCheck::builder()
                .table_name(&table)
                .key("id", string("lease"));
            let check = check.condition_expression("#s = :mine");
            let check = check.expression_attribute_names("#s", "status");
            let check = check
                .expression_attribute_values(":mine", string("MINE"))
                .build()?;
            let update = Update::builder()
                .table_name(&table)
                .key("id", string("count"));
            let update = update.update_expression("ADD hits :n");
            let update = update
                .expression_attribute_values(":n", number(1))
                .build()?;
            let call = target.dynamodb.transact_write_items();
            call.transact_items(TransactWriteItem::builder().condition_check(check).build())
                .transact_items(TransactWriteItem::builder().update(update).build())
                .transact_items(put_if_absent(&table, "new")?)
                .send()
                .await?;
            let count = some("the count", target.item(&table, "count").await?)?;
            equal("hits", count.get("hits"), Some(&number(1)))?;
            some("the new item", target.item(&table, "new").await?).map(drop)
        }
    )
    .on_dynamodb(),
    case!(
        "transaction-one-item-once",
        "No two actions of a transaction can target one item.",
        TRANSACT_WRITE_ITEMS,
        |target| {
            let table = target.table().await?;
            let call = target.dynamodb.transact_write_items();
            let call = call.transact_items(put_if_absent(&table, "1")?);
            let answer = call
                .transact_items(put_if_absent(&table, "1")?)
                .send()
                .await;
            refused(answer, "ValidationException")
        }
    )
    .on_dynamodb(),
    case!(
        "transaction-token-is-idempotent",
        "A transaction repeated with its ClientRequestToken has the effect of one.",
        TRANSACT_WRITE_ITEMS,
        |target| {
            let table = target.table().await?;
            for _ in 0..2 {
                transact_count(&target, &table, "token-1", 1).await?;
            }
            let count = some("the count", target.item(&table, "count").await?)?;
            equal("hits", count.get("hits"), Some(&number(1)))
        }
    )
    .on_dynamodb(),
    case!(
        "transaction-token-with-other-parameters",
        "A ClientRequestToken used with other parameters is refused.",
        TRANSACT_WRITE_ITEMS,
        |target| {
            let table = target.table().await?;
            transact_count(&target, &table, "token-1", 1).await?;
            let again = transact_count(&target, &table, "token-1", 2).await;
            refused(again, "IdempotentParameterMismatchException")
        }
    )
    .on_dynamodb(),
];

fn put_if_absent(table: &str, id: &str) -> Outcome<TransactWriteItem> {
    let put = Put::builder().table_name(table).item("id", string(id));
    let put = put
        .condition_expression("attribute_not_exists(id)")
        .build()?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// Adds to a counter in a transaction with a token.
async fn transact_count(
    target: &Target,
    table: &str,
    token: &str,
    by: i64,
) -> Result<(), SdkError<TransactWriteItemsError>> {
    let update = Update::builder()
        .table_name(table)
        .key("id", string("count"));
    let update = update.update_expression("ADD hits :n");
    let update = update.expression_attribute_values(":n", number(by)).build();
    let update = update.map_err(SdkError::construction_failure)?;
    let call = target
        .dynamodb
        .transact_write_items()
        .client_request_token(token);
    let item = TransactWriteItem::builder().update(update).build();
    call.transact_items(item).send().await.map(drop)
}

/// Why each action of a transaction was cancelled.
fn reasons(error: Option<SdkError<TransactWriteItemsError>>) -> Outcome<Vec<String>> {
    match some("the refusal", error)?.into_service_error() {
        TransactWriteItemsError::TransactionCanceledException(cancelled) => {
            let reasons = cancelled.cancellation_reasons.unwrap_or_default();
            Ok(reasons
                .into_iter()
                .filter_map(|reason| reason.code)
                .collect())
        }
        other => Err(Failure(format!("refused with {other}"))),
    }
}
