//! What Lambda does with the outbox's stream: brings new rows to the relay, in order, until it has taken them.
//!
//! The one thing to get wrong: what outlives the relay. What it has not answered comes again.

use std::{
    collections::VecDeque,
    sync::{MutexGuard, PoisonError},
    time::Duration,
};

use fanline_testing::sim::Handle;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::{
    aws::{Aws, OUTBOX},
    orders::{Orders, RelayOrder},
};

/// Changes of an invocation at most.
const BATCH: usize = 10;

/// How long the mapping waits for a change before it looks all the same.
const LOOK: Duration = Duration::from_secs(30);

/// Rows that are older are the sweeper's.
const SWEPT_AFTER: Duration = Duration::from_secs(5 * 60);

/// A reader's place in the stream, and what it has read and nobody has taken.
pub(super) struct Stream {
    iterator: Value,
    waiting: VecDeque<Value>,
}

impl Stream {
    /// From the beginning.
    pub(super) fn new(aws: &Aws) -> Self {
        let streams = aws.ask("ListStreams", &json!({"TableName": OUTBOX}));
        let arn = &streams["Streams"][0]["StreamArn"];
        let stream = aws.ask("DescribeStream", &json!({"StreamArn": arn}));
        let shard = &stream["StreamDescription"]["Shards"][0]["ShardId"];
        let first =
            json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
        Self {
            iterator: aws.ask("GetShardIterator", &first)["ShardIterator"].clone(),
            waiting: VecDeque::new(),
        }
    }

    fn read(&mut self, aws: &Aws) {
        let answer = aws.ask("GetRecords", &json!({"ShardIterator": self.iterator}));
        self.iterator = answer["NextShardIterator"].clone();
        let records = answer["Records"].as_array().cloned().unwrap_or_default();
        let inserts = records
            .into_iter()
            .filter(|record| record["eventName"] == "INSERT");
        self.waiting.extend(inserts);
    }

    /// Forgets what stands before the first of these failures.
    fn take(&mut self, given: usize, answer: &Value) -> bool {
        let failures = answer["batchItemFailures"].as_array();
        let failed = failures.and_then(|failures| failures.first());
        let is_failed = |record: &Value| {
            failed.is_some_and(|failed| {
                failed["itemIdentifier"] == record["dynamodb"]["SequenceNumber"]
            })
        };
        let taken = self
            .waiting
            .iter()
            .take(given)
            .position(is_failed)
            .unwrap_or(given);
        self.waiting.drain(..taken);
        taken == given
    }
}

/// One look at the stream, and the relay's invocations until nothing is left or one failed.
pub(super) async fn relay(orders: &Orders, order: RelayOrder) {
    let written = orders.0.aws.written.notified();
    let _or_looks_all_the_same = timeout(LOOK, written).await;
    match order {
        RelayOrder::PublishesFirst => {}
        #[cfg(feature = "broken")]
        RelayOrder::DeletesFirst => return delete_first(orders).await,
    }
    loop {
        let batch: Vec<Value> = {
            let mut stream = stream(orders);
            stream.read(&orders.0.aws);
            stream.waiting.iter().take(BATCH).cloned().collect()
        };
        if batch.is_empty() {
            return;
        }
        let given = batch.len();
        let answer = orders.0.relay.on_stream(json!({"Records": batch})).await;
        let answer = answer.expect("DynamoDB's own records are an event of a stream");
        if !stream(orders).take(given, &answer) {
            sleep(Duration::from_secs(1)).await;
        }
    }
}

/// One invocation of the sweeper, by its schedule.
pub(super) async fn sweep(orders: &Orders, world: &Handle) {
    let older_than = world.system("outbox-sweeper").now() - SWEPT_AFTER;
    // What is left is swept the next time.
    let _ = orders.0.sweeper.sweep(older_than).await;
}

fn stream(orders: &Orders) -> MutexGuard<'_, Stream> {
    orders
        .0
        .stream
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// What a relay must not do: what ends between the two calls has lost the rows.
#[cfg(feature = "broken")]
async fn delete_first(orders: &Orders) {
    use aws_sdk_dynamodb::types::AttributeValue;
    use fanline_aws::{Publisher, outbox::Row};

    let aws = &orders.0.aws;
    let (tables, sns) = aws.clients("outbox-relay");
    let publisher = Publisher::new(sns, aws.world.topic_arn(), "outbox");
    let Ok(found) = tables.scan().table_name(OUTBOX).send().await else {
        return;
    };
    let rows = found
        .items()
        .iter()
        .filter_map(|item| Row::from_item(item).ok());
    let mut rows: Vec<_> = rows.map(|row| row.outgoing).collect();
    rows.sort_by(|one, other| one.event_id.cmp(&other.event_id));
    for row in rows {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let delete = tables.delete_item().table_name(OUTBOX);
        let delete = delete
            .key("entity", text(&row.entity))
            .key("id", text(&row.event_id));
        if delete.send().await.is_ok() {
            let _ = publisher.send(&[row]).await;
        }
    }
}
