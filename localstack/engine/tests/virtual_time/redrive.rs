//! Receives that are repeated, and queues that may not be used as dead-letter queues.

use crate::world::{World, bodies, redrive};
use aws_sdk_sqs::error::ProvideErrorMetadata as _;
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use std::time::Duration;

async fn attempt(world: &World, url: &str, id: &str) -> Vec<Message> {
    let call = world.sqs.receive_message().queue_url(url);
    let call = call
        .receive_request_attempt_id(id)
        .max_number_of_messages(10);
    let received = call.send().await.expect("receives");
    received.messages.unwrap_or_default()
}

fn handles(messages: &[Message]) -> Vec<Option<&str>> {
    messages.iter().map(Message::receipt_handle).collect()
}

#[tokio::test(start_paused = true)]
async fn a_repeated_attempt_gives_the_same_messages_and_hides_them_anew() {
    let world = World::new();
    let url = world.queue("q.fifo", &[("FifoQueue", "true")]).await;
    world.send(&url, "a").await;
    world.send(&url, "b").await;
    let first = attempt(&world, &url, "try-1").await;
    assert_eq!(bodies(&first), ["a", "b"]);
    tokio::time::sleep(Duration::from_secs(20)).await;
    let again = attempt(&world, &url, "try-1").await;
    assert_eq!(handles(&again), handles(&first));
    assert!(attempt(&world, &url, "try-2").await.is_empty());
    // Hidden for 30 s from the second attempt on, not from the first.
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(world.receive(&url, 0).await.is_empty());
    world.delete(&url, &first[0]).await;
    assert!(attempt(&world, &url, "try-1").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_attempt_is_forgotten_after_five_minutes() {
    let world = World::new();
    let url = world
        .queue(
            "q.fifo",
            &[("FifoQueue", "true"), ("VisibilityTimeout", "600")],
        )
        .await;
    world.send(&url, "a").await;
    assert_eq!(attempt(&world, &url, "try").await.len(), 1);
    tokio::time::sleep(Duration::from_secs(299)).await;
    assert_eq!(attempt(&world, &url, "try").await.len(), 1);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(attempt(&world, &url, "try").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_queue_chooses_its_sources() {
    let world = World::new();
    let dead = world.queue("dead", &[]).await;
    let url = world.queue("q", &[]).await;
    let allow = QueueAttributeName::RedriveAllowPolicy;
    for (policy, admitted) in [
        (r#"{"redrivePermission":"denyAll"}"#, false),
        (
            r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:other"]}"#,
            false,
        ),
        (
            r#"{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:q"]}"#,
            true,
        ),
        (r#"{"redrivePermission":"allowAll"}"#, true),
    ] {
        world.set(&dead, allow.clone(), policy).await;
        let call = world.sqs.set_queue_attributes().queue_url(&url);
        let call = call.attributes(QueueAttributeName::RedrivePolicy, redrive("dead", 3));
        let outcome = call.send().await;
        assert_eq!(outcome.is_ok(), admitted, "{policy}: {outcome:?}");
    }
    let bad = world.sqs.set_queue_attributes().queue_url(&dead);
    let bad = bad.attributes(allow, r#"{"redrivePermission":"byQueue"}"#);
    let error = bad.send().await.expect_err("sources are missing");
    assert_eq!(error.code(), Some("InvalidAttributeValue"));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_queues_name_is_free_after_a_minute() {
    let world = World::new();
    let url = world.queue("q", &[]).await;
    world.send(&url, "gone").await;
    let deleted = world.sqs.delete_queue().queue_url(&url).send().await;
    deleted.expect("is deleted");
    let early = world.sqs.create_queue().queue_name("q").send().await;
    let error = early.expect_err("is too early").into_service_error();
    assert!(error.is_queue_deleted_recently(), "{error}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let url = world.queue("q", &[]).await;
    assert!(world.receive(&url, 0).await.is_empty());
}
