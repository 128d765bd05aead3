//! Move tasks as time passes: their rate, their end, and what stops them.

use crate::world::{World, bodies, redrive};
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::types::ListMessageMoveTasksResultEntry;
use std::time::Duration;

const DEAD: &str = "arn:aws:sqs:us-east-1:000000000000:dead";

/// A world with six dead letters, and the URLs of their source and of the dead-letter queue.
async fn with_dead_letters() -> (World, String, String) {
    let world = World::new();
    let dead = world.queue("dead", &[]).await;
    let url = world
        .queue(
            "q",
            &[
                ("RedrivePolicy", &redrive("dead", 1)),
                ("VisibilityTimeout", "0"),
            ],
        )
        .await;
    for number in 0..6 {
        world.send(&url, &number.to_string()).await;
    }
    assert_eq!(world.receive(&url, 0).await.len(), 6);
    assert!(world.receive(&url, 0).await.is_empty());
    (world, url, dead)
}

async fn start(world: &World, per_second: Option<i32>) -> String {
    let call = world.sqs.start_message_move_task().source_arn(DEAD);
    let call = call.set_max_number_of_messages_per_second(per_second);
    let started = call.send().await.expect("starts");
    started.task_handle.expect("has a handle")
}

async fn newest(world: &World) -> ListMessageMoveTasksResultEntry {
    let listed = world.sqs.list_message_move_tasks().source_arn(DEAD);
    let listed = listed.send().await.expect("lists");
    listed.results()[0].clone()
}

#[tokio::test(start_paused = true)]
async fn without_a_rate_everything_is_moved_at_once_as_new_messages() {
    let (world, url, dead) = with_dead_letters().await;
    let poll = world.receive(&url, 20);
    let (received, _) = tokio::join!(poll, start(&world, None));
    assert_eq!(received.len(), 6);
    let attributes = received[0].attributes().expect("has attributes");
    assert_eq!(
        attributes
            .get(&"ApproximateReceiveCount".into())
            .map(String::as_str),
        Some("1")
    );
    assert!(world.receive(&dead, 0).await.is_empty());
    let task = newest(&world).await;
    assert_eq!(task.status(), Some("COMPLETED"));
    assert_eq!(task.approximate_number_of_messages_moved(), 6);
    assert_eq!(task.task_handle(), None);
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept_and_wakes_the_polls_of_the_source() {
    let (world, url, _) = with_dead_letters().await;
    start(&world, Some(2)).await;
    let began = world.elapsed();
    let mut arrivals = Vec::new();
    while arrivals.len() < 6 {
        for message in world.receive(&url, 20).await {
            world.delete(&url, &message).await;
            arrivals.push((world.elapsed() - began).as_millis());
        }
    }
    assert_eq!(arrivals, [0, 500, 1000, 1500, 2000, 2500]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(newest(&world).await.status(), Some("COMPLETED"));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_task_leaves_the_rest_and_only_one_runs_at_a_time() {
    let (world, _, dead) = with_dead_letters().await;
    let handle = start(&world, Some(1)).await;
    let second = world.sqs.start_message_move_task().source_arn(DEAD).send();
    let error = second.await.expect_err("one runs already");
    assert_eq!(
        error.code(),
        Some("AWS.SimpleQueueService.UnsupportedOperation")
    );
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(newest(&world).await.status(), Some("RUNNING"));
    let cancel = || {
        let call = world.sqs.cancel_message_move_task();
        call.task_handle(&handle).send()
    };
    let cancelled = cancel().await.expect("is cancelled");
    assert_eq!(cancelled.approximate_number_of_messages_moved(), 2);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(newest(&world).await.status(), Some("CANCELLED"));
    assert_eq!(world.receive(&dead, 0).await.len(), 4);
    assert!(cancel().await.is_err(), "it does not run any more");
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_known_source_fails_the_task_and_stays() {
    let world = World::new();
    let dead = world.queue("dead", &[]).await;
    world
        .queue("q", &[("RedrivePolicy", &redrive("dead", 1))])
        .await;
    world.send(&dead, "sent here by hand").await;
    start(&world, None).await;
    let task = newest(&world).await;
    assert_eq!(task.status(), Some("FAILED"));
    assert_eq!(
        task.failure_reason(),
        Some("CouldNotDetermineMessageSource")
    );
    assert_eq!(
        bodies(&world.receive(&dead, 0).await),
        ["sent here by hand"]
    );
}
