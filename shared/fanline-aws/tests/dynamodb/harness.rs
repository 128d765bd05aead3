//! A handler that takes `Tx`, in the harness that users' unit tests have.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::{AttributeValue, Update};
use fanline::{Envelope, Event, Failure, Outcome, Worker, dead_letter::Reason};
use fanline_aws::{DynamoStore, RealSystem, Tx};
use fanline_testing::{Fault, Harness, Step, crash_at};
use serde::{Deserialize, Serialize};

use crate::table::Table;

#[derive(Serialize, Deserialize)]
struct Visited {
    page: String,
}

impl Event for Visited {
    const TYPE: &'static str = "page.visited";
}

async fn count(event: Envelope<Visited>, tx: Tx) -> Result<(), Failure> {
    let update = Update::builder()
        .table_name("counts")
        .key("minute", AttributeValue::S(event.data.page))
        .update_expression("ADD visits :one")
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
    tx.update(update.build()?);
    Ok(())
}

fn harness(table: &Table) -> Harness {
    let store = DynamoStore::new(table.client.clone(), Table::NAME, Arc::new(RealSystem));
    Harness::with_store(Worker::new(()).on(count), Arc::new(store))
}

fn visit(page: &str) -> Visited {
    let page = page.to_owned();
    Visited { page }
}

async fn visits(table: &Table, page: &str) -> String {
    let get = table.client.get_item().table_name("counts");
    let get = get.key("minute", AttributeValue::S(page.to_owned()));
    let item = get.send().await.unwrap().item.unwrap();
    item["visits"].as_n().unwrap().clone()
}

#[tokio::test]
async fn duplicate_and_lost_answer_have_one_effect() {
    let table = Table::start().await;
    let harness = harness(&table);
    let twice = harness.twice(&harness.event(visit("a"))).await;
    assert_eq!(twice, [Outcome::Succeeded, Outcome::Duplicate]);

    harness.fault_at(Step::Commit, Fault::After);
    let outcome = harness.deliver(&harness.event(visit("a"))).await;
    assert_eq!(outcome.metric(), "store_unavailable");
    assert_eq!(harness.drain().await, [Outcome::Duplicate]);
    assert_eq!(visits(&table, "a").await, "2");
    table.stop().await;
}

/// At the waits of its requests, too.
#[tokio::test]
async fn killed_at_every_await_it_has_one_effect() {
    let table = Table::start().await;
    for wait in 1.. {
        let harness = harness(&table);
        // Or its ids would be those of the harness before it, in one table with it.
        harness.advance(Duration::from_secs(wait));
        let page = format!("page-{wait}");
        let event = harness.event(visit(&page));
        let wait = usize::try_from(wait).unwrap();
        let first = crash_at(wait, harness.deliver(&event)).await;
        harness.drain().await;
        assert_eq!(visits(&table, &page).await, "1", "killed at wait {wait}");
        if first.is_some() {
            break;
        }
    }
    table.stop().await;
}

#[tokio::test]
async fn store_in_memory_says_that_tx_is_not_its() {
    let harness = Harness::new(Worker::new(()).on(count));
    let outcome = harness.deliver(&harness.event(visit("a"))).await;
    assert_eq!(
        outcome.to_string(),
        "dead_lettered: Tx needs the DynamoDB dedup store"
    );
    assert_eq!(harness.dead_letters()[0].reason(), Some(Reason::Rejected));
}
