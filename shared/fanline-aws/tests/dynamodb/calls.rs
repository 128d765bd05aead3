//! What a batch costs, counted where requests go onto the wire.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::{AttributeValue, Update};
use fanline::{Batch, Envelope, Event, Failure, Message, NoQueue, Processor, System, Worker};
use fanline_aws::{DynamoStore, RealSystem, Tx};
use fanline_testing::{envelope, message};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::table::Table;

#[derive(Serialize, Deserialize)]
struct SignedUp {
    ok: bool,
}

impl Event for SignedUp {
    const TYPE: &'static str = "user.signed_up";
}

async fn handler(event: Envelope<SignedUp>) -> Result<(), Failure> {
    match event.data.ok {
        true => Ok(()),
        false => Err(Failure::retry("did not work")),
    }
}

async fn count(_: Envelope<SignedUp>, tx: Tx) -> Result<(), Failure> {
    let update = Update::builder()
        .table_name("counts")
        .key("minute", AttributeValue::S("now".to_owned()))
        .update_expression("ADD signups :one")
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
    tx.update(update.build()?);
    Ok(())
}

fn batch(ids: impl IntoIterator<Item = usize>, ok: bool) -> Batch {
    let to_message = |id: usize| -> Message {
        let event = envelope(SignedUp::TYPE, &format!("e-{id}"), json!({"ok": ok}));
        message(&format!("m-{id}"), event)
    };
    Batch {
        messages: ids.into_iter().map(to_message).collect(),
        ..Batch::default()
    }
}

pub(crate) async fn process(processor: &Processor, batch: Batch) -> Vec<&'static str> {
    let deadline = RealSystem.now() + Duration::from_secs(30);
    let report = processor.process(batch, &NoQueue, deadline).await.unwrap();
    report
        .outcomes()
        .map(|(_, outcome)| outcome.metric())
        .collect()
}

pub(crate) fn processor(table: &Table, worker: Worker<()>) -> Processor {
    let system = Arc::new(RealSystem);
    let store = DynamoStore::new(table.client.clone(), Table::NAME, system.clone());
    Processor::new(worker, "consumer", Arc::new(store), system).unwrap()
}

const BATCH: &str = "BatchExecuteStatement";

#[tokio::test]
async fn calls_per_batch() {
    let table = Table::start().await;
    let processor = processor(&table, Worker::new(()).on(handler));

    assert_eq!(
        process(&processor, batch(0..10, true)).await,
        ["succeeded"; 10]
    );
    assert_eq!(
        table.requests.take(),
        [BATCH; 2],
        "10 new messages: claim, complete"
    );

    assert_eq!(
        process(&processor, batch(10..35, true)).await,
        ["succeeded"; 25]
    );
    assert_eq!(table.requests.take(), [BATCH; 2], "25 new messages");

    let outcomes = process(&processor, batch(30..40, true)).await;
    assert_eq!(outcomes[..5], ["duplicate"; 5]);
    assert_eq!(outcomes[5..], ["succeeded"; 5]);
    assert_eq!(
        table.requests.take(),
        [BATCH; 3],
        "some duplicates: claim, look, complete"
    );

    assert_eq!(
        process(&processor, batch(0..10, true)).await,
        ["duplicate"; 10]
    );
    assert_eq!(
        table.requests.take(),
        [BATCH; 2],
        "all duplicates: claim, look"
    );

    assert_eq!(
        process(&processor, batch(50..60, false)).await,
        ["retried"; 10]
    );
    assert_eq!(
        table.requests.take(),
        [BATCH; 2],
        "failures: claim, release"
    );

    assert_eq!(
        process(&processor, batch(100..160, true)).await,
        ["succeeded"; 60]
    );
    assert_eq!(
        table.requests.take(),
        [BATCH; 6],
        "60 new messages: three chunks each way"
    );
    table.stop().await;
}

#[tokio::test]
async fn transaction_is_one_call_and_has_its_effect_once() {
    let table = Table::start().await;
    let processor = processor(&table, Worker::new(()).on(count));
    assert_eq!(
        process(&processor, batch(0..5, true)).await,
        ["succeeded"; 5]
    );
    assert_eq!(table.requests.take(), ["TransactWriteItems"; 5]);
    assert_eq!(
        process(&processor, batch(0..5, true)).await,
        ["duplicate"; 5]
    );
    assert_eq!(process(&processor, batch(0..1, false)).await, ["conflict"]);
    let item = table
        .client
        .get_item()
        .table_name("counts")
        .key("minute", AttributeValue::S("now".to_owned()))
        .send()
        .await
        .unwrap();
    assert_eq!(
        item.item.unwrap()["signups"],
        AttributeValue::N("5".to_owned())
    );
    table.stop().await;
}

#[tokio::test]
async fn transaction_that_is_too_large_is_refused_before_any_write() {
    async fn too_much(_: Envelope<SignedUp>, tx: Tx) -> Result<(), Failure> {
        for index in 0..100 {
            let update = Update::builder()
                .table_name("counts")
                .key("minute", AttributeValue::S(index.to_string()))
                .update_expression("SET a = :a")
                .expression_attribute_values(":a", AttributeValue::Bool(true));
            tx.update(update.build()?);
        }
        Ok(())
    }
    let table = Table::start().await;
    let processor = processor(&table, Worker::new(()).on(too_much));
    assert_eq!(process(&processor, batch(0..1, true)).await, ["rejected"]);
    assert!(table.requests.take().is_empty());
    table.stop().await;
}

#[tokio::test]
async fn table_that_does_not_exist_is_named_and_nothing_is_acknowledged() {
    let table = Table::start().await;
    let system = Arc::new(RealSystem);
    let store = DynamoStore::new(table.client.clone(), "no-such-table", system.clone());
    for worker in [Worker::new(()).on(handler), Worker::new(()).on(count)] {
        let processor = Processor::new(worker, "consumer", Arc::new(store.clone()), system.clone());
        let deadline = RealSystem.now() + Duration::from_secs(30);
        let report = processor
            .unwrap()
            .process(batch(0..2, true), &NoQueue, deadline)
            .await
            .unwrap();
        assert_eq!(report.failures().count(), 2);
        for (_, outcome) in report.outcomes() {
            assert!(
                matches!(outcome.metric(), "store_unavailable" | "retried"),
                "{outcome}"
            );
            assert!(
                outcome.to_string().contains("ResourceNotFound"),
                "{outcome}"
            );
        }
    }
    table.stop().await;
}
