//! DynamoDB: guarded writes, batches of statements, transactions, expiry and streams.

use crate::case::{Case, Failure, Outcome, case};
use crate::check::{equal, refused, some};
use crate::document::*;
use crate::fixture::{Item, number, string};
use crate::target::Target;
use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, BatchStatementErrorCodeEnum, BatchStatementRequest, BatchStatementResponse,
    ConditionCheck, Put, ReturnValue, ReturnValuesOnConditionCheckFailure, TimeToLiveSpecification,
    TimeToLiveStatus, TransactWriteItem, Update,
};
use aws_sdk_dynamodbstreams::types::{
    AttributeValue as Value, OperationType, Record, ShardIteratorType,
};
use std::collections::HashMap;

pub(super) const CASES: &[Case] = &[
    case!(
        "item-round-trip",
        "An item put is the item got; putting again replaces it as a whole.",
        PUT_ITEM,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "1", "NEW").item("more", number(1)).send().await?;
            target.putting(&table, "1", "DONE").send().await?;
            let item = some("the item", target.item(&table, "1").await?)?;
            let expected: Item =
                [("id".into(), string("1")), ("status".into(), string("DONE"))].into();
            equal("the item", item, expected)
        }
    )
    .on_dynamodb(),
    case!(
        "put-if-absent",
        "attribute_not_exists on the key keeps a put from replacing an item.",
        PUT_ITEM,
        |target| {
            let table = target.table().await?;
            let put = |status: &str| {
                let call = target.putting(&table, "1", status);
                call.condition_expression("attribute_not_exists(id)").send()
            };
            put("FIRST").await?;
            refused(put("SECOND").await, "ConditionalCheckFailedException")?;
            equal("status", target.status(&table, "1").await?, string("FIRST"))
        }
    )
    .on_dynamodb(),
    case!(
        "put-shows-what-was-in-the-way",
        "ReturnValuesOnConditionCheckFailure ALL_OLD shows the item that failed the condition.",
        PUT_ITEM,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "1", "FIRST").send().await?;
            let call = target.putting(&table, "1", "SECOND");
            let call = call.condition_expression("attribute_not_exists(id)");
            let show = ReturnValuesOnConditionCheckFailure::AllOld;
            let answer = call.return_values_on_condition_check_failure(show).send().await;
            let error = some("the refusal", answer.err())?.into_service_error();
            let found = match error {
                aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failed) => failed.item,
                other => return Err(Failure(format!("refused with {other}"))),
            };
            equal("status", status_of(found.as_ref()), Some(&string("FIRST")))
        }
    )
    .on_dynamodb(),
    case!(
        "update-conditional",
        "An update with a condition that does not hold changes nothing.",
        UPDATE_ITEM,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "1", "LEASED").send().await?;
            let update = |expected: &str| {
                let call = target.dynamodb.update_item().table_name(&table);
                let call = call.key("id", string("1")).update_expression("SET #s = :new");
                let call = call.condition_expression("#s = :old");
                let call = call.expression_attribute_names("#s", "status");
                let call = call.expression_attribute_values(":new", string("DONE"));
                call.expression_attribute_values(":old", string(expected)).send()
            };
            refused(update("EXPIRED").await, "ConditionalCheckFailedException")?;
            equal("status", target.status(&table, "1").await?, string("LEASED"))?;
            update("LEASED").await?;
            equal("status", target.status(&table, "1").await?, string("DONE"))
        }
    )
    .on_dynamodb(),
    case!(
        "update-counter",
        "ADD starts at zero and returns the new value when asked.",
        UPDATE_ITEM,
        |target| {
            let table = target.table().await?;
            for expected in [2, 4] {
                let call = target.dynamodb.update_item().table_name(&table);
                let call = call.key("id", string("1")).update_expression("ADD hits :n");
                let call = call.expression_attribute_values(":n", number(2));
                let answer = call.return_values(ReturnValue::UpdatedNew).send().await?;
                let found = answer.attributes.unwrap_or_default().remove("hits");
                equal("hits", found, Some(number(expected)))?;
            }
            Ok(())
        }
    )
    .on_dynamodb(),
    case!(
        "delete-conditional",
        "A delete with a condition that does not hold deletes nothing.",
        DELETE_ITEM,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "1", "LEASED").send().await?;
            let delete = |expected: &str| {
                let call = target.dynamodb.delete_item().table_name(&table);
                let call = call.key("id", string("1")).condition_expression("#s = :old");
                let call = call.expression_attribute_names("#s", "status");
                call.expression_attribute_values(":old", string(expected)).send()
            };
            refused(delete("DONE").await, "ConditionalCheckFailedException")?;
            delete("LEASED").await?;
            equal("the item", target.item(&table, "1").await?, None)
        }
    )
    .on_dynamodb(),
    case!(
        "table-unknown",
        "A call on a table that does not exist answers ResourceNotFoundException.",
        PUT_ITEM,
        |target| {
            let put = target.putting(&target.name("none"), "1", "NEW").send().await;
            refused(put, "ResourceNotFoundException")
        }
    )
    .on_dynamodb(),
    case!(
        "statements-fail-one-by-one",
        "BatchExecuteStatement succeeds as a whole and reports errors statement by statement.",
        BATCH_EXECUTE_STATEMENT,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "a", "DONE").send().await?;
            let answers = run(&target, [insert(&table, "a")?, insert(&table, "b")?]).await?;
            equal("a", code(&answers[0]), Some(BatchStatementErrorCodeEnum::DuplicateItem))?;
            equal("b", code(&answers[1]), None)?;
            equal("status of a", target.status(&table, "a").await?, string("DONE"))?;
            equal("status of b", target.status(&table, "b").await?, string("LEASED"))
        }
    )
    .on_dynamodb(),
    case!(
        "statement-condition",
        "An UPDATE whose WHERE does not hold fails with ConditionalCheckFailed and changes nothing.",
        BATCH_STATEMENT_ERROR,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "a", "DONE").send().await?;
            let answers = run(&target, [take_over(&table, "a")?]).await?;
            let expected = Some(BatchStatementErrorCodeEnum::ConditionalCheckFailed);
            equal("the code", code(&answers[0]), expected)?;
            equal("status", target.status(&table, "a").await?, string("DONE"))
        }
    )
    .on_dynamodb(),
    case!(
        "statement-shows-what-was-in-the-way",
        "With ALL_OLD the error of a statement carries the item that failed its condition.",
        BATCH_STATEMENT_ERROR,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "a", "DONE").send().await?;
            let answers = run(&target, [take_over(&table, "a")?]).await?;
            let error = some("the error", answers[0].error())?;
            equal("status", status_of(error.item()), Some(&string("DONE")))
        }
    )
    .on_dynamodb(),
    case!(
        "statements-are-not-mixed",
        "A batch of statements consists of reads or of writes, never both.",
        BATCH_EXECUTE_STATEMENT,
        |target| {
            let table = target.table().await?;
            let select = format!("SELECT * FROM \"{table}\" WHERE id = ?");
            let select = BatchStatementRequest::builder().statement(select);
            let select = select.parameters(string("a")).build()?;
            let call = target.dynamodb.batch_execute_statement();
            let answer = call.statements(insert(&table, "a")?).statements(select).send().await;
            refused(answer, "ValidationException")
        }
    )
    .on_dynamodb(),
    case!(
        "statements-at-most-25",
        "A batch has up to 25 statements.",
        BATCH_EXECUTE_STATEMENT,
        |target| {
            let table = target.table().await?;
            let batch = |count: usize| {
                let all = (0..count).map(|n| insert(&table, &n.to_string()));
                all.collect::<Outcome<Vec<_>>>()
            };
            let call = target.dynamodb.batch_execute_statement();
            call.set_statements(Some(batch(25)?)).send().await?;
            let call = target.dynamodb.batch_execute_statement();
            let answer = call.set_statements(Some(batch(26)?)).send().await;
            refused(answer, "ValidationException")
        }
    )
    .on_dynamodb(),
    case!(
        "transaction-all-or-nothing",
        "A transaction with a condition that does not hold changes nothing, and says which failed.",
        TRANSACT_WRITE_ITEMS,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "taken", "DONE").send().await?;
            let call = target.dynamodb.transact_write_items();
            let call = call.transact_items(put_if_absent(&table, "free")?);
            let answer = call.transact_items(put_if_absent(&table, "taken")?).send().await;
            equal("the reasons", reasons(answer.err())?, vec!["None", "ConditionalCheckFailed"])?;
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
            let check = ConditionCheck::builder().table_name(&table).key("id", string("lease"));
            let check = check.condition_expression("#s = :mine");
            let check = check.expression_attribute_names("#s", "status");
            let check = check.expression_attribute_values(":mine", string("MINE")).build()?;
            let update = Update::builder().table_name(&table).key("id", string("count"));
            let update = update.update_expression("ADD hits :n");
            let update = update.expression_attribute_values(":n", number(1)).build()?;
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
            let answer = call.transact_items(put_if_absent(&table, "1")?).send().await;
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
    case!(
        "ttl-described",
        "UpdateTimeToLive names the attribute with the expiry, which DescribeTimeToLive shows.",
        UPDATE_TIME_TO_LIVE,
        |target| {
            let table = target.table().await?;
            let specification = TimeToLiveSpecification::builder().enabled(true);
            let specification = specification.attribute_name("expires_at").build()?;
            let call = target.dynamodb.update_time_to_live().table_name(&table);
            call.time_to_live_specification(specification).send().await?;
            let call = target.dynamodb.describe_time_to_live().table_name(&table);
            let described = call.send().await?.time_to_live_description;
            let described = some("the description", described)?;
            equal("attribute", described.attribute_name(), Some("expires_at"))?;
            let status = some("status", described.time_to_live_status())?;
            let is_on = matches!(status, TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling);
            equal(status.as_str(), is_on, true)
        }
    )
    .on_dynamodb(),
    case!(
        "stream-of-changes",
        "A stream of new and old images records inserts, changes and removals in order.",
        STREAM_RECORD,
        |target| {
            let table = target.table().await?;
            target.putting(&table, "1", "NEW").send().await?;
            target.putting(&table, "1", "DONE").send().await?;
            let call = target.dynamodb.delete_item().table_name(&table);
            call.key("id", string("1")).send().await?;
            let records = stream(&target, &table).await?;
            let seen: Vec<_> = records
                .iter()
                .map(|record| {
                    let change = record.dynamodb();
                    (
                        record.event_name().map_or("", OperationType::as_str),
                        status(change.and_then(|change| change.old_image())),
                        status(change.and_then(|change| change.new_image())),
                    )
                })
                .collect();
            let expected = vec![
                ("INSERT", None, Some("NEW")),
                ("MODIFY", Some("NEW"), Some("DONE")),
                ("REMOVE", Some("DONE"), None),
            ];
            equal("the records", seen, expected)
        }
    )
    .on_dynamodb(),
    case!(
        "stream-only-of-changes",
        "A write that changes nothing leaves no record in the stream.",
        STREAMS,
        |target| {
            let table = target.table().await?;
            for _ in 0..2 {
                target.putting(&table, "1", "SAME").send().await?;
            }
            equal("records", stream(&target, &table).await?.len(), 1)
        }
    )
    .on_dynamodb(),
];

