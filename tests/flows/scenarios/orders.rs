//! A thousand orders over HTTP, while functions are killed at random and every event is delivered twice: each
//! accepted order is published, fulfilled once and shown, and nothing is left in the outbox.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use aws_sdk_sqs::types::{Message, SendMessageBatchRequestEntry};
use fanline::System;
use fanline_aws::RealSystem;
use futures_util::{StreamExt, stream};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{backend::Backend, run::Run};
use crate::{
    cloud::{Cloud, Item, number, until},
    dev::signal,
    http::Site,
};

const ORDERS: usize = 1_000;

/// Every tenth is cancelled.
const CANCELLED: usize = 10;

const CUSTOMERS: usize = 25;

/// Requests at once.
const CLIENTS: usize = 16;

/// Between two kills. Each costs an event in hand a receive, of which it has five.
const KILLS: Duration = Duration::from_millis(700);

const FUNCTIONS: [&str; 4] = [
    "order-api",
    "outbox-relay",
    "order-fulfilment",
    "order-projection",
];

const FULFILMENT_QUEUE: &str = "order-fulfilment-queue.fifo";
const PROJECTION_QUEUE: &str = "order-projection-queue";

pub(super) async fn run(backend: impl Backend) {
    let cloud = backend.cloud();
    let run = Run::new(cloud);
    let site = backend.site("order-api").await;
    let tap = Tap::open(cloud, &run).await;
    let is_over = Cell::new(false);

    let ordering = async {
        let orders = stream::iter(0..ORDERS).map(|number| order(&site, &run, number));
        let orders: BTreeMap<String, bool> = orders.buffer_unordered(CLIENTS).collect().await;
        is_over.set(true);
        orders
    };
    let killing = async {
        let mut kills = 0;
        while !is_over.get() {
            sleep(KILLS).await;
            let function = FUNCTIONS[(RealSystem.random() % FUNCTIONS.len() as u128) as usize];
            let processes = backend.processes(function);
            kills += processes
                .iter()
                .filter(|process| signal(**process, Signal::KILL))
                .count();
        }
        kills
    };
    let (orders, kills) = tokio::join!(ordering, killing);
    assert_eq!(orders.len(), ORDERS, "each its own id");
    assert!(kills > 0, "no process was killed");

    // Published is what was accepted, and it comes a second time.
    let cancelled = orders
        .values()
        .filter(|is_cancelled| **is_cancelled)
        .count();
    let published = tap.collect(ORDERS + cancelled).await;
    let expected: BTreeSet<(&str, &str)> = orders
        .iter()
        .flat_map(|(id, is_cancelled)| {
            let placed = Some((id.as_str(), "order.placed"));
            placed
                .into_iter()
                .chain(is_cancelled.then_some((id.as_str(), "order.cancelled")))
        })
        .collect();
    let found: BTreeSet<(&str, &str)> = published
        .values()
        .map(|event| {
            let order = event["data"]["orderId"].as_str().unwrap();
            (order, event["type"].as_str().unwrap())
        })
        .collect();
    assert!(found == expected, "published is not what was accepted");
    for event in published.values() {
        let correlation = event["metadata"]["correlationId"].as_str().unwrap();
        assert!(
            correlation.starts_with(&run.id),
            "the request's own: {event}"
        );
    }

    let look = async || cloud.items("outbox", "id", "").await.len();
    until("rows in the outbox", look, |rows| *rows == 0).await;
    let queues = [FULFILMENT_QUEUE, PROJECTION_QUEUE];
    cloud.wait_for(&queues, &[]).await;
    tap.deliver_again(&published).await;
    cloud.wait_for(&queues, &[]).await;

    assert_orders(cloud, &run, &orders).await;
    assert_fulfilments(cloud, &orders).await;
    assert_shown(&site, &run, &orders).await;
    tap.close().await;
    backend.end().await;
}

/// Places an order and cancels it, if it is one of those; tries each until it is answered.
async fn order(site: &Site, run: &Run<'_>, number: usize) -> (String, bool) {
    let name = run.event_id(&number.to_string());
    let customer = customer(run, number % CUSTOMERS);
    let body =
        json!({"customerId": customer, "items": [{"sku": "tea", "quantity": 1 + number % 3}]});
    let key = [
        ("idempotency-key", name.as_str()),
        ("x-correlation-id", name.as_str()),
    ];
    let (status, order) = insist(site, "POST", "/orders", &key, Some(&body)).await;
    assert_eq!(status, 201, "{order}");
    let id = order["orderId"].as_str().unwrap().to_owned();
    let is_cancelled = number.is_multiple_of(CANCELLED);
    if is_cancelled {
        let path = format!("/orders/{id}");
        let (status, order) = insist(site, "DELETE", &path, &key[1..], None).await;
        assert_eq!((status, order["status"].as_str()), (200, Some("CANCELLED")));
    }
    (id, is_cancelled)
}

fn customer(run: &Run<'_>, number: usize) -> String {
    run.event_id(&format!("customer-{number}"))
}

