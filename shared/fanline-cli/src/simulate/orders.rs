//! Orders from the customer's wish to their fulfilment: business write and event in one transaction, a relay, a topic,
//! two workers whose effects commit with their dedup records.
//!
//! The one thing to get wrong: to make an order's second event before the first is certain. The order of an entity is
//! that of its transactions.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::{
    error::BuildError,
    types::{AttributeValue, Update},
};
use fanline::{Envelope, Event, Failure, State, Worker};
use fanline_aws::{
    Publisher, Tx,
    dynamodb::Sequence,
    outbox::{Outbox, Relay},
};
use fanline_testing::sim::{End, Handle, Simulation};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::sleep;

use super::{
    aws::{Aws, OUTBOX},
    order_api,
    outbox_relay::{self, Stream},
};

/// Orders of a run; every second one is cancelled.
const ORDERS: usize = 24;

const FULFILMENTS: &str = "fulfilments";
const CUSTOMER_ORDERS: &str = "customer-orders";

/// The last of the five attempts.
const GAP_ATTEMPTS: u32 = 5;

#[derive(Serialize, Deserialize)]
pub(super) struct OrderPlaced {
    pub(super) order: String,
}

impl Event for OrderPlaced {
    const TYPE: &'static str = "order.placed";

    fn entity(&self) -> Option<String> {
        Some(self.order.clone())
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct OrderCancelled {
    pub(super) order: String,
}

impl Event for OrderCancelled {
    const TYPE: &'static str = "order.cancelled";

    fn entity(&self) -> Option<String> {
        Some(self.order.clone())
    }
}

/// The application: its tables, and its clients to them.
#[derive(Clone)]
pub struct Orders(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) aws: Aws,
    pub(super) api: aws_sdk_dynamodb::Client,
    pub(super) outbox: Outbox,
    pub(super) relay: Relay,
    pub(super) sweeper: Relay,
    pub(super) stream: Mutex<Stream>,
    /// Order and type of each event that was tried to be written.
    tried: Mutex<BTreeMap<String, (String, &'static str)>>,
}

/// What a relay does first with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelayOrder {
    /// Publishes it, as fanline's does.
    PublishesFirst,
    /// Deletes it: for tests of the simulation.
    #[cfg(feature = "broken")]
    DeletesFirst,
}

/// Orders over a FIFO topic.
pub fn orders() -> Simulation<Orders> {
    orders_with(RelayOrder::PublishesFirst).fifo()
}

/// Orders over a standard topic: events come in any order.
pub fn orders_in_any_order() -> Simulation<Orders> {
    orders_with(RelayOrder::PublishesFirst)
}

/// Orders over a standard topic, published in this way.
pub fn orders_with(relay: RelayOrder) -> Simulation<Orders> {
    Simulation::in_world(Orders::new)
        .commands(ORDERS, |app, number, world| {
            Box::pin(async move { order_api::order(&app, number, &world).await })
        })
        .consumer("fulfilment", |orders: &Orders| {
            Worker::new(orders.clone()).on(start).on(stop)
        })
        .consumer("projection", |orders: &Orders| {
            Worker::new(orders.clone()).on(placed).on(cancelled)
        })
        .process("outbox-relay", Duration::from_millis(100), move |app, _| {
            Box::pin(async move { outbox_relay::relay(&app, relay).await })
        })
        .process(
            "outbox-sweeper",
            Duration::from_secs(5 * 60),
            |app, world| Box::pin(async move { outbox_relay::sweep(&app, &world).await }),
        )
        .store(|orders, _| orders.0.aws.dedup_store())
        .rests_when(|orders| Box::pin(async move { orders.to_publish() }))
        .check(|orders, end| orders.check(end))
}

impl Orders {
    fn new(world: &Handle) -> Self {
        let aws = Aws::new(world);
        aws.create_table(order_api::ORDERS, &["orderId"]);
        aws.create_table(OUTBOX, &["entity", "id"]);
        aws.create_table(FULFILMENTS, &["orderId"]);
        aws.create_table(CUSTOMER_ORDERS, &["orderId"]);
        let relay = |name: &str| {
            let (dynamodb, sns) = aws.clients(name);
            let publisher =
                Publisher::new(sns, world.topic_arn(), "outbox").system(world.system(name));
            Relay::new(dynamodb, OUTBOX, publisher)
        };
        Self(Arc::new(Inner {
            api: aws.clients("order-api").0,
            outbox: Outbox::new(OUTBOX, "order-api"),
            relay: relay("outbox-relay"),
            sweeper: relay("outbox-sweeper"),
            stream: Mutex::new(Stream::new(&aws)),
            tried: Mutex::default(),
            aws,
        }))
    }

    /// Remembers what an event is about, before it is written.
    pub(super) fn try_event(&self, id: &str, order: &str, event_type: &'static str) {
        let mut tried = self.0.tried.lock().unwrap_or_else(PoisonError::into_inner);
        tried.insert(id.to_owned(), (order.to_owned(), event_type));
    }

    fn to_publish(&self) -> Option<String> {
        let rows = self.0.aws.items(OUTBOX).len();
        (rows > 0).then(|| format!("{rows} rows in the outbox"))
    }

