//! Keeps the table of orders by customer, which `order-api` shows.
//!
//! Its queue is a standard one: events of an order may come late or out of turn. Their numbers keep the table
//! right, and an event whose predecessor never comes is a dead letter rather than half an order.

mod customer_orders;

use customer_orders::CustomerOrders;
use events::{OrderCancelled, OrderPlaced};
use fanline::{Envelope, Failure, State, Worker};
use fanline_aws::{Tx, dynamodb::Sequence};

/// The last of the five attempts.
const GAP_ATTEMPTS: u32 = 5;

async fn placed(
    event: Envelope<OrderPlaced>,
    State(orders): State<CustomerOrders>,
    tx: Tx,
) -> Result<(), Failure> {
    tx.in_sequence(place(&event.data.order_id, event.data.sequence));
    tx.update(orders.placed(&event.data)?);
    Ok(())
}

async fn cancelled(
    event: Envelope<OrderCancelled>,
    State(orders): State<CustomerOrders>,
    tx: Tx,
) -> Result<(), Failure> {
    tx.in_sequence(place(&event.data.order_id, event.data.sequence));
    tx.update(orders.cancelled(&event.data)?);
    Ok(())
}

fn place(order_id: &str, sequence: u64) -> Sequence {
    Sequence::new(order_id, sequence)
        .gap_attempts(GAP_ATTEMPTS)
        .or_reject()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), fanline_aws::Error> {
    let orders = CustomerOrders::from_environment()?;
    fanline_aws::run(Worker::new(orders).on(placed).on(cancelled)).await
}
