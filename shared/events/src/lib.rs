//! The example domain's events, shared by the functions that publish and handle them.

use fanline::Event;
use serde::{Deserialize, Serialize};

/// Somebody signed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserSignedUp {
    /// The new user's id.
    pub user_id: String,
    /// Where to write to.
    pub email: String,
}

impl Event for UserSignedUp {
    const TYPE: &'static str = "user.signed_up";
}

/// What is ordered, and how many of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Stock-keeping unit.
    pub sku: String,
    /// At least one.
    pub quantity: u32,
}

/// A customer placed an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderPlaced {
    /// The order's id.
    pub order_id: String,
    /// Whose order it is.
    pub customer_id: String,
    /// At least one.
    pub items: Vec<Item>,
    /// Place among the order's events, from 1.
    pub sequence: u64,
}

impl Event for OrderPlaced {
    const TYPE: &'static str = "order.placed";

    fn entity(&self) -> Option<String> {
        Some(self.order_id.clone())
    }
}

/// A customer cancelled an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderCancelled {
    /// The order's id.
    pub order_id: String,
    /// Whose order it was.
    pub customer_id: String,
    /// Place among the order's events.
    pub sequence: u64,
}

impl Event for OrderCancelled {
    const TYPE: &'static str = "order.cancelled";

    fn entity(&self) -> Option<String> {
        Some(self.order_id.clone())
    }
}
