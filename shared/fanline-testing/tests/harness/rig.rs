//! A worker that charges an order when it is told to, and publishes that it did.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use fanline::{Attempt, Envelope, Event, Failure, Outcome, State, Worker, publish::Publish};
use fanline_testing::{Harness, RecordingPublisher};
use serde::{Deserialize, Serialize};

/// An order, paid once its handler has been called often enough.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct OrderPlaced {
    pub(crate) order_id: String,
    pub(crate) paid_at_attempt: u32,
}

impl Event for OrderPlaced {
    const TYPE: &'static str = "order.placed";

    fn entity(&self) -> Option<String> {
        Some(self.order_id.clone())
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct OrderPaid {
    pub(crate) order_id: String,
}

impl Event for OrderPaid {
    const TYPE: &'static str = "order.paid";
}

/// What was charged, by order.
pub(crate) type Charges = Arc<Mutex<Vec<String>>>;

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) publisher: Arc<dyn Publish>,
    pub(crate) charges: Charges,
}

pub(crate) async fn charge(
    event: Envelope<OrderPlaced>,
    State(app): State<App>,
    Attempt(attempt): Attempt,
) -> Result<(), Failure> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    if attempt < event.data.paid_at_attempt {
        return Err(Failure::retry("the bank is closed"));
    }
    let order_id = event.data.order_id;
    app.charges.lock().unwrap().push(order_id.clone());
    let paid = app.publisher.event(OrderPaid { order_id });
    app.publisher.publish(&[paid]).await?;
    Ok(())
}

pub(crate) struct Rig {
    pub(crate) harness: Harness,
    pub(crate) charges: Charges,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let publisher = RecordingPublisher::new("bank");
        let charges = Arc::default();
        let app = App {
            publisher: Arc::new(publisher.clone()),
            charges: Arc::clone(&charges),
        };
        let worker = Worker::new(app).on(charge);
        let harness = Harness::new(worker).publisher(&publisher);
        Self { harness, charges }
    }

    pub(crate) fn order(&self, order_id: &str, paid_at_attempt: u32) -> Envelope<OrderPlaced> {
        self.harness.event(placed(order_id, paid_at_attempt))
    }

    pub(crate) fn charges(&self) -> Vec<String> {
        self.charges.lock().unwrap().clone()
    }
}

pub(crate) fn metrics(outcomes: &[Outcome]) -> Vec<&'static str> {
    outcomes.iter().map(Outcome::metric).collect()
}

pub(crate) fn placed(order_id: &str, paid_at_attempt: u32) -> OrderPlaced {
    OrderPlaced {
        order_id: order_id.to_owned(),
        paid_at_attempt,
    }
}

pub(crate) fn paid(order_id: &str) -> OrderPaid {
    OrderPaid {
        order_id: order_id.to_owned(),
    }
}