    fn by_order(&self, table: &str) -> BTreeMap<String, Value> {
        let items = self.0.aws.items(table).into_iter();
        let keyed = items.map(|item| (text(&item, "orderId").to_owned(), item));
        keyed.collect()
    }

    /// Each write of the business has its event and its effects, once.
    fn check(&self, end: &End) -> Result<(), String> {
        let orders = self.by_order(order_api::ORDERS);
        let fulfilments = self.by_order(FULFILMENTS);
        let customer_orders = self.by_order(CUSTOMER_ORDERS);
        let tried = self.0.tried.lock().unwrap_or_else(PoisonError::into_inner);
        for (event, (order, event_type)) in tried.iter() {
            let of =
                |table: &BTreeMap<String, Value>| table.get(order).cloned().unwrap_or_default();
            let (order_status, counts) =
                (text(&of(&orders), "status").to_owned(), of(&fulfilments));
            let is_placed = *event_type == OrderPlaced::TYPE;
            let is_accepted = end.accepted().contains(event);
            if is_accepted
                && (order_status.is_empty() || !is_placed && order_status != order_api::CANCELLED)
            {
                return Err(format!(
                    "{event} was written, and {order} is {order_status:?}"
                ));
            }
            let done = end.handled("fulfilment").contains(event);
            let count = number(&counts, if is_placed { "starts" } else { "stops" });
            if is_accepted && count != u64::from(done) {
                return Err(format!(
                    "{event} ({event_type}) had its effect {count} times; done: {done}"
                ));
            }
            let shown = text(&of(&customer_orders), "status").to_owned();
            let done = end.handled("projection").contains(event);
            let is_right = if is_placed {
                !shown.is_empty()
            } else {
                shown == order_api::CANCELLED
            };
            if is_accepted && done != is_right {
                return Err(format!(
                    "{event} ({event_type}) is shown as {shown:?}; done: {done}"
                ));
            }
        }
        let events_of = |order: &str| {
            let of_order = tried.iter().filter(|(_, (of, _))| of == order);
            of_order
                .filter(|(event, _)| end.accepted().contains(*event))
                .count()
        };
        for (order, item) in &orders {
            let expected = if text(item, "status") == order_api::CANCELLED {
                2
            } else {
                1
            };
            let found = events_of(order);
            if found != expected {
                return Err(format!(
                    "{order} was written {expected} times and has {found} events"
                ));
            }
        }
        Ok(())
    }
}

fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item[name]["S"].as_str().unwrap_or_default()
}

fn number(item: &Value, name: &str) -> u64 {
    let number = item[name]["N"].as_str();
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

async fn start(
    event: Envelope<OrderPlaced>,
    State(_): State<Orders>,
    tx: Tx,
) -> Result<(), Failure> {
    work(event.id()).await;
    tx.update(count(&event.data.order, "starts")?.build()?);
    Ok(())
}

async fn stop(
    event: Envelope<OrderCancelled>,
    State(_): State<Orders>,
    tx: Tx,
) -> Result<(), Failure> {
    work(event.id()).await;
    let stop = count(&event.data.order, "stops")?.condition_expression("attribute_exists(orderId)");
    tx.update(stop.build()?)
        .or_else(|_| Failure::retry("the order's fulfilment has not started"));
    Ok(())
}

async fn placed(
    event: Envelope<OrderPlaced>,
    State(_): State<Orders>,
    tx: Tx,
) -> Result<(), Failure> {
    show(event.id(), &event.data.order, 1, &tx).await
}

async fn cancelled(
    event: Envelope<OrderCancelled>,
    State(_): State<Orders>,
    tx: Tx,
) -> Result<(), Failure> {
    show(event.id(), &event.data.order, 2, &tx).await
}

async fn show(event: &str, order: &str, place: u64, tx: &Tx) -> Result<(), Failure> {
    work(event).await;
    tx.in_sequence(
        Sequence::new(order, place)
            .gap_attempts(GAP_ATTEMPTS)
            .or_reject(),
    );
    let status = if place == 1 {
        order_api::PLACED
    } else {
        order_api::CANCELLED
    };
    let update = Update::builder()
        .table_name(CUSTOMER_ORDERS)
        .key("orderId", AttributeValue::S(order.to_owned()))
        .update_expression("SET #status = :status")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":status", AttributeValue::S(status.to_owned()));
    tx.update(update.build()?);
    Ok(())
}

fn count(
    order: &str,
    what: &str,
) -> Result<aws_sdk_dynamodb::types::builders::UpdateBuilder, BuildError> {
    Ok(Update::builder()
        .table_name(FULFILMENTS)
        .key("orderId", AttributeValue::S(order.to_owned()))
        .update_expression("ADD #count :one")
        .expression_attribute_names("#count", what)
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned())))
}

/// Some time, in two awaits.
async fn work(event: &str) {
    let milliseconds = event.bytes().map(u64::from).sum::<u64>() % 60;
    for _ in 0..2 {
        sleep(Duration::from_millis(milliseconds)).await;
    }
}
