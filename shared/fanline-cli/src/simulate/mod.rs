//! `fanline simulate`: workers in a world that a seed decides, again and again, until a promise is broken.
//!
//! The scenarios of `fanline_testing::sim` are joined by those in which all but the Lambda host is real: dedup table and
//! `Tx` on DynamoDB, outbox, relay, publisher, SDK clients. The one thing to get wrong: something that the seed does not
//! decide. SDK clients do not try again here, for their pauses are random; ids and times come from the world.

mod aws;
mod command;
mod order_api;
mod orders;
mod outbox_relay;
mod scenario;
mod tally;

use fanline_testing::sim::{Simulation, scenarios};

pub use command::{Options, run};
pub use orders::{Orders, RelayOrder, orders, orders_in_any_order, orders_with};

/// Mails, by a worker whose dedup table is in DynamoDB.
pub fn mails_on_dynamodb() -> Simulation<scenarios::Effects> {
    scenarios::mails().store(|_, world| aws::Aws::new(world).dedup_store())
}
