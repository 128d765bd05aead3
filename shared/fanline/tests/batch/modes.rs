//! At most once: the event is marked before its handler runs. And what new events follow from.

use std::sync::{Arc, Mutex};

use fanline::{
    Cause, Envelope, Failure, Metadata, Outcome, Processor, State, System, Worker, at_most_once,
    dedup::Status,
};
use fanline_testing::{Fault, FaultyStore, MemoryQueue, MemoryStore, envelope, message};
use serde_json::json;

use crate::world::{Act, Leased, World, leased, leased_message, outcomes, standard};

fn once(world: &World, store: MemoryStore, faults: &[Fault]) -> Processor {
    let worker = Worker::new(world.journal.clone()).on(at_most_once(leased));
    let store = FaultyStore::new(Arc::new(store), faults.iter().copied());
    world.processor_with(worker, Arc::new(store))
}

#[tokio::test(start_paused = true)]
async fn handler_runs_once_whatever_it_comes_to() {
    for act in [
        Act::Succeed,
        Act::Fail,
        Act::FindItDown,
        Act::Panic,
        Act::Hang,
    ] {
        let world = World::with_queue(MemoryQueue::new());
        let processor = once(&world, world.store.clone(), &[]);
        let message = leased_message("m-1", "e-1", act);
        let report = world
            .process(&processor, standard(vec![message.clone()]))
            .await;
        let outcome = outcomes(&report).remove(0);
        match &outcome {
            Outcome::Succeeded => assert_eq!(act, Act::Succeed),
            // To be looked at.
            Outcome::DeadLettered { error, .. } => {
                assert!(
                    error.ends_with("; not tried again, as it runs at most once"),
                    "{error}"
                );
            }
            other => panic!("{act:?}: {other}"),
        }
        let again = world.process(&processor, standard(vec![message])).await;
        assert_eq!(outcomes(&again), [Outcome::Duplicate], "{act:?}");
        assert_eq!(world.journal.starts.lock().unwrap().len(), 1, "{act:?}");
        assert_eq!(world.store.records()["consumer#e-1"].status, Status::Done);
    }
}

/// Killed at any await, it has run once or not at all.
#[tokio::test(start_paused = true)]
async fn handler_never_runs_twice_though_its_process_is_killed() {
    for polls in 0..8 {
        let world = World::new();
        let processor = once(&world, world.store.clone(), &[]);
        let batch = standard(vec![leased_message("m-1", "e-1", Act::TakeASecond)]);
        {
            let mut invocation = std::pin::pin!(world.process(&processor, batch.clone()));
            for _ in 0..polls {
                tokio::select! {
                    biased;
                    _ = &mut invocation => break,
                    () = tokio::task::yield_now() => {}
                }
            }
        }
        let report = world.process(&processor, batch).await;
        assert_eq!(report.failures().count(), 0);
        assert!(
            world.journal.starts.lock().unwrap().len() <= 1,
            "killed after {polls}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn handler_that_is_not_reached_before_the_deadline_is_not_marked() {
    let world = World::new();
    let worker = Worker::new(world.journal.clone())
        .on(at_most_once(leased))
        .concurrency(std::num::NonZeroUsize::MIN);
    let processor = world.processor_with(worker, Arc::new(world.store.clone()));
    let messages = vec![
        leased_message("m-1", "e-1", Act::Hang),
        leased_message("m-2", "e-2", Act::Succeed),
    ];
    let report = world.process(&processor, standard(messages)).await;
    assert_eq!(outcomes(&report)[1], Outcome::Unattempted);
    assert!(!world.store.records().contains_key("consumer#e-2"));
}

#[test]
fn at_most_once_and_a_transaction_exclude_each_other() {
    let world = World::new();
    let worker = Worker::new(world.journal.clone()).on(at_most_once(crate::world::transacted));
    let system = Arc::clone(&world.system) as _;
    let error = Processor::new(worker, "consumer", Arc::new(world.store), system).err();
    assert_eq!(
        error.unwrap().to_string(),
        "worker cannot run: the handler for transaction.used version 1 takes a transaction, which commits after it, \
         and is at most once, which is decided before: choose one"
    );
}

/// What a handler publishes continues the thread of the message it handles, without its doing anything.
#[tokio::test(start_paused = true)]
async fn events_made_by_a_handler_follow_from_its_message() {
    type Made = Arc<Mutex<Vec<Metadata>>>;
    async fn publish(
        _: Envelope<Leased>,
        State((made, system)): State<(Made, Arc<dyn System>)>,
    ) -> Result<(), Failure> {
        tokio::task::yield_now().await;
        let metadata = Metadata::new(system.as_ref(), "tests", 1);
        made.lock().unwrap().push(metadata);
        Ok(())
    }
    let world = World::new();
    let made = Made::default();
    let state = (
        Arc::clone(&made),
        Arc::clone(&world.system) as Arc<dyn System>,
    );
    let worker = Worker::new(state).on(publish);
    let system = Arc::clone(&world.system) as _;
    let store = Arc::new(world.store.clone());
    let processor = Processor::new(worker, "consumer", store, system).unwrap();
    let mut first = envelope("lease.used", "e-1", json!({"act": "Succeed"}));
    first["metadata"]["correlationId"] = "request-1".into();
    first["metadata"]["traceparent"] = "00-trace".into();
    let second = envelope("lease.used", "e-2", json!({"act": "Succeed"}));
    let batch = standard(vec![message("m-1", first), message("m-2", second)]);
    let report = world.process(&processor, batch).await;
    assert_eq!(report.failures().count(), 0);
    let made = made.lock().unwrap();
    let thread = |metadata: &Metadata| Cause {
        correlation_id: metadata.correlation_id.clone(),
        causation_id: metadata.causation_id.clone(),
        traceparent: metadata.traceparent.clone(),
    };
    let cause = |correlation: &str, causation: &str, traceparent: Option<&str>| Cause {
        correlation_id: Some(correlation.to_owned()),
        causation_id: Some(causation.to_owned()),
        traceparent: traceparent.map(str::to_owned),
    };
    let mut threads: Vec<Cause> = made.iter().map(thread).collect();
    threads.sort_by_key(|thread| thread.causation_id.clone());
    // The first of its thread gives it its own id.
    assert_eq!(
        threads,
        [
            cause("request-1", "e-1", Some("00-trace")),
            cause("e-2", "e-2", None)
        ]
    );
}
