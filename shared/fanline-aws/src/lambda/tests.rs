use fanline::{Attribute, AttributeValue};
use serde_json::json;

use super::{
    event::{Payload, Source},
    *,
};

/// Records as Lambda sends them (developer guide, "Using Lambda with Amazon SQS" and "… SNS").
fn sqs_event() -> Value {
    json!({"Records": [{
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
        "body": "Test message.",
        "attributes": {
            "ApproximateReceiveCount": "3",
            "SentTimestamp": "1545082649183",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1545082649185",
            "MessageGroupId": "group-1"
        },
        "messageAttributes": {
            "type": {"stringValue": "user.signed_up", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
            "blob": {"binaryValue": "AQI=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"}
        },
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:my-queue.fifo",
        "awsRegion": "us-east-2"
    }]})
}

fn sns_event() -> Value {
    json!({"Records": [{
        "EventVersion": "1.0",
        "EventSubscriptionArn": "arn:aws:sns:us-east-1:123456789012:sns-lambda:21be56ed-a058-49f5-8c98-aedd2564c486",
        "EventSource": "aws:sns",
        "Sns": {
            "SignatureVersion": "1",
            "Timestamp": "2019-01-02T12:45:07.000Z",
            "Signature": "tcc6faL2yUC6dgZdmrwh1Y4cGa/ebXEkAi6RibDsvpi+tE/1+82j...65r==",
            "SigningCertUrl": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-ac565b8b1a6c5d002d285f9598aa1d9b.pem",
            "MessageId": "95df01b4-ee98-5cb9-9903-4c221d41eb5e",
            "Message": "Hello from SNS!",
            "MessageAttributes": {"Test": {"Type": "String", "Value": "TestString"}},
            "Type": "Notification",
            "UnsubscribeUrl": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
            "TopicArn": "arn:aws:sns:us-east-1:123456789012:sns-lambda",
            "Subject": "TestInvoke"
        }
    }]})
}

fn batch(event: Value) -> Result<(Source, Batch), String> {
    serde_json::from_value::<Payload>(event)
        .unwrap()
        .into_batch("request-1".to_owned())
}

#[test]
fn sqs_records_become_messages() {
    let (source, batch) = batch(sqs_event()).unwrap();
    let queue = Source::Sqs {
        arn: "arn:aws:sqs:us-east-2:123456789012:my-queue.fifo".to_owned(),
    };
    assert_eq!(
        (source, batch.fifo, batch.source.as_str()),
        (queue, true, "my-queue.fifo")
    );
    let message = &batch.messages[0];
    assert_eq!(message.id, "059f36b4-87a3-44ab-83d2-661975830a7d");
    assert_eq!(
        (message.body.as_str(), message.receive_count),
        ("Test message.", 3)
    );
    assert_eq!(
        message.receipt_handle,
        "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a..."
    );
    assert_eq!(message.group.as_deref(), Some("group-1"));
    assert_eq!(
        message.sent_at,
        Timestamp::from_millisecond(1_545_082_649_183).ok()
    );
    let attributes = &message.attributes;
    assert_eq!(attributes["type"], Attribute::text("user.signed_up"));
    let blob = Attribute {
        data_type: "Binary".to_owned(),
        value: AttributeValue::Binary(vec![1, 2]),
    };
    assert_eq!(attributes["blob"], blob);
}

#[test]
fn sns_records_become_messages() {
    let (source, batch) = batch(sns_event()).unwrap();
    assert_eq!(
        (source, batch.fifo, batch.source.as_str()),
        (Source::Sns, false, "sns-lambda")
    );
    let message = &batch.messages[0];
    assert_eq!(message.id, "95df01b4-ee98-5cb9-9903-4c221d41eb5e");
    assert_eq!(
        (message.body.as_str(), message.receive_count),
        ("Hello from SNS!", 1)
    );
    assert_eq!(message.attributes["Test"], Attribute::text("TestString"));
    assert_eq!(message.sent_at, "2019-01-02T12:45:07Z".parse().ok());
}

#[test]
fn events_of_other_services_are_refused() {
    let error = batch(json!({"Records": [{"eventSource": "aws:s3"}]})).unwrap_err();
    assert_eq!(
        error,
        "expected records of eventSource aws:sqs or aws:sns, found aws:s3; a worker is invoked by a queue or a topic"
    );
    let empty = batch(json!({"Records": []})).unwrap();
    assert!(matches!(empty.0, Source::Sqs { .. }) && empty.1.messages.is_empty());
}

mod answers {
    use std::sync::Arc;

    use fanline::{Envelope, Event, Failure, Worker};
    use fanline_testing::{MemoryStore, envelope};

    use super::*;

    #[derive(serde::Serialize, serde::Deserialize)]
    struct Greeted {}

    impl Event for Greeted {
        const TYPE: &'static str = "user.greeted";
    }

    async fn handler(_: Envelope<Greeted>) -> Result<(), Failure> {
        Ok(())
    }

    async fn answered(mut event: Value, body: &str) -> Result<Value, BoxError> {
        match event["Records"][0].get("Sns") {
            Some(_) => event["Records"][0]["Sns"]["Message"] = json!(body),
            None => event["Records"][0]["body"] = json!(body),
        }
        let store = Arc::new(MemoryStore::default());
        let worker = Worker::new(()).on(handler);
        let processor = Processor::new(worker, "greeter", store, Arc::new(RealSystem)).unwrap();
        let (source, batch) = batch(event).unwrap();
        let deadline = RealSystem.now().as_millisecond() as u64 + 10_000;
        let deadline = Duration::from_millis(deadline);
        handle(&processor, &NoQueue, &source, batch, deadline).await
    }

    #[tokio::test]
    async fn sqs_gets_the_failures_and_sns_an_error() {
        let good = envelope(Greeted::TYPE, "e-1", json!({})).to_string();
        let all_handled = json!({"batchItemFailures": []});
        assert_eq!(answered(sqs_event(), &good).await.unwrap(), all_handled);
        let failures = json!({"batchItemFailures": [{"itemIdentifier": "059f36b4-87a3-44ab-83d2-661975830a7d"}]});
        assert_eq!(answered(sqs_event(), "poison").await.unwrap(), failures);

        assert_eq!(answered(sns_event(), &good).await.unwrap(), Value::Null);
        let error = answered(sns_event(), "poison")
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("95df01b4-ee98-5cb9-9903-4c221d41eb5e: rejected: undecodable: "),
            "{error}"
        );
    }
}
