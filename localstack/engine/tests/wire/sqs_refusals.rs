//! What SQS refuses, with AWS's codes: whole calls, and single entries of a batch.

use crate::fixture::{code, start};
use aws_sdk_sqs::types::{
    DeleteMessageBatchRequestEntry, MessageAttributeValue, QueueAttributeName,
    SendMessageBatchRequestEntry,
};

fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build()
        .expect("complete")
}

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder()
        .id(id)
        .message_body(body)
        .build()
        .expect("complete")
}

#[tokio::test]
async fn a_batch_fails_entry_by_entry_or_as_a_whole() {
    let fixture = start().await;
    let url = fixture
        .queue("orders", &[("MaximumMessageSize", "1024")])
        .await;
    let batch = || fixture.sqs.send_message_batch().queue_url(&url);
    let sent = batch()
        .entries(entry("a", "fine"))
        .entries(entry("b", &"x".repeat(1025)))
        .entries(entry("c", "\u{1}"))
        .send()
        .await
        .expect("answers");
    assert_eq!(sent.successful().len(), 1);
    let failed: Vec<_> = sent
        .failed()
        .iter()
        .map(|entry| (entry.id(), entry.code(), entry.sender_fault()))
        .collect();
    assert_eq!(
        failed,
        [
            ("b", "InvalidParameterValue", true),
            ("c", "InvalidMessageContents", true)
        ]
    );
    assert_eq!(
        code!(batch().set_entries(Some(vec![])).send()),
        "AWS.SimpleQueueService.EmptyBatchRequest"
    );
    let eleven = (0..11)
        .map(|number| entry(&number.to_string(), "x"))
        .collect();
    assert_eq!(
        code!(batch().set_entries(Some(eleven)).send()),
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
    );
    assert_eq!(
        code!(
            batch()
                .entries(entry("a", "x"))
                .entries(entry("a", "y"))
                .send()
        ),
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"
    );
    let large = "x".repeat(600_000);
    assert_eq!(
        code!(
            batch()
                .entries(entry("a", &large))
                .entries(entry("b", &large))
                .send()
        ),
        "AWS.SimpleQueueService.BatchRequestTooLong"
    );
    let delete = fixture.sqs.delete_message_batch().queue_url(&url);
    let bad = DeleteMessageBatchRequestEntry::builder()
        .id("x")
        .receipt_handle("garbage");
    let deleted = delete
        .entries(bad.build().expect("complete"))
        .send()
        .await
        .expect("answers");
    assert_eq!(deleted.failed()[0].code(), "ReceiptHandleIsInvalid");
}

#[tokio::test]
async fn bounds_are_checked_with_awss_codes() {
    let fixture = start().await;
    let url = fixture.queue("orders", &[]).await;
    let send = || fixture.sqs.send_message().queue_url(&url).message_body("x");
    let receive = || fixture.sqs.receive_message().queue_url(&url);
    assert_eq!(
        code!(send().delay_seconds(901).send()),
        "InvalidParameterValue"
    );
    assert_eq!(
        code!(receive().max_number_of_messages(11).send()),
        "InvalidParameterValue"
    );
    assert_eq!(
        code!(receive().wait_time_seconds(21).send()),
        "InvalidParameterValue"
    );
    assert_eq!(
        code!(receive().visibility_timeout(43_201).send()),
        "InvalidParameterValue"
    );
    let mut many = send();
    for number in 0..11 {
        many = many.message_attributes(format!("a{number}"), text("x"));
    }
    assert_eq!(code!(many.send()), "InvalidParameterValue");
    let missing = fixture
        .sqs
        .receive_message()
        .queue_url("http://localhost/000000000000/none");
    assert_eq!(
        code!(missing.send()),
        "AWS.SimpleQueueService.NonExistentQueue"
    );
    let create = fixture.sqs.create_queue().queue_name("orders");
    let create = create.attributes(QueueAttributeName::VisibilityTimeout, "77");
    assert_eq!(code!(create.send()), "QueueAlreadyExists");
    assert_eq!(
        code!(fixture.sqs.create_queue().queue_name("no spaces").send()),
        "InvalidParameterValue"
    );
    let purge = || fixture.sqs.purge_queue().queue_url(&url).send();
    purge().await.expect("purges");
    assert_eq!(
        code!(purge()),
        "AWS.SimpleQueueService.PurgeQueueInProgress"
    );
}

#[tokio::test]
async fn visibility_changes_only_while_in_flight_and_up_to_twelve_hours() {
    let fixture = start().await;
    let url = fixture
        .queue("orders", &[("VisibilityTimeout", "60")])
        .await;
    fixture.send(&url, "x").await;
    let received = fixture.receive(&url).await;
    let handle = received[0].receipt_handle().expect("handle");
    let change = |seconds| {
        let call = fixture.sqs.change_message_visibility().queue_url(&url);
        call.receipt_handle(handle)
            .visibility_timeout(seconds)
            .send()
    };
    fixture.advance(10);
    assert_eq!(code!(change(43_200)), "InvalidParameterValue");
    change(43_190).await.expect("twelve hours in all");
    change(0).await.expect("gives it back");
    assert_eq!(
        code!(change(10)),
        "AWS.SimpleQueueService.MessageNotInflight"
    );
    assert_eq!(fixture.receive(&url).await.len(), 1);
}
