//! FIFO queues.

use crate::fixture::{Fixture, bodies, code, start};
use aws_sdk_sqs::operation::send_message::SendMessageOutput;
use aws_sdk_sqs::types::MessageSystemAttributeName;

async fn put(fixture: &Fixture, url: &str, group: &str, body: &str) -> SendMessageOutput {
    let call = fixture.sqs.send_message().queue_url(url).message_body(body);
    call.message_group_id(group).send().await.expect("is sent")
}

async fn queue(fixture: &Fixture) -> String {
    let attributes = [
        ("FifoQueue", "true"),
        ("ContentBasedDeduplication", "true"),
        ("VisibilityTimeout", "10"),
    ];
    fixture.queue("orders.fifo", &attributes).await
}

async fn take(fixture: &Fixture, url: &str, most: i32) -> Vec<aws_sdk_sqs::types::Message> {
    let call = fixture
        .sqs
        .receive_message()
        .queue_url(url)
        .max_number_of_messages(most);
    let call = call.message_system_attribute_names(MessageSystemAttributeName::All);
    call.send()
        .await
        .expect("receives")
        .messages
        .unwrap_or_default()
}

#[tokio::test]
async fn a_group_is_blocked_until_its_messages_are_settled() {
    let fixture = start().await;
    let url = queue(&fixture).await;
    for body in ["a1", "a2", "a3"] {
        put(&fixture, &url, "a", body).await;
    }
    put(&fixture, &url, "b", "b1").await;
    let first = take(&fixture, &url, 2).await;
    assert_eq!(bodies(&first), ["a1", "a2"]);
    let second = take(&fixture, &url, 10).await;
    assert_eq!(bodies(&second), ["b1"]);
    let handle = first[0].receipt_handle().expect("handle");
    let delete = fixture
        .sqs
        .delete_message()
        .queue_url(&url)
        .receipt_handle(handle);
    delete.send().await.expect("is deleted");
    assert!(take(&fixture, &url, 10).await.is_empty());
    fixture.advance(11);
    assert_eq!(bodies(&take(&fixture, &url, 10).await), ["a2", "a3", "b1"]);
}

#[tokio::test]
async fn a_released_message_is_not_overtaken() {
    let fixture = start().await;
    let url = queue(&fixture).await;
    for body in ["a1", "a2", "a3"] {
        put(&fixture, &url, "a", body).await;
    }
    let held = take(&fixture, &url, 2).await;
    for message in &held {
        let handle = message.receipt_handle().expect("handle");
        let change = fixture.sqs.change_message_visibility().queue_url(&url);
        let change = change.receipt_handle(handle).visibility_timeout(0);
        change.send().await.expect("is released");
    }
    assert_eq!(bodies(&take(&fixture, &url, 10).await), ["a1", "a2", "a3"]);
}

#[tokio::test]
async fn a_duplicate_within_five_minutes_is_swallowed() {
    let fixture = start().await;
    let url = queue(&fixture).await;
    let first = put(&fixture, &url, "a", "same").await;
    fixture.advance(299);
    let second = put(&fixture, &url, "a", "same").await;
    assert_eq!(first.message_id(), second.message_id());
    assert_eq!(first.sequence_number(), second.sequence_number());
    fixture.advance(2);
    let third = put(&fixture, &url, "a", "same").await;
    assert!(third.sequence_number() > first.sequence_number());
    assert_eq!(take(&fixture, &url, 10).await.len(), 2);
}

#[tokio::test]
async fn an_expired_handle_and_missing_ids_are_refused() {
    let fixture = start().await;
    let url = queue(&fixture).await;
    put(&fixture, &url, "a", "x").await;
    let held = take(&fixture, &url, 1).await;
    let system = held[0].attributes().expect("system attributes");
    assert_eq!(system[&MessageSystemAttributeName::MessageGroupId], "a");
    assert_eq!(
        system[&MessageSystemAttributeName::SequenceNumber].len(),
        20
    );
    fixture.advance(11);
    let handle = held[0].receipt_handle().expect("handle");
    let delete = fixture
        .sqs
        .delete_message()
        .queue_url(&url)
        .receipt_handle(handle);
    assert_eq!(code!(delete.send()), "InvalidParameterValue");
    let send = || fixture.sqs.send_message().queue_url(&url).message_body("y");
    assert_eq!(code!(send().send()), "MissingParameter");
    assert_eq!(
        code!(send().message_group_id("a").delay_seconds(5).send()),
        "InvalidParameterValue"
    );
    let plain = fixture.queue("plain.fifo", &[("FifoQueue", "true")]).await;
    let send = fixture
        .sqs
        .send_message()
        .queue_url(&plain)
        .message_body("y");
    assert_eq!(
        code!(send.message_group_id("a").send()),
        "InvalidParameterValue"
    );
}
