//! Starts the fulfilment of each order and stops it when the order is cancelled, effectively once and in the
//! order of each order's events: its queue is FIFO.

mod fulfilments;

use events::{OrderCancelled, OrderPlaced};
use fanline::{Envelope, Failure, State, Worker};
use fanline_aws::Tx;
use fulfilments::Fulfilments;

async fn start(
    event: Envelope<OrderPlaced>,
    State(fulfilments): State<Fulfilments>,
    tx: Tx,
) -> Result<(), Failure> {
    tx.update(fulfilments.started(&event.data)?);
    Ok(())
}

async fn stop(
    event: Envelope<OrderCancelled>,
    State(fulfilments): State<Fulfilments>,
    tx: Tx,
) -> Result<(), Failure> {
    tx.update(fulfilments.stopped(&event.data)?)
        .or_else(|_| Failure::retry("the order's fulfilment has not started"));
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), fanline_aws::Error> {
    let fulfilments = Fulfilments::from_environment()?;
    fanline_aws::run(Worker::new(fulfilments).on(start).on(stop)).await
}
