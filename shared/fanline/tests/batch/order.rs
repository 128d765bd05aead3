//! FIFO groups and twins inside one batch.

use std::sync::Arc;

use fanline::{Batch, Message};

use crate::world::{Act, World, leased_message, standard};

fn fifo(messages: Vec<(&str, Message)>) -> Batch {
    let in_group = |(group, message): (&str, Message)| Message {
        group: Some(group.to_owned()),
        ..message
    };
    Batch {
        fifo: true,
        messages: messages.into_iter().map(in_group).collect(),
        ..Batch::default()
    }
}

fn metrics(report: &fanline::Report) -> Vec<&'static str> {
    report
        .outcomes()
        .map(|(_, outcome)| outcome.metric())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn failed_record_stops_its_group_alone() {
    let world = World::new();
    let batch = fifo(vec![
        ("a", leased_message("a1", "a-1", Act::Succeed)),
        ("b", leased_message("b1", "b-1", Act::TakeASecond)),
        ("a", leased_message("a2", "a-2", Act::Fail)),
        ("a", leased_message("a3", "a-3", Act::Succeed)),
        ("b", leased_message("b2", "b-2", Act::Succeed)),
    ]);
    let report = world.process(&world.processor(), batch).await;
    assert_eq!(
        metrics(&report),
        [
            "succeeded",
            "succeeded",
            "retried",
            "unattempted",
            "succeeded"
        ]
    );
    assert_eq!(report.failures().collect::<Vec<_>>(), ["a2", "a3"]);
    assert_eq!(
        *world.journal.effects.lock().unwrap(),
        ["a-1", "b-1", "b-2"]
    );
}

#[tokio::test(start_paused = true)]
async fn undecodable_record_stops_its_group_too() {
    let world = World::new();
    let batch = fifo(vec![
        ("a", fanline_testing::message("a1", "not json")),
        ("a", leased_message("a2", "a-2", Act::Succeed)),
    ]);
    let report = world.process(&world.processor(), batch).await;
    assert_eq!(metrics(&report), ["rejected", "unattempted"]);
}

#[tokio::test(start_paused = true)]
async fn groups_run_in_parallel() {
    let world = World::new();
    let groups = ["a", "b", "c", "d"];
    let message = |group: &'static str| (group, leased_message(group, group, Act::TakeASecond));
    let started = tokio::time::Instant::now();
    let report = world
        .process(&world.processor(), fifo(groups.map(message).into()))
        .await;
    assert_eq!(report.failures().count(), 0);
    assert_eq!(started.elapsed().as_secs(), 1);
}

#[tokio::test(start_paused = true)]
async fn same_key_twice_in_a_batch_runs_once() {
    let world = World::new();
    for (act, expected) in [
        (Act::Succeed, ["succeeded", "duplicate", "duplicate"]),
        (Act::Fail, ["retried", "retried", "retried"]),
        (Act::Reject, ["rejected", "rejected", "rejected"]),
    ] {
        let event = format!("{act:?}");
        let twins = ["m-1", "m-2", "m-3"].map(|id| leased_message(id, &event, act));
        let report = world
            .process(&world.processor(), standard(twins.into()))
            .await;
        assert_eq!(metrics(&report), expected);
        let starts = world.journal.starts.lock().unwrap();
        assert_eq!(starts.iter().filter(|id| **id == event).count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn same_key_with_other_data_in_a_batch_is_a_conflict() {
    let world = World::new();
    let batch = standard(vec![
        leased_message("m-1", "e-1", Act::Succeed),
        leased_message("m-2", "e-1", Act::TakeASecond),
    ]);
    let report = world.process(&world.processor(), batch).await;
    assert_eq!(metrics(&report), ["succeeded", "conflict"]);
}

/// Twins across groups with one handler at a time: the lane that waits must not hold the permit
/// that the lane it waits for needs.
#[tokio::test(start_paused = true)]
async fn twin_in_another_group_does_not_deadlock() {
    let world = World::new();
    let processor = world.processor_of(1, Arc::new(world.store.clone()));
    let batch = fifo(vec![
        ("a", leased_message("a1", "first", Act::TakeASecond)),
        ("b", leased_message("b1", "shared", Act::TakeASecond)),
        ("a", leased_message("a2", "shared", Act::TakeASecond)),
        ("b", leased_message("b2", "first", Act::TakeASecond)),
        ("a", leased_message("a3", "last", Act::TakeASecond)),
    ]);
    let started = tokio::time::Instant::now();
    let report = world.process(&processor, batch).await;
    assert_eq!(
        metrics(&report),
        [
            "succeeded",
            "succeeded",
            "duplicate",
            "duplicate",
            "succeeded"
        ]
    );
    assert_eq!(started.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn standard_queue_ignores_group_ids() {
    let world = World::new();
    let in_group = |id: &str, act| Message {
        group: Some("tenant".to_owned()),
        ..leased_message(id, id, act)
    };
    let batch = standard(vec![
        in_group("m-1", Act::Fail),
        in_group("m-2", Act::Succeed),
    ]);
    let report = world.process(&world.processor(), batch).await;
    assert_eq!(metrics(&report), ["retried", "succeeded"]);
}
