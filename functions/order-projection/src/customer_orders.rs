//! The table of orders by customer: key `customerId` and `orderId`.

use aws_sdk_dynamodb::{
    error::BuildError,
    types::{AttributeValue, Update, builders::UpdateBuilder},
};
use events::{OrderCancelled, OrderPlaced};
use fanline_aws::{Environment, InvalidEnvironment};

#[derive(Clone, Debug)]
pub(crate) struct CustomerOrders {
    table: String,
}

impl CustomerOrders {
    /// Reads `CUSTOMER_ORDERS_TABLE`.
    pub(crate) fn from_environment() -> Result<Self, InvalidEnvironment> {
        let mut environment = Environment::read();
        let table = environment.required("CUSTOMER_ORDERS_TABLE");
        environment.check()?;
        Ok(Self { table })
    }

    pub(crate) fn placed(&self, order: &OrderPlaced) -> Result<Update, BuildError> {
        let items: u32 = order.items.iter().map(|item| item.quantity).sum();
        self.update(&order.customer_id, &order.order_id, "PLACED")
            .update_expression("SET #status = :status, #items = :items")
            .expression_attribute_names("#items", "items")
            .expression_attribute_values(":items", AttributeValue::N(items.to_string()))
            .build()
    }

    pub(crate) fn cancelled(&self, order: &OrderCancelled) -> Result<Update, BuildError> {
        self.update(&order.customer_id, &order.order_id, "CANCELLED")
            .update_expression("SET #status = :status")
            .build()
    }

    fn update(&self, customer_id: &str, order_id: &str, status: &str) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.table)
            .key("customerId", AttributeValue::S(customer_id.to_owned()))
            .key("orderId", AttributeValue::S(order_id.to_owned()))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", AttributeValue::S(status.to_owned()))
    }
}
