//! FIFO queues, transactions, at most once.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use fanline::{Attempt, Delivery, Envelope, Extract, Failure, State, Worker, at_most_once};
use fanline_testing::{Harness, MemoryTransaction, crash_at};

use crate::rig::{Charges, OrderPlaced, Rig, metrics, placed};

type Notes = Arc<Mutex<Vec<(String, u32)>>>;

#[tokio::test(start_paused = true)]
async fn fifo_group_stops_at_what_fails_and_comes_back_in_order() {
    let charges: Notes = Arc::default();
    async fn note(
        event: Envelope<OrderPlaced>,
        State(charges): State<Notes>,
        Attempt(attempt): Attempt,
    ) -> Result<(), Failure> {
        let OrderPlaced {
            order_id,
            paid_at_attempt,
        } = event.data;
        if attempt < paid_at_attempt {
            return Err(Failure::retry("not yet"));
        }
        charges.lock().unwrap().push((order_id, paid_at_attempt));
        Ok(())
    }
    let harness = Harness::new(Worker::new(Arc::clone(&charges)).on(note)).fifo();
    let events = [("a", 1), ("a", 2), ("a", 0), ("b", 0)]
        .map(|(id, paid_at_attempt)| harness.event(placed(id, paid_at_attempt)));
    let outcomes = harness.deliver_all(&events).await;
    let expected = ["succeeded", "retried", "unattempted", "succeeded"];
    assert_eq!(metrics(&outcomes), expected);
    assert_eq!(metrics(&harness.drain().await), ["succeeded"; 2]);
    let charges = charges.lock().unwrap();
    let of_a: Vec<u32> = charges
        .iter()
        .filter_map(|(id, number)| (id == "a").then_some(*number))
        .collect();
    assert_eq!(of_a, [1, 2, 0]);
}

struct Effects(Arc<MemoryTransaction>);

impl<S> Extract<S> for Effects {
    const TRANSACTIONAL: bool = true;

    fn extract(_: &S, delivery: &Delivery) -> Result<Self, Failure> {
        let transaction = delivery.transaction().cloned();
        let transaction = transaction.and_then(|it| it.as_any().downcast().ok());
        let missing = || Failure::reject("no transaction");
        transaction.map(Self).ok_or_else(missing)
    }
}

async fn charge_in_transaction(
    event: Envelope<OrderPlaced>,
    State(charges): State<Charges>,
    effects: Effects,
) -> Result<(), Failure> {
    let order_id = event.data.order_id;
    effects
        .0
        .add(move || charges.lock().unwrap().push(order_id));
    Ok(())
}

#[tokio::test]
async fn transaction_has_its_effect_once_whenever_it_is_killed() {
    let mut effects = BTreeSet::new();
    for wait in 1.. {
        let charges: Charges = Arc::default();
        let worker = Worker::new(Arc::clone(&charges)).on(charge_in_transaction);
        let harness = Harness::new(worker);
        let event = harness.event(placed("o-1", 1));
        let first = crash_at(wait, harness.deliver(&event)).await;
        harness.drain().await;
        assert_eq!(*charges.lock().unwrap(), ["o-1"], "killed at wait {wait}");
        effects.insert(metrics(&harness.outcomes()));
        if first.is_some() {
            break;
        }
    }
    let expected = [vec!["duplicate"], vec!["succeeded"]];
    assert_eq!(effects, expected.into());
}

#[tokio::test]
async fn at_most_once_is_lost_rather_than_run_twice() {
    let mut effects = BTreeSet::new();
    for wait in 1..=5 {
        let charges: Charges = Arc::default();
        async fn once(
            event: Envelope<OrderPlaced>,
            State(charges): State<Charges>,
        ) -> Result<(), Failure> {
            charges.lock().unwrap().push(event.data.order_id);
            Ok(())
        }
        let harness = Harness::new(Worker::new(Arc::clone(&charges)).on(at_most_once(once)));
        let event = harness.event(placed("o-1", 1));
        crash_at(wait, harness.deliver(&event)).await;
        harness.drain().await;
        effects.insert(charges.lock().unwrap().len());
    }
    assert_eq!(effects, [0, 1].into());
}

#[tokio::test]
#[should_panic(expected = "same FIFO group")]
async fn what_sqs_would_not_give_out_is_not_delivered() {
    async fn fail(_: Envelope<OrderPlaced>) -> Result<(), Failure> {
        Err(Failure::retry("no"))
    }
    let rig = Rig::new();
    let harness = Harness::new(Worker::new(()).on(fail)).fifo();
    harness.deliver(&rig.order("o-1", 1)).await;
    harness.deliver(&rig.order("o-1", 1)).await;
}
