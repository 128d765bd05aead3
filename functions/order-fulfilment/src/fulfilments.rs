//! The table of fulfilments: key `orderId`; `starts` and `stops` count how often each has happened, which
//! shows that it was once.

use aws_sdk_dynamodb::{
    error::BuildError,
    types::{AttributeValue, Update},
};
use events::{OrderCancelled, OrderPlaced};
use fanline_aws::{Environment, InvalidEnvironment};

#[derive(Clone, Debug)]
pub(crate) struct Fulfilments {
    table: String,
}

impl Fulfilments {
    /// Reads `FULFILMENTS_TABLE`.
    pub(crate) fn from_environment() -> Result<Self, InvalidEnvironment> {
        let mut environment = Environment::read();
        let table = environment.required("FULFILMENTS_TABLE");
        environment.check()?;
        Ok(Self { table })
    }

    pub(crate) fn started(&self, order: &OrderPlaced) -> Result<Update, BuildError> {
        let items: u32 = order.items.iter().map(|item| item.quantity).sum();
        Update::builder()
            .table_name(&self.table)
            .key("orderId", AttributeValue::S(order.order_id.clone()))
            .update_expression("SET #status = :status, #items = :items ADD starts :one")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#items", "items")
            .expression_attribute_values(":status", AttributeValue::S("STARTED".to_owned()))
            .expression_attribute_values(":items", AttributeValue::N(items.to_string()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .build()
    }

    pub(crate) fn stopped(&self, order: &OrderCancelled) -> Result<Update, BuildError> {
        Update::builder()
            .table_name(&self.table)
            .key("orderId", AttributeValue::S(order.order_id.clone()))
            .update_expression("SET #status = :status ADD stops :one")
            .condition_expression("attribute_exists(orderId)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", AttributeValue::S("STOPPED".to_owned()))
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .build()
    }
}
