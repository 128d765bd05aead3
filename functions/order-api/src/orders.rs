//! The table of orders: key `orderId`. Every change of one raises its `version`, which is also the number of the
//! event that tells of it, and is written together with that event.
//!
//! What could be got wrong is a client's second try: under the same Idempotency-Key it must find its first
//! order, and under another it must not.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Put, TransactWriteItem, Update},
};
use events::{OrderCancelled, OrderPlaced};
use fanline::{BoxError, System};
use fanline_aws::{
    Environment, Error, RealSystem,
    http::{Body, Response, StatusCode, respond},
    outbox::Outbox,
    sdk_config,
};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    item::{Item, number, text},
    request::PlaceOrder,
};

const PLACED: &str = "PLACED";
const CANCELLED: &str = "CANCELLED";

/// How often a write is tried that meets another one on the same order.
const TRIES: u32 = 5;

pub(crate) struct Orders {
    client: Client,
    table: String,
    outbox: Outbox,
}

impl Orders {
    /// Reads `ORDERS_TABLE` and `FANLINE_OUTBOX_TABLE`.
    pub(crate) async fn from_environment() -> Result<Self, Error> {
        let mut environment = Environment::read();
        let table = environment.required("ORDERS_TABLE");
        let outbox = environment.required("FANLINE_OUTBOX_TABLE");
        environment.check()?;
        Ok(Self {
            client: Client::new(&sdk_config().await?),
            table,
            outbox: Outbox::new(outbox, "order-api"),
        })
    }

    /// 201 with the order; 201 again for the same wish under the same key; 422 for another wish under it.
    pub(crate) async fn place(
        &self,
        wish: PlaceOrder,
        key: Option<&str>,
    ) -> Result<Response<Body>, BoxError> {
        let order_id = match key {
            Some(key) => hash(&[&wish.customer_id, key]),
            None => RealSystem.event_id(),
        };
        let fingerprint = hash(&[&serde_json::to_string(&wish)?]);
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let order = Put::builder()
            .table_name(&self.table)
            .item("orderId", text(&order_id))
            .item("customerId", text(&wish.customer_id))
            .item("status", text(PLACED))
            .item("version", AttributeValue::N("1".to_owned()))
            .item("fingerprint", text(&fingerprint))
            .condition_expression("attribute_not_exists(orderId)")
            .build()?;
        let event = self.outbox.event(OrderPlaced {
            order_id: order_id.clone(),
            customer_id: wish.customer_id,
            items: wish.items,
            sequence: 1,
        });
        let order = TransactWriteItem::builder().put(order);
        let event = TransactWriteItem::builder().put(self.outbox.put(&event)?);
        let written = self.write([order.build(), event.build()]).await?;
        let is_same = match written {
            true => true,
            false => {
                let existing = self.find(&order_id).await?;
                let existing = existing.ok_or("an order was refused that is not there")?;
                existing.fingerprint == fingerprint
            }
        };
        Ok(match is_same {
            true => {
                let body = json!({"orderId": order_id, "status": PLACED});
                respond(StatusCode::CREATED, &body)
            }
            false => {
                let message = "this Idempotency-Key was used for another order; use a new one";
                respond(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    &json!({"message": message}),
                )
            }
        })
    }

    /// 200 once it is cancelled, also if it was before; 404 if there is none.
    pub(crate) async fn cancel(&self, order_id: &str) -> Result<Response<Body>, BoxError> {
        for _ in 0..TRIES {
            let Some(order) = self.find(order_id).await? else {
                let message = format!("there is no order {order_id}");
                return Ok(respond(StatusCode::NOT_FOUND, &json!({"message": message})));
            };
            if order.status == CANCELLED || self.cancel_version(order_id, order).await? {
                let body = json!({"orderId": order_id, "status": CANCELLED});
                return Ok(respond(StatusCode::OK, &body));
            }
        }
        let message = "the order is being changed; try again";
        Ok(respond(StatusCode::CONFLICT, &json!({"message": message})))
    }

    /// Whether the order was still at this version.
    async fn cancel_version(&self, order_id: &str, order: Order) -> Result<bool, BoxError> {
        let number = |number: u64| AttributeValue::N(number.to_string());
        let next = order.version + 1;
        let update = Update::builder()
            .table_name(&self.table)
            .key("orderId", AttributeValue::S(order_id.to_owned()))
            .update_expression("SET #status = :status, #version = :next")
            .condition_expression("#version = :version")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":status", AttributeValue::S(CANCELLED.to_owned()))
            .expression_attribute_values(":version", number(order.version))
            .expression_attribute_values(":next", number(next))
            .build()?;
        let event = self.outbox.event(OrderCancelled {
            order_id: order_id.to_owned(),
            customer_id: order.customer_id,
            sequence: next,
        });
        let update = TransactWriteItem::builder().update(update);
        let event = TransactWriteItem::builder().put(self.outbox.put(&event)?);
        self.write([update.build(), event.build()]).await
    }

    /// Writes both or none. False if the order, which stands first, is not as its condition wants it.
    async fn write(&self, actions: [TransactWriteItem; 2]) -> Result<bool, BoxError> {
        let mut tries = 0;
        loop {
            let call = self.client.transact_write_items();
            // The SDK's own retries of this call are the same transaction.
            let call = call.client_request_token(RealSystem.fence());
            let call = call.set_transact_items(Some(actions.to_vec()));
            let Err(error) = call.send().await else {
                return Ok(true);
            };
            let reasons = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                    cancelled.cancellation_reasons()
                }
                _ => return Err(error.into()),
            };
            let code = reasons.first().and_then(|reason| reason.code());
            if code == Some("ConditionalCheckFailed") {
                return Ok(false);
            }
            tries += 1;
            if tries == TRIES {
                return Err(error.into());
            }
            // Up to 40 ms, doubling, fully jittered: those that met must not meet again.
            let most = 20_u128 << tries;
            let pause = Duration::from_millis((RealSystem.random() % most) as u64);
            tokio::time::sleep(pause).await;
        }
    }

    async fn find(&self, order_id: &str) -> Result<Option<Order>, BoxError> {
        let found = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("orderId", AttributeValue::S(order_id.to_owned()))
            .consistent_read(true)
            .send()
            .await?;
        found.item.as_ref().map(Order::read).transpose()
    }
}

struct Order {
    customer_id: String,
    status: String,
    version: u64,
    fingerprint: String,
}

impl Order {
    fn read(item: &Item) -> Result<Self, BoxError> {
        Ok(Self {
            customer_id: text(item, "customerId")?,
            status: text(item, "status")?,
            version: number(item, "version")?,
            fingerprint: text(item, "fingerprint")?,
        })
    }
}

/// 32 hexadecimal digits; the parts' lengths go in, so that no two lists of parts are the same.
fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_be_bytes());
        hasher.update(part);
    }
    let digest = hasher.finalize();
    digest[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
