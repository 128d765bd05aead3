//! Business keys: one worker's handlers do not get into each other's way.

use std::sync::{Arc, Mutex};

use fanline::{Envelope, Event, Failure, State, Worker, keyed};
use fanline_testing::{MemoryStore, envelope, message};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::world::{World, outcomes, standard};

#[derive(Serialize, Deserialize)]
struct Issued {
    number: String,
}

impl Event for Issued {
    const TYPE: &'static str = "invoice.issued";
}

#[derive(Serialize, Deserialize)]
struct Cancelled {
    number: String,
}

impl Event for Cancelled {
    const TYPE: &'static str = "invoice.cancelled";
}

type Booked = Arc<Mutex<Vec<String>>>;

async fn book(event: Envelope<Issued>, State(booked): State<Booked>) -> Result<(), Failure> {
    booked
        .lock()
        .unwrap()
        .push(format!("issued {}", event.data.number));
    Ok(())
}

async fn unbook(event: Envelope<Cancelled>, State(booked): State<Booked>) -> Result<(), Failure> {
    booked
        .lock()
        .unwrap()
        .push(format!("cancelled {}", event.data.number));
    Ok(())
}

#[tokio::test]
async fn same_business_key_of_two_types_runs_both_and_each_once() {
    let (world, booked) = (World::new(), Booked::default());
    let worker = Worker::new(Arc::clone(&booked))
        .on(keyed(book, |event: &Issued| event.number.clone()))
        .on(keyed(unbook, |event: &Cancelled| event.number.clone()));
    let store = Arc::new(MemoryStore::default());
    let processor =
        fanline::Processor::new(worker, "books", store, Arc::clone(&world.system) as _).unwrap();
    let event = |id: &str, name: &str| message(id, envelope(name, id, json!({"number": "7"})));
    let together = vec![event("1", Issued::TYPE), event("2", Cancelled::TYPE)];
    let again = vec![event("3", Issued::TYPE), event("4", Cancelled::TYPE)];
    let mut metrics = Vec::new();
    for batch in [together, again] {
        let report = world.process(&processor, standard(batch)).await;
        metrics.extend(outcomes(&report).iter().map(|outcome| outcome.metric()));
    }
    assert_eq!(
        metrics,
        ["succeeded", "succeeded", "duplicate", "duplicate"]
    );
    assert_eq!(*booked.lock().unwrap(), ["issued 7", "cancelled 7"]);
}

#[tokio::test]
async fn two_handlers_for_one_event_are_refused() {
    let worker = Worker::new(Booked::default()).on(book).on(book);
    let world = World::new();
    let refused = fanline::Processor::new(
        worker,
        "books",
        Arc::new(MemoryStore::default()),
        world.system,
    );
    let error = refused.err().unwrap().to_string();
    assert_eq!(
        error,
        "worker cannot run: two handlers for invoice.issued version 1"
    );
}
