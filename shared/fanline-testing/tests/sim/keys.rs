//! Handlers with idempotency keys of their own.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use fanline::{Envelope, Event, Failure, State, Worker, keyed};
use fanline_testing::sim::Simulation;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct InvoicePaid {
    invoice: String,
}

impl Event for InvoicePaid {
    const TYPE: &'static str = "invoice.paid";
}

/// Receipts by invoice.
#[derive(Clone, Default)]
struct Receipts(Arc<Mutex<BTreeMap<String, u32>>>);

async fn send_receipt(
    event: Envelope<InvoicePaid>,
    State(receipts): State<Receipts>,
) -> Result<(), Failure> {
    let mut receipts = receipts.0.lock().unwrap();
    *receipts.entry(event.data.invoice).or_default() += 1;
    Ok(())
}

/// Each invoice is told of three times, by events of their own.
#[test]
fn events_of_one_key_are_handled_as_one() {
    let key = |data: &InvoicePaid| data.invoice.clone();
    Simulation::new(Receipts::default)
        .events(60, |number| InvoicePaid {
            invoice: format!("invoice-{}", number % 20),
        })
        .consumer("receipts", move |receipts: &Receipts| {
            Worker::new(receipts.clone()).on(keyed(send_receipt, key))
        })
        .check(|receipts, end| {
            let (handled, letters) = (end.handled("receipts"), end.dead_letters("receipts"));
            let accounted = end
                .accepted()
                .iter()
                .all(|id| handled.contains(id) || letters.contains(id));
            match accounted && !receipts.0.lock().unwrap().is_empty() {
                true => Ok(()),
                false => Err("an event is neither handled nor a dead letter".to_owned()),
            }
        })
        .assert(0..40);
}
