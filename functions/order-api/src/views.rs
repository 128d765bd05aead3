//! The orders of a customer, from the table that `order-projection` keeps: a moment behind the orders.

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use fanline::BoxError;
use fanline_aws::{
    Environment, Error,
    http::{Body, Response, StatusCode, respond},
    sdk_config,
};
use serde_json::{Value, json};

use crate::item::{Item, number, text};

/// Orders of one answer.
const PAGE: i32 = 100;

pub(crate) struct CustomerOrders {
    client: Client,
    table: String,
}

impl CustomerOrders {
    /// Reads `CUSTOMER_ORDERS_TABLE`.
    pub(crate) async fn from_environment() -> Result<Self, Error> {
        let mut environment = Environment::read();
        let table = environment.required("CUSTOMER_ORDERS_TABLE");
        environment.check()?;
        Ok(Self {
            client: Client::new(&sdk_config().await?),
            table,
        })
    }

    /// Up to 100 orders, those after this one; `next` says after which to go on.
    pub(crate) async fn list(
        &self,
        customer_id: &str,
        after: Option<&str>,
    ) -> Result<Response<Body>, BoxError> {
        let own = |text: &str| AttributeValue::S(text.to_owned());
        let start = after.map(|order_id| {
            Item::from([
                ("customerId".to_owned(), own(customer_id)),
                ("orderId".to_owned(), own(order_id)),
            ])
        });
        let page = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("customerId = :customer")
            .expression_attribute_values(":customer", own(customer_id))
            .set_exclusive_start_key(start)
            .limit(PAGE)
            .send()
            .await?;
        let orders: Result<Vec<Value>, BoxError> = page.items().iter().map(view).collect();
        let mut body = json!({"orders": orders?});
        if let Some(last) = &page.last_evaluated_key {
            body["next"] = text(last, "orderId")?.into();
        }
        Ok(respond(StatusCode::OK, &body))
    }
}

fn view(item: &Item) -> Result<Value, BoxError> {
    Ok(json!({
        "orderId": text(item, "orderId")?,
        "status": text(item, "status")?,
        "items": number(item, "items")?,
    }))
}