fn insert(table: &str, id: &str) -> Outcome<BatchStatementRequest> {
    let statement = format!("INSERT INTO \"{table}\" VALUE {{'id': ?, 'status': 'LEASED'}}");
    let statement = BatchStatementRequest::builder().statement(statement);
    Ok(statement.parameters(string(id)).build()?)
}

/// Takes over an item that has expired, as dedup records are taken over.
fn take_over(table: &str, id: &str) -> Outcome<BatchStatementRequest> {
    let statement =
        format!("UPDATE \"{table}\" SET status = 'LEASED' WHERE id = ? AND status = 'EXPIRED'");
    let statement = BatchStatementRequest::builder().statement(statement);
    let show = ReturnValuesOnConditionCheckFailure::AllOld;
    let statement = statement.return_values_on_condition_check_failure(show);
    Ok(statement.parameters(string(id)).build()?)
}

async fn run<const COUNT: usize>(
    target: &Target,
    statements: [BatchStatementRequest; COUNT],
) -> Outcome<Vec<BatchStatementResponse>> {
    let call = target.dynamodb.batch_execute_statement();
    let answer = call.set_statements(Some(statements.into())).send().await?;
    let answers = answer.responses.unwrap_or_default();
    equal("answers", answers.len(), COUNT)?;
    Ok(answers)
}

