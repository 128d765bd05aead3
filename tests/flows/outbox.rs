//! The sweeper publishes what no relay has, once, and leaves nothing behind.

use std::cell::RefCell;

use aws_sdk_dynamodb::types::AttributeValue;
use fanline::System;
use fanline_aws::RealSystem;
use serde_json::{Value, json};

use crate::{
    cloud::{Cloud, until},
    dev::Dev,
};

const TEMPLATE: [&str; 5] = [
    "--no-events",
    "--template",
    "tests/flows/templates/outbox.yaml",
    "--schedules-every",
    "1",
];

/// A row as `Outbox::put` writes it.
async fn write(cloud: &Cloud, entity: &str, number: i64) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let id = RealSystem.event_id();
    let body = json!({
        "type": "order.placed",
        "data": {"orderId": entity, "number": number},
        "metadata": {"eventId": id, "timestamp": "2026-02-14T10:30:00Z", "source": "tests", "version": 1},
    });
    let attributes = [("type".to_owned(), text("order.placed"))];
    let now = RealSystem.now().as_millisecond() + number;
    let put = cloud.dynamodb.put_item().table_name("outbox");
    put.item("entity", text(entity))
        .item("id", text(&id))
        .item("body", text(&body.to_string()))
        .item("attributes", AttributeValue::M(attributes.into()))
        .item("created_at", AttributeValue::N(now.to_string()))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn sweeper_publishes_what_the_relay_left() {
    let dev = Dev::start(&TEMPLATE).await;
    let cloud = &dev.cloud;
    let subscribed = cloud
        .subscribe_new_queue("order-events.fifo", "swept")
        .await;
    assert!(!subscribed.is_empty());
    for number in 0..12 {
        for entity in ["o-1", "o-2"] {
            write(cloud, entity, number).await;
        }
    }
    let look = async || cloud.items("outbox", "id", "").await.len();
    until("rows in the outbox", look, |rows| *rows == 0).await;
    let events: RefCell<Vec<Value>> = RefCell::default();
    let look = async || {
        for message in cloud.receive("swept", 600).await {
            let event = serde_json::from_str(message.body().unwrap()).unwrap();
            events.borrow_mut().push(event);
        }
        events.borrow().len()
    };
    until("events", look, |found| *found == 24).await;
    // Rows are gone, so nothing can be published again.
    assert_eq!(cloud.in_flight("swept").await, 24);
    assert_eq!(cloud.depth("swept").await, 24);
    for entity in ["o-1", "o-2"] {
        let events = events.borrow();
        let own = events
            .iter()
            .filter(|event| event["data"]["orderId"] == entity);
        let mut numbers: Vec<_> = own
            .map(|event| event["data"]["number"].as_i64().unwrap())
            .collect();
        // A standard queue shuffles; that none is missing counts here, their order in the FIFO tests.
        numbers.sort_unstable();
        assert_eq!(numbers, (0..12).collect::<Vec<_>>(), "{entity}");
    }
    dev.interrupt().await;
}
