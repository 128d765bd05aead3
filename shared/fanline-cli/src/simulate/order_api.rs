//! A customer's wishes, and the API that writes them down: as `functions/order-api` does.
//!
//! The customer asks again until he is answered, under the same key; each try is another transaction and another event,
//! of which one commits.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Put, TransactWriteItem, Update},
};
use fanline::{BoxError, Envelope, Event, System, publish::Outgoing};
use fanline_testing::sim::Handle;
use tokio::time::sleep;

use super::orders::{OrderCancelled, OrderPlaced, Orders};

pub(super) const ORDERS: &str = "orders";
pub(super) const PLACED: &str = "PLACED";
pub(super) const CANCELLED: &str = "CANCELLED";

/// Between a customer's first two tries; doubled from try to try.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// One customer, who places an order and may cancel it.
pub(super) async fn order(orders: &Orders, number: usize, world: &Handle) {
    let customer = Customer {
        orders,
        order: format!("order-{number}"),
        world,
        system: world.system(&format!("order {number}")),
    };
    for pause in pauses() {
        match customer.place().await {
            Ok(()) => break,
            Err(_asks_again) => sleep(pause).await,
        }
    }
    if number.is_multiple_of(2) {
        let wait = customer.system.random() % 120_000;
        sleep(Duration::from_millis(wait as u64)).await;
        for pause in pauses() {
            match customer.cancel().await {
                Ok(()) => break,
                Err(_asks_again) => sleep(pause).await,
            }
        }
    }
}

fn pauses() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(FIRST_PAUSE), |pause| {
        Some((2 * *pause).min(LONGEST_PAUSE))
    })
}

struct Customer<'a> {
    orders: &'a Orders,
    order: String,
    world: &'a Handle,
    system: Arc<dyn System>,
}

impl Customer<'_> {
    async fn place(&self) -> Result<(), BoxError> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let put = Put::builder()
            .table_name(ORDERS)
            .item("orderId", text(&self.order))
            .item("status", text(PLACED))
            .condition_expression("attribute_not_exists(orderId)")
            .build()?;
        let order = self.order.clone();
        let write = TransactWriteItem::builder().put(put).build();
        // It exists by an earlier try.
        self.write(write, OrderPlaced { order }).await.map(drop)
    }

    async fn cancel(&self) -> Result<(), BoxError> {
        let found = self.orders.0.api.get_item().table_name(ORDERS);
        let key = AttributeValue::S(self.order.clone());
        let found = found.key("orderId", key.clone()).consistent_read(true);
        let item = found
            .send()
            .await?
            .item
            .ok_or("a placed order is not there")?;
        if item.get("status") == Some(&AttributeValue::S(CANCELLED.to_owned())) {
            return Ok(());
        }
        let update = Update::builder()
            .table_name(ORDERS)
            .key("orderId", key)
            .update_expression("SET #status = :cancelled")
            .condition_expression("#status = :placed")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":placed", AttributeValue::S(PLACED.to_owned()))
            .expression_attribute_values(":cancelled", AttributeValue::S(CANCELLED.to_owned()))
            .build()?;
        let order = self.order.clone();
        let write = TransactWriteItem::builder().update(update).build();
        self.write(write, OrderCancelled { order }).await.map(drop)
    }

    /// Writes both or none. False if the order is not as its condition wants it.
    async fn write<T: Event>(&self, order: TransactWriteItem, data: T) -> Result<bool, BoxError> {
        let outbox = self
            .orders
            .0
            .outbox
            .clone()
            .system(Arc::clone(&self.system));
        let event: Envelope<T> = outbox.event(data);
        self.orders.try_event(event.id(), &self.order, T::TYPE);
        self.world.announce(&Outgoing::new(&event)?);
        let row = TransactWriteItem::builder()
            .put(outbox.put(&event)?)
            .build();
        let call = self.orders.0.api.transact_write_items();
        let call = call.client_request_token(self.system.fence());
        let call = call.transact_items(order).transact_items(row);
        let Err(error) = call.send().await else {
            return Ok(true);
        };
        let refused = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled
                .cancellation_reasons()
                .first()
                .and_then(|reason| reason.code()),
            _ => None,
        };
        match refused {
            Some("ConditionalCheckFailed") => Ok(false),
            _ => Err(error.into()),
        }
    }
}
