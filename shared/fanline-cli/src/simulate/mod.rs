//! Simulations in which all but the Lambda host is real: dedup table and `Tx` on DynamoDB, outbox, relay, publisher,
//! SDK clients. Those without AWS are `fanline_testing::sim::scenarios`.
//!
//! The one thing to get wrong: something that the seed does not decide. SDK clients do not try again here, for their
//! pauses are random; ids and times come from the world.

mod aws;
mod ordering;
mod orders;
mod relaying;

use fanline_testing::sim::{Simulation, scenarios};

pub use orders::{Orders, RelayOrder, orders, orders_in_any_order, orders_with};

/// Mails, by a worker whose dedup table is in DynamoDB.
pub fn mails_on_dynamodb() -> Simulation<scenarios::Effects> {
    scenarios::mails().store(|_, world| aws::Aws::new(world).dedup_store())
}
