use super::*;
use aws_sdk_sqs::primitives::Blob;
use aws_sdk_sqs::types::MessageSystemAttributeName as Name;
use serde_json::{Value, json};
use std::time::Duration;

fn spec() -> MappingSpec {
    MappingSpec {
        queue_url: "http://localhost/000000000000/orders".into(),
        queue_arn: "arn:aws:sqs:us-east-2:123456789012:orders".into(),
        fifo: false,
        batch_size: 10,
        maximum_batching_window: Duration::ZERO,
        maximum_concurrency: 2,
        report_batch_item_failures: true,
        filter_patterns: Vec::new(),
    }
}

fn message() -> aws_sdk_sqs::types::builders::MessageBuilder {
    Message::builder()
        .message_id("m-1")
        .receipt_handle("r-1")
        .body("Hello \"you\"")
        .md5_of_body("5d41")
}

fn document(message: &Message) -> Value {
    serde_json::from_str(&Record::new(message, &spec()).expect("complete").json).expect("JSON")
}

#[test]
fn a_plain_message() {
    let message = message()
        .attributes(Name::ApproximateReceiveCount, "1")
        .attributes(Name::SentTimestamp, "1545082649183")
        .attributes(Name::SenderId, "AIDAIENQZJOLO23YVJ4VO")
        .attributes(Name::ApproximateFirstReceiveTimestamp, "1545082649185")
        .build();
    assert_eq!(
        document(&message),
        json!({
            "messageId": "m-1",
            "receiptHandle": "r-1",
            "body": "Hello \"you\"",
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": "1545082649183",
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                "ApproximateFirstReceiveTimestamp": "1545082649185"
            },
            "messageAttributes": {},
            "md5OfBody": "5d41",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:orders",
            "awsRegion": "us-east-2"
        })
    );
}

#[test]
fn fifo_and_trace_attributes_keep_their_names() {
    let message = message()
        .attributes(Name::MessageGroupId, "g")
        .attributes(Name::MessageDeduplicationId, "d")
        .attributes(Name::SequenceNumber, "18849496460467696128")
        .attributes(
            Name::AwsTraceHeader,
            "Root=1-5759e988-bd862e3fe1be46a994272793",
        )
        .build();
    assert_eq!(
        document(&message)["attributes"],
        json!({
            "MessageGroupId": "g",
            "MessageDeduplicationId": "d",
            "SequenceNumber": "18849496460467696128",
            "AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793"
        })
    );
}

#[test]
fn message_attributes_of_both_kinds() {
    let text = MessageAttributeValue::builder()
        .data_type("String")
        .string_value("signed_up");
    let bytes = MessageAttributeValue::builder()
        .data_type("Binary")
        .binary_value(Blob::new([1, 2, 255]));
    let message = message()
        .message_attributes("type", text.build().expect("complete"))
        .message_attributes("raw", bytes.build().expect("complete"))
        .md5_of_message_attributes("9bb5")
        .build();
    let document = document(&message);
    assert_eq!(document["md5OfMessageAttributes"], "9bb5");
    assert_eq!(
        document["messageAttributes"],
        json!({
            "type": { "stringValue": "signed_up", "stringListValues": [], "binaryListValues": [], "dataType": "String" },
            "raw": { "binaryValue": "AQL/", "stringListValues": [], "binaryListValues": [], "dataType": "Binary" }
        })
    );
}

#[test]
fn a_message_without_a_handle_is_no_record() {
    let message = Message::builder().message_id("m-1").body("b").build();
    assert_eq!(Record::new(&message, &spec()), None);
    assert_eq!(received(&message).receive_count, 1);
}
