//! A FIFO queue end to end: a group with poison stops, the others do not.

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use serde_json::json;

use crate::dev::Dev;

fn entry(group: &str, id: &str, address: &str) -> SendMessageBatchRequestEntry {
    let event = json!({
        "type": "user.signed_up",
        "data": {"userId": id, "email": address},
        "metadata": {"eventId": id, "timestamp": "2026-02-14T10:30:00Z", "source": "test", "version": 1}
    });
    let entry = SendMessageBatchRequestEntry::builder()
        .id(id)
        .message_body(event.to_string())
        .message_group_id(group)
        .message_deduplication_id(id);
    entry.build().unwrap()
}

#[tokio::test]
async fn failed_group_stops_alone() {
    let dev = Dev::start(&["--template", "tests/flows/templates/fifo.yaml"]).await;
    let good = "user@example.com";
    let entries = [
        entry("a", "a-1", good),
        entry("b", "b-1", good),
        entry("a", "a-2", "user@fails.example"),
        entry("a", "a-3", good),
        entry("b", "b-2", good),
        entry("c", "c-1", good),
    ];
    let sent = dev.send("mails.fifo", entries).await;
    assert_eq!(sent, 6);
    // What stands behind poison in its group uses up its receives with it (README, "What it does not").
    dev.wait_for(&["mails.fifo"], &[("mails-dlq.fifo", 2)])
        .await;
    let mails = dev.numbers("sent-emails", "id", "sends").await;
    let expected = ["a-1", "b-1", "b-2", "c-1"].map(|id| (id.to_owned(), 1));
    assert_eq!(mails, expected.into());
    let (report, code) = dev.interrupt().await;
    assert_eq!(code, Some(0), "{report}");
    let counts = &report["queues"]["mails.fifo"];
    assert_eq!(
        (&counts["succeeded"], &counts["dead_lettered"]),
        (&json!(4), &json!(2)),
        "{counts}"
    );
}