fn code(answer: &BatchStatementResponse) -> Option<BatchStatementErrorCodeEnum> {
    answer.error()?.code().cloned()
}

fn status_of(item: Option<&Item>) -> Option<&AttributeValue> {
    item?.get("status")
}

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

/// All records of a table's stream.
async fn stream(target: &Target, table: &str) -> Outcome<Vec<Record>> {
    let describe = target.dynamodb.describe_table().table_name(table);
    let described = describe.send().await?.table;
    let arn = described.and_then(|table| table.latest_stream_arn);
    let arn = some("LatestStreamArn", arn)?;
    let describe = target.streams.describe_stream().stream_arn(&arn);
    let described = some("the stream", describe.send().await?.stream_description)?;
    let shard = described.shards.unwrap_or_default().into_iter().next();
    let shard = some("its shard", shard.and_then(|shard| shard.shard_id))?;
    let iterator = target.streams.get_shard_iterator();
    let iterator = iterator
        .stream_arn(arn)
        .shard_id(shard)
        .shard_iterator_type(ShardIteratorType::TrimHorizon);
    let iterator = iterator.send().await?.shard_iterator;
    let read = target.streams.get_records().set_shard_iterator(iterator);
    Ok(read.send().await?.records.unwrap_or_default())
}

/// What a record says of the `status` in one of its images.
fn status(image: Option<&HashMap<String, Value>>) -> Option<&str> {
    image?.get("status")?.as_s().ok().map(String::as_str)
}
