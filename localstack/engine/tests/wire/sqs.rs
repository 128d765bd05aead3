//! Standard queues.

use crate::fixture::{bodies, code, start};
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName};

fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build()
        .expect("complete")
}

#[tokio::test]
async fn a_message_is_sent_received_and_deleted() {
    let fixture = start().await;
    let url = fixture.queue("orders", &[]).await;
    assert!(url.starts_with(&fixture.server.endpoint_url()), "{url}");
    let sent = fixture
        .sqs
        .send_message()
        .queue_url(&url)
        .message_body("hello")
        .message_attributes("kind", text("greeting"))
        .message_attributes(
            "raw",
            MessageAttributeValue::builder()
                .data_type("Binary")
                .binary_value(Blob::new([0, 255]))
                .build()
                .expect("complete"),
        )
        .send()
        .await
        .expect("is sent");
    assert_eq!(
        sent.md5_of_message_body(),
        Some("5d41402abc4b2a76b9719d911017c592")
    );
    let messages = fixture.receive(&url).await;
    let message = &messages[0];
    assert_eq!(
        message.md5_of_message_attributes(),
        sent.md5_of_message_attributes()
    );
    let attributes = message.message_attributes().expect("attributes");
    assert_eq!(attributes["kind"].string_value(), Some("greeting"));
    assert_eq!(attributes["raw"].binary_value(), Some(&Blob::new([0, 255])));
    let system = message.attributes().expect("system attributes");
    assert_eq!(
        system[&MessageSystemAttributeName::ApproximateReceiveCount],
        "1"
    );
    assert_eq!(
        system[&MessageSystemAttributeName::SentTimestamp],
        "1771065000000"
    );
    assert!(fixture.receive(&url).await.is_empty());
    let handle = message.receipt_handle().expect("handle");
    let delete = fixture
        .sqs
        .delete_message()
        .queue_url(&url)
        .receipt_handle(handle);
    delete.send().await.expect("is deleted");
    fixture.advance(60);
    assert!(fixture.receive(&url).await.is_empty());
}

#[tokio::test]
async fn a_stale_receipt_handle_does_not_delete() {
    let fixture = start().await;
    let url = fixture.queue("orders", &[("VisibilityTimeout", "5")]).await;
    fixture.send(&url, "once").await;
    let first = fixture.receive(&url).await;
    fixture.advance(6);
    let second = fixture.receive(&url).await;
    assert_eq!(second.len(), 1);
    let stale = first[0].receipt_handle().expect("handle");
    let delete = fixture
        .sqs
        .delete_message()
        .queue_url(&url)
        .receipt_handle(stale);
    delete.send().await.expect("AWS answers success");
    fixture.advance(6);
    assert_eq!(fixture.receive(&url).await.len(), 1);
}

/// What else ends a long poll is in `tests/virtual_time`.
#[tokio::test]
async fn a_long_poll_over_a_connection_wakes_on_arrival() {
    let fixture = start().await;
    let url = fixture.queue("orders", &[]).await;
    let poll = fixture
        .sqs
        .receive_message()
        .queue_url(&url)
        .wait_time_seconds(20)
        .send();
    // The clock stands still: nothing but the arrival can end the poll.
    let (received, ()) = tokio::join!(poll, fixture.send(&url, "arrival"));
    assert_eq!(received.expect("receives").messages().len(), 1);
}

#[tokio::test]
async fn too_many_receives_move_a_message_to_the_dead_letter_queue() {
    let fixture = start().await;
    let dead = fixture.queue("dead", &[]).await;
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"2"}"#;
    let url = fixture
        .queue(
            "orders",
            &[("RedrivePolicy", policy), ("VisibilityTimeout", "1")],
        )
        .await;
    fixture.send(&url, "poison").await;
    let mut id = String::new();
    for _ in 0..2 {
        let messages = fixture.receive(&url).await;
        id = messages[0].message_id().expect("id").to_owned();
        fixture.advance(2);
        assert!(fixture.receive(&dead).await.is_empty());
    }
    assert!(fixture.receive(&url).await.is_empty());
    let buried = fixture.receive(&dead).await;
    assert_eq!(buried[0].message_id(), Some(id.as_str()));
    let system = buried[0].attributes().expect("system attributes");
    assert_eq!(
        system[&MessageSystemAttributeName::DeadLetterQueueSourceArn],
        "arn:aws:sqs:us-east-1:000000000000:orders"
    );
    assert_eq!(
        system[&MessageSystemAttributeName::SentTimestamp],
        "1771065000000"
    );
    let sources = fixture
        .sqs
        .list_dead_letter_source_queues()
        .queue_url(&dead);
    assert_eq!(
        sources.send().await.expect("lists").queue_urls(),
        [url.as_str()]
    );
    fixture.advance(60);
    let redrive = fixture.sqs.start_message_move_task();
    let redrive = redrive.source_arn("arn:aws:sqs:us-east-1:000000000000:dead");
    redrive.send().await.expect("starts");
    let again = fixture.receive(&url).await;
    assert_eq!(bodies(&again), ["poison"]);
    assert_ne!(again[0].message_id(), Some(id.as_str()));
}

#[tokio::test]
async fn attributes_counts_tags_and_lists() {
    let fixture = start().await;
    let url = fixture.queue("orders", &[("DelaySeconds", "5")]).await;
    fixture.send(&url, "delayed").await;
    let attributes = fixture.sqs.get_queue_attributes().queue_url(&url);
    let attributes = attributes
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .expect("answers");
    let attributes = attributes.attributes().expect("some");
    assert_eq!(
        attributes[&QueueAttributeName::ApproximateNumberOfMessagesDelayed],
        "1"
    );
    assert_eq!(
        attributes[&QueueAttributeName::QueueArn],
        "arn:aws:sqs:us-east-1:000000000000:orders"
    );
    assert_eq!(attributes[&QueueAttributeName::DelaySeconds], "5");
    fixture
        .sqs
        .tag_queue()
        .queue_url(&url)
        .tags("team", "mail")
        .send()
        .await
        .expect("tags");
    let tags = fixture
        .sqs
        .list_queue_tags()
        .queue_url(&url)
        .send()
        .await
        .expect("lists");
    assert_eq!(tags.tags().expect("tags")["team"], "mail");
    fixture.queue("other", &[]).await;
    let listed = fixture
        .sqs
        .list_queues()
        .queue_name_prefix("ord")
        .send()
        .await
        .expect("lists");
    assert_eq!(listed.queue_urls(), [url.as_str()]);
    let page = fixture
        .sqs
        .list_queues()
        .max_results(1)
        .send()
        .await
        .expect("lists");
    let token = page.next_token().expect("there is more");
    let rest = fixture
        .sqs
        .list_queues()
        .max_results(1)
        .next_token(token)
        .send()
        .await
        .expect("lists");
    assert!(rest.queue_urls()[0].ends_with("/other"));
    assert!(rest.next_token().is_none());
    fixture
        .sqs
        .delete_queue()
        .queue_url(&url)
        .send()
        .await
        .expect("deletes");
    assert_eq!(
        code!(fixture.sqs.get_queue_url().queue_name("orders").send()),
        "AWS.SimpleQueueService.NonExistentQueue"
    );
}
