//! What a transaction's refusal means: a duplicate, a false condition, a place in a sequence, contention.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::{AttributeValue, Put, Update};
use fanline::{
    Batch, Envelope, Event, Failure, Message, NoQueue, Processor, System, Worker, at_most_once,
};
use fanline_aws::{DynamoStore, RealSystem, Tx, dynamodb::Sequence};
use fanline_testing::{envelope, message};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    calls::{process, processor},
    table::Table,
};

/// A step of an entity.
#[derive(Serialize, Deserialize)]
struct Stepped {
    entity: String,
    number: u64,
}

impl Event for Stepped {
    const TYPE: &'static str = "entity.stepped";
}

fn stepped(id: &str, entity: &str, number: u64, attempt: u32) -> Batch {
    let event = envelope(
        Stepped::TYPE,
        id,
        json!({"entity": entity, "number": number}),
    );
    let message = Message {
        receive_count: attempt,
        ..message(id, event)
    };
    Batch {
        messages: vec![message],
        ..Batch::default()
    }
}

async fn outcome(processor: &Processor, batch: Batch) -> String {
    let deadline = RealSystem.now() + Duration::from_secs(30);
    let report = processor.process(batch, &NoQueue, deadline).await.unwrap();
    report.outcomes().next().unwrap().1.to_string()
}

fn counted(entity: &str) -> Result<Update, Failure> {
    let update = Update::builder()
        .table_name("counts")
        .key("minute", AttributeValue::S(entity.to_owned()))
        .update_expression("ADD steps :one")
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
    Ok(update.build()?)
}

async fn count_of(table: &Table, entity: &str) -> Option<String> {
    let item = table
        .client
        .get_item()
        .table_name("counts")
        .key("minute", AttributeValue::S(entity.to_owned()))
        .send()
        .await
        .unwrap();
    Some(item.item?["steps"].as_n().unwrap().clone())
}

/// Writes an item that must not be there.
async fn create(event: Envelope<Stepped>, tx: Tx) -> Result<(), Failure> {
    let item = Put::builder()
        .table_name("counts")
        .item("minute", AttributeValue::S(event.data.entity.clone()))
        .item("owner", AttributeValue::S(event.id().to_owned()))
        .condition_expression("attribute_not_exists(#minute)")
        .expression_attribute_names("#minute", "minute");
    let write = tx.put(item.build()?);
    if event.data.number > 0 {
        write.or_else(|existing| {
            let existing = existing.unwrap_or_default();
            let owner = existing["owner"].as_s().unwrap();
            Failure::reject(format!("created by {owner}"))
        });
    }
    Ok(())
}

#[tokio::test]
async fn handler_says_what_a_false_condition_means() {
    let table = Table::start().await;
    let processor = processor(&table, Worker::new(()).on(create));
    assert_eq!(
        outcome(&processor, stepped("e-1", "a", 0, 1)).await,
        "succeeded"
    );
    let unsaid = outcome(&processor, stepped("e-2", "a", 0, 1)).await;
    assert_eq!(
        unsaid,
        "retried: transaction cancelled: the condition of write 0 is false"
    );
    let said = outcome(&processor, stepped("e-3", "a", 1, 1)).await;
    assert_eq!(said, "rejected: created by e-1");
    // A duplicate is a duplicate, though its condition is false by now, too.
    assert_eq!(
        outcome(&processor, stepped("e-1", "a", 0, 1)).await,
        "duplicate"
    );
    table.stop().await;
}

async fn count_in_sequence(event: Envelope<Stepped>, tx: Tx) -> Result<(), Failure> {
    let Stepped { entity, number } = &event.data;
    tx.update(counted(entity)?);
    tx.in_sequence(Sequence::new(entity, *number));
    Ok(())
}

