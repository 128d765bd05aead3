//! Mistakes of applications: found, made small, and told.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use fanline::{Envelope, Event, Failure, State, Worker};
use fanline_testing::sim::{Property, Simulation};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct PaymentDue {
    amount: u64,
}

impl Event for PaymentDue {
    const TYPE: &'static str = "payment.due";
}

/// What was charged for each event.
#[derive(Clone, Default)]
struct Bank(Arc<Mutex<BTreeMap<String, u64>>>);

/// Charges at each run: once more after a crash between the charge and the end.
async fn charge(event: Envelope<PaymentDue>, State(bank): State<Bank>) -> Result<(), Failure> {
    tokio::time::sleep(Duration::from_millis(20)).await;
    *bank
        .0
        .lock()
        .unwrap()
        .entry(event.id().to_owned())
        .or_default() += event.data.amount;
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(())
}

fn payments() -> Simulation<Bank> {
    Simulation::new(Bank::default)
        .events(30, |_| PaymentDue { amount: 5 })
        .consumer("payments", |bank: &Bank| {
            Worker::new(bank.clone()).on(charge)
        })
        .check(|bank, _| {
            let bank = bank.0.lock().unwrap();
            let wrong = bank.iter().find(|(_, charged)| **charged != 5);
            wrong.map_or(Ok(()), |(event, charged)| {
                Err(format!("{event} was charged {charged}"))
            })
        })
}

#[test]
fn effect_that_is_not_idempotent_is_found_and_told() {
    let failure = (0..100)
        .find_map(|seed| payments().find_failure(seed))
        .unwrap();
    assert_eq!(failure.violation.property, Property::Application);
    let event = failure.violation.event.clone().unwrap();
    // One event, and what made its handler run twice.
    assert_eq!(failure.events, (30, 1), "{failure}");
    assert!((1..=3).contains(&failure.faults.1), "{failure}");
    assert!(failure.faults.0 > failure.faults.1);
    let text = failure.to_string();
    assert_eq!(text.matches("handler begins").count(), 2, "{text}");
    assert!(text.contains(&format!("seed {}", failure.seed)) && text.contains(&event));
    let picture = failure.picture();
    assert!(picture.starts_with("<svg") && picture.contains("handler begins, attempt 2"));
    // The same again, from the seed alone.
    let again = payments().find_failure(failure.seed).unwrap();
    assert_eq!(again.to_string(), text);
}

#[test]
#[should_panic(expected = "the application's own check")]
fn assert_panics_with_the_story() {
    payments().assert(0..100);
}

/// Waits for something that never comes. All comes to rest all the same: the deadline stops it, the plan gives it up.
async fn hang(_: Envelope<PaymentDue>) -> Result<(), Failure> {
    std::future::pending().await
}

#[test]
fn handler_that_hangs_ends_in_the_dead_letter_queue() {
    let simulation = Simulation::new(|| ())
        .only_in_lambda()
        .events(10, |_| PaymentDue { amount: 1 })
        .consumer("payments", |_: &()| Worker::new(()).on(hang))
        .check(
            |_, end| match end.dead_letters("payments") == end.accepted() {
                true => Ok(()),
                false => Err("some are no dead letters".to_owned()),
            },
        );
    simulation.assert(0..20);
}