/// A client's own retries: on what a killed function answers, under the same key.
async fn insist(
    site: &Site,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> (u16, Value) {
    let look = async || site.ask(method, path, headers, body).await;
    let is_answer = |answer: &Result<(u16, Value), String>| {
        answer
            .as_ref()
            .is_ok_and(|(status, _)| *status < 500 && *status != 429)
    };
    until("an answer", look, is_answer).await.unwrap()
}

/// A queue of the run's own on the topic: what consumers get, it gets.
struct Tap<'a> {
    cloud: &'a Cloud,
    queue: String,
    subscription: String,
}

impl<'a> Tap<'a> {
    async fn open(cloud: &'a Cloud, run: &Run<'_>) -> Self {
        let queue = format!("tap-{}", run.id);
        let subscription = cloud.subscribe_new_queue("order-events.fifo", &queue).await;
        Self {
            cloud,
            queue,
            subscription,
        }
    }

    /// Events by id, once there are so many.
    async fn collect(&self, count: usize) -> BTreeMap<String, Value> {
        let events = std::cell::RefCell::new(BTreeMap::new());
        let look = async || {
            loop {
                let messages = self.cloud.receive(&self.queue, 600).await;
                if messages.is_empty() {
                    break;
                }
                let read = messages.iter().map(event);
                events.borrow_mut().extend(read);
            }
            events.borrow().len()
        };
        until("events on the topic", look, |found| *found >= count).await;
        events.into_inner()
    }

    /// Sends all events once more, to both queues.
    async fn deliver_again(&self, events: &BTreeMap<String, Value>) {
        let events: Vec<&Value> = events.values().collect();
        for (queue, is_fifo) in [(FULFILMENT_QUEUE, true), (PROJECTION_QUEUE, false)] {
            for ten in events.chunks(10) {
                let entries = ten.iter().enumerate().map(|(place, event)| {
                    let entry = SendMessageBatchRequestEntry::builder()
                        .id(place.to_string())
                        .message_body(event.to_string());
                    let entry = match is_fifo {
                        true => entry
                            .message_group_id(event["data"]["orderId"].as_str().unwrap())
                            .message_deduplication_id(RealSystem.fence()),
                        false => entry,
                    };
                    entry.build().unwrap()
                });
                assert_eq!(self.cloud.send(queue, entries).await, ten.len());
            }
        }
    }

    async fn close(self) {
        let unsubscribe = self.cloud.sns.unsubscribe();
        unsubscribe
            .subscription_arn(self.subscription)
            .send()
            .await
            .unwrap();
        let delete = self.cloud.sqs.delete_queue();
        delete
            .queue_url(self.cloud.queue_url(&self.queue))
            .send()
            .await
            .unwrap();
    }
}

fn event(message: &Message) -> (String, Value) {
    let event: Value = serde_json::from_str(message.body().unwrap()).unwrap();
    let id = event["metadata"]["eventId"].as_str().unwrap().to_owned();
    (id, event)
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item[name].as_s().unwrap()
}

fn status(is_cancelled: bool) -> &'static str {
    match is_cancelled {
        true => "CANCELLED",
        false => "PLACED",
    }
}

/// The table has what was accepted, and nothing else of this run.
async fn assert_orders(cloud: &Cloud, run: &Run<'_>, orders: &BTreeMap<String, bool>) {
    let items = cloud.items("orders", "orderId", "").await;
    let own = items
        .iter()
        .filter(|(_, item)| text(item, "customerId").starts_with(&run.id));
    let found: BTreeMap<&str, &str> = own
        .map(|(id, item)| (id.as_str(), text(item, "status")))
        .collect();
    let expected = orders
        .iter()
        .map(|(id, is_cancelled)| (id.as_str(), status(*is_cancelled)));
    assert!(
        found == expected.collect(),
        "orders are not what was accepted"
    );
}

async fn assert_fulfilments(cloud: &Cloud, orders: &BTreeMap<String, bool>) {
    let items = cloud.items("fulfilments", "orderId", "").await;
    for (id, is_cancelled) in orders {
        let item = items
            .get(id)
            .unwrap_or_else(|| panic!("{id} was never fulfilled"));
        assert_eq!(number(item, "starts"), Some(1), "{item:?}");
        assert_eq!(number(item, "stops"), is_cancelled.then_some(1), "{item:?}");
    }
}

/// What customers see is what the table of orders says.
async fn assert_shown(site: &Site, run: &Run<'_>, orders: &BTreeMap<String, bool>) {
    let mut shown = BTreeMap::new();
    for number in 0..CUSTOMERS {
        let path = format!("/customers/{}/orders", customer(run, number));
        let (status, answer) = insist(site, "GET", &path, &[], None).await;
        assert_eq!(status, 200, "{answer}");
        assert!(answer.get("next").is_none(), "they fit on a page");
        for order in answer["orders"].as_array().unwrap() {
            let id = order["orderId"].as_str().unwrap().to_owned();
            shown.insert(id, order["status"].as_str().unwrap().to_owned());
        }
    }
    let expected = orders
        .iter()
        .map(|(id, is_cancelled)| (id.clone(), status(*is_cancelled).to_owned()));
    assert!(
        shown == expected.collect(),
        "customers are shown something else"
    );
}