#[tokio::test]
async fn stale_events_are_duplicates_and_gaps_are_waited_for() {
    let table = Table::start().await;
    let processor = processor(&table, Worker::new(()).on(count_in_sequence));
    assert_eq!(
        outcome(&processor, stepped("e-1", "a", 1, 1)).await,
        "succeeded"
    );
    table.requests.take();
    let gap = outcome(&processor, stepped("e-3", "a", 3, 1)).await;
    assert_eq!(
        gap,
        "retried: event 3 of entity a came, the last one done is 1"
    );
    assert_eq!(
        outcome(&processor, stepped("e-2", "a", 2, 1)).await,
        "succeeded"
    );
    assert_eq!(
        outcome(&processor, stepped("e-3", "a", 3, 2)).await,
        "succeeded"
    );
    assert_eq!(
        table.requests.take(),
        ["TransactWriteItems"; 3],
        "no further call"
    );
    // A second event with a number that was done: somebody's retry under another id.
    assert_eq!(
        outcome(&processor, stepped("e-x", "a", 2, 1)).await,
        "duplicate"
    );
    assert_eq!(count_of(&table, "a").await.as_deref(), Some("3"));
    // What does not come is passed over at the third attempt; coming later, it is stale.
    for (attempt, expected) in [(1, "retried"), (2, "retried"), (3, "succeeded")] {
        let outcome = outcome(&processor, stepped("e-5", "a", 5, attempt)).await;
        assert!(outcome.starts_with(expected), "{attempt}: {outcome}");
    }
    assert_eq!(
        outcome(&processor, stepped("e-4", "a", 4, 1)).await,
        "duplicate"
    );
    assert_eq!(count_of(&table, "a").await.as_deref(), Some("4"));
    // Other entities and other consumers have a sequence of their own.
    assert_eq!(
        outcome(&processor, stepped("e-6", "b", 1, 1)).await,
        "succeeded"
    );
    table.stop().await;
}

#[tokio::test]
async fn gap_can_be_a_dead_letter() {
    async fn strict(event: Envelope<Stepped>, tx: Tx) -> Result<(), Failure> {
        let sequence = Sequence::new(&event.data.entity, event.data.number);
        tx.in_sequence(sequence.gap_attempts(2).or_reject());
        Ok(())
    }
    let table = Table::start().await;
    let processor = processor(&table, Worker::new(()).on(strict));
    let gap = "event 7 of entity a came, the last one done is none";
    assert_eq!(
        outcome(&processor, stepped("e-7", "a", 7, 1)).await,
        format!("retried: {gap}")
    );
    assert_eq!(
        outcome(&processor, stepped("e-7", "a", 7, 2)).await,
        format!("rejected: {gap}")
    );
    table.stop().await;
}

#[tokio::test]
async fn transaction_of_too_many_bytes_is_refused_before_any_write() {
    async fn too_large(_: Envelope<Stepped>, tx: Tx) -> Result<(), Failure> {
        for number in 0..11 {
            let item = Put::builder()
                .table_name("counts")
                .item("minute", AttributeValue::S(number.to_string()))
                .item("text", AttributeValue::S("x".repeat(390_000)));
            tx.put(item.build()?);
        }
        Ok(())
    }
    let table = Table::start().await;
    let processor = processor(&table, Worker::new(()).on(too_large));
    let outcome = outcome(&processor, stepped("e-1", "a", 1, 1)).await;
    assert!(
        outcome.starts_with("rejected: transaction has 4290")
            && outcome.contains("DynamoDB takes 4194304"),
        "{outcome}"
    );
    assert!(table.requests.take().is_empty());
    table.stop().await;
}

/// Forty messages that all move one counter: each counts once.
#[tokio::test]
async fn contention_costs_tries_and_no_receives() {
    async fn count(event: Envelope<Stepped>, tx: Tx) -> Result<(), Failure> {
        tx.update(counted(&event.data.entity)?);
        Ok(())
    }
    let table = Table::start().await;
    let processor = processor(&table, Worker::new(()).on(count));
    let messages = (0..40).flat_map(|number| stepped(&format!("e-{number}"), "a", 1, 1).messages);
    let batch = Batch {
        messages: messages.collect(),
        ..Batch::default()
    };
    assert_eq!(process(&processor, batch).await, ["succeeded"; 40]);
    assert_eq!(count_of(&table, "a").await.as_deref(), Some("40"));
    table.stop().await;
}

#[tokio::test]
async fn at_most_once_is_one_call_before_the_handler() {
    async fn handler(event: Envelope<Stepped>) -> Result<(), Failure> {
        match event.data.number {
            0 => Ok(()),
            _ => Err(Failure::retry("did not work")),
        }
    }
    let table = Table::start().await;
    let system = Arc::new(RealSystem);
    let store = DynamoStore::new(table.client.clone(), Table::NAME, system.clone());
    let worker = Worker::new(()).on(at_most_once(handler));
    let processor = Processor::new(worker, "consumer", Arc::new(store), system).unwrap();
    assert_eq!(
        outcome(&processor, stepped("e-1", "a", 0, 1)).await,
        "succeeded"
    );
    let failed = outcome(&processor, stepped("e-2", "a", 1, 1)).await;
    assert_eq!(
        failed,
        "rejected: did not work; not tried again, as it runs at most once"
    );
    assert_eq!(table.requests.take(), ["TransactWriteItems"; 2]);
    assert_eq!(
        outcome(&processor, stepped("e-2", "a", 1, 2)).await,
        "duplicate"
    );
    table.stop().await;
}
