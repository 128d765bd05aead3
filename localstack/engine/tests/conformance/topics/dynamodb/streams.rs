//! Expiry of items, and streams of what happened to them.

use crate::case::{Case, Outcome, case};
use crate::check::{equal, some};
use crate::document::*;
use crate::fixture::{number, string};
use crate::target::Target;
use aws_sdk_dynamodb::types::{TimeToLiveSpecification, TimeToLiveStatus};
use aws_sdk_dynamodbstreams::types::{AttributeValue, OperationType, Record, ShardIteratorType};
use std::collections::HashMap;
use std::time::Duration;

/// In the past of every target, but not by the five years after which DynamoDB ignores it.
const EXPIRED: i64 = 1_700_000_000;
/// In the year 2100.
const LATER: i64 = 4_102_444_800;
const THREE_DAYS: Duration = Duration::from_secs(3 * 24 * 60 * 60);

pub(super) const CASES: &[Case] = &[
    case!(
        "ttl-described",
        "UpdateTimeToLive names the attribute with the expiry, which DescribeTimeToLive shows.",
        UPDATE_TIME_TO_LIVE,
        |target| {
            let table = expiring_table(&target).await?;
            let call = target.dynamodb.describe_time_to_live().table_name(&table);
            let described = call.send().await?.time_to_live_description;
            let described = some("the description", described)?;
            equal("attribute", described.attribute_name(), Some("expires_at"))?;
            let status = some("status", described.time_to_live_status())?;
            let is_on = matches!(
                status,
                TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling
            );
            equal(status.as_str(), is_on, true)
        }
    )
    .on_dynamodb(),
    case!(
        "ttl-expired-items-still-show",
        "An item that has expired but is not deleted yet still shows up in reads.",
        UPDATE_TIME_TO_LIVE,
        |target| {
            let table = expiring_table(&target).await?;
            let put = target.putting(&table, "1", "EXPIRED");
            put.item("expires_at", number(EXPIRED)).send().await?;
            some("the item", target.item(&table, "1").await?).map(drop)
        }
    )
    .on_dynamodb(),
    case!(
        "ttl-deletes-expired-items",
        "Items are deleted some time after they expired; others stay.",
        UPDATE_TIME_TO_LIVE,
        |target| {
            let table = expiring_table(&target).await?;
            let put = target.putting(&table, "expired", "x");
            put.item("expires_at", number(EXPIRED)).send().await?;
            let put = target.putting(&table, "later", "x");
            put.item("expires_at", number(LATER)).send().await?;
            target.putting(&table, "never", "x").send().await?;
            target.pass(THREE_DAYS).await;
            equal(
                "the expired item",
                target.item(&table, "expired").await?,
                None,
            )?;
            some("the later item", target.item(&table, "later").await?)?;
            some("the lasting item", target.item(&table, "never").await?).map(drop)
        }
    )
    .takes(THREE_DAYS.as_secs())
    .on_dynamodb()
    .open("When: AWS says typically within two days; this looks after three."),
    case!(
        "ttl-deletion-in-the-stream",
        "In the stream the removal of an expired item names DynamoDB as the one who did it.",
        STREAMS_RECORD,
        |target| {
            let table = expiring_table(&target).await?;
            let put = target.putting(&table, "1", "x");
            put.item("expires_at", number(EXPIRED)).send().await?;
            target.pass(THREE_DAYS).await;
            // The sweep may be something that only a call sets off.
            target.item(&table, "1").await?;
            let records = stream(&target, &table).await?;
            let removal = records
                .iter()
                .find(|record| record.event_name() == Some(&OperationType::Remove));
            let identity = some("the removal", removal)?.user_identity();
            let identity = some("its user identity", identity)?;
            equal("type", identity.r#type(), Some("Service"))?;
            let expected = Some("dynamodb.amazonaws.com");
            equal("principal", identity.principal_id(), expected)
        }
    )
    .takes(THREE_DAYS.as_secs())
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

/// A table whose items expire at their `expires_at`.
async fn expiring_table(target: &Target) -> Outcome<String> {
    let table = target.table().await?;
    let specification = TimeToLiveSpecification::builder().enabled(true);
    let specification = specification.attribute_name("expires_at").build()?;
    let call = target.dynamodb.update_time_to_live().table_name(&table);
    let call = call.time_to_live_specification(specification);
    call.send().await?;
    Ok(table)
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
fn status(image: Option<&HashMap<String, AttributeValue>>) -> Option<&str> {
    image?.get("status")?.as_s().ok().map(String::as_str)
}
