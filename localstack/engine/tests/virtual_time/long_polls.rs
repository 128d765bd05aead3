//! What ends a long poll, and when.

use crate::world::{World, bodies};
use std::time::Duration;

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[tokio::test(start_paused = true)]
async fn a_poll_ends_when_a_message_arrives() {
    let world = World::new();
    let url = world.queue("q", &[]).await;
    let arrival = async {
        tokio::time::sleep(seconds(7)).await;
        world.send(&url, "x").await;
    };
    let (received, ()) = tokio::join!(world.receive(&url, 20), arrival);
    assert_eq!(bodies(&received), ["x"]);
    assert_eq!(world.elapsed(), seconds(7));
}

#[tokio::test(start_paused = true)]
async fn a_poll_ends_with_a_delay_and_with_a_visibility_timeout() {
    let world = World::new();
    let url = world
        .queue("q", &[("DelaySeconds", "5"), ("VisibilityTimeout", "8")])
        .await;
    world.send(&url, "x").await;
    assert_eq!(bodies(&world.receive(&url, 20).await), ["x"]);
    assert_eq!(world.elapsed(), seconds(5));
    assert_eq!(bodies(&world.receive(&url, 20).await), ["x"]);
    assert_eq!(world.elapsed(), seconds(13));
}

#[tokio::test(start_paused = true)]
async fn a_poll_without_messages_ends_when_its_time_is_over() {
    let world = World::new();
    let url = world
        .queue("q", &[("ReceiveMessageWaitTimeSeconds", "3")])
        .await;
    assert!(world.receive(&url, 20).await.is_empty());
    assert_eq!(world.elapsed(), seconds(20));
    let of_the_queue = world.sqs.receive_message().queue_url(&url).send();
    assert!(of_the_queue.await.expect("receives").messages().is_empty());
    assert_eq!(world.elapsed(), seconds(23));
}

#[tokio::test(start_paused = true)]
async fn a_poll_sees_what_another_consumer_gives_back_earlier_than_planned() {
    let world = World::new();
    let url = world.queue("q", &[]).await;
    world.send(&url, "x").await;
    let held = world.receive(&url, 0).await;
    let give_back = async {
        tokio::time::sleep(seconds(2)).await;
        world.hide(&url, &held[0], 4).await;
    };
    let (received, ()) = tokio::join!(world.receive(&url, 20), give_back);
    assert_eq!(bodies(&received), ["x"]);
    assert_eq!(world.elapsed(), seconds(6));
}

#[tokio::test(start_paused = true)]
async fn a_poll_ends_when_a_group_is_free_again() {
    let world = World::new();
    let url = world.queue("q.fifo", &[("FifoQueue", "true")]).await;
    world.send(&url, "first").await;
    let held = world.receive(&url, 0).await;
    world.send(&url, "second").await;
    let settle = async {
        tokio::time::sleep(seconds(4)).await;
        world.delete(&url, &held[0]).await;
    };
    let (received, ()) = tokio::join!(world.receive(&url, 20), settle);
    assert_eq!(bodies(&received), ["second"]);
    assert_eq!(world.elapsed(), seconds(4));
}

#[tokio::test(start_paused = true)]
async fn a_poll_ends_when_its_queue_is_deleted() {
    let world = World::new();
    let url = world.queue("q", &[]).await;
    let poll = world.sqs.receive_message().queue_url(&url);
    let delete = async {
        tokio::time::sleep(seconds(1)).await;
        let deleted = world.sqs.delete_queue().queue_url(&url).send().await;
        deleted.expect("is deleted");
    };
    let (polled, ()) = tokio::join!(poll.wait_time_seconds(20).send(), delete);
    let error = polled.expect_err("the queue is gone").into_service_error();
    assert!(error.is_queue_does_not_exist(), "{error}");
    assert_eq!(world.elapsed(), seconds(1));
}

#[tokio::test(start_paused = true)]
async fn hours_pass_at_once() {
    let world = World::new();
    let url = world.queue("q", &[("VisibilityTimeout", "43200")]).await;
    world.send(&url, "x").await;
    for round in 1..=4 {
        assert_eq!(bodies(&world.receive(&url, 20).await), ["x"]);
        tokio::time::sleep(seconds(43_190)).await;
        assert!(world.receive(&url, 0).await.is_empty(), "round {round}");
    }
}
