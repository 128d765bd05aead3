//! Expiry of items, and streams of what happened to them.

use crate::case::{Case, Outcome, case};
use crate::check::{equal, some};
use crate::document::*;
use crate::fixture::string;
use crate::target::Target;
use aws_sdk_dynamodb::types::{TimeToLiveSpecification, TimeToLiveStatus};
use serde_json::json;

pub(super) const CASES: &[Case] = &[
    case!(
        "ttl-described",
        "UpdateTimeToLive names the attribute with the expiry, which DescribeTimeToLive shows.",
        UPDATE_TIME_TO_LIVE,
        |target| {
            let table = target.table().await?;
            let specification = TimeToLiveSpecification::builder().enabled(true);
            let specification = specification.attribute_name("expires_at").build()?;
            let call = target.dynamodb.update_time_to_live().table_name(&table);
            call.time_to_live_specification(specification)
                .send()
                .await?;
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
                    let images = &record["dynamodb"];
                    (
                        record["eventName"].as_str().unwrap_or_default(),
                        images["OldImage"]["status"]["S"].as_str(),
                        images["NewImage"]["status"]["S"].as_str(),
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

/// All records of a table's stream. DynamoDB Streams has an SDK of its own, which four
/// calls do not justify; these are the calls it would make.
async fn stream(target: &Target, table: &str) -> Outcome<Vec<serde_json::Value>> {
    let described = target
        .dynamodb
        .describe_table()
        .table_name(table)
        .send()
        .await?;
    let arn = described.table.and_then(|table| table.latest_stream_arn);
    let arn = some("LatestStreamArn", arn)?;
    let call = async |operation: &str, body: serde_json::Value| {
        target
            .json(&format!("DynamoDBStreams_20120810.{operation}"), body)
            .await
    };
    let described = call("DescribeStream", json!({"StreamArn": arn})).await?;
    let shard = &described["StreamDescription"]["Shards"][0]["ShardId"];
    let from = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = call("GetShardIterator", from).await?;
    let read = json!({"ShardIterator": iterator["ShardIterator"]});
    let records = call("GetRecords", read).await?;
    Ok(records["Records"].as_array().cloned().unwrap_or_default())
}
