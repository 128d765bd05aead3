//! One change of a table as Lambda puts it into a DynamoDB event.
//!
//! The one thing to get wrong: the names. The stream's own API writes `EventID` and `Dynamodb`
//! where the event has `eventID` and `dynamodb`; a handler that finds nothing under a name sees an
//! empty change, not an error.

use aws_sdk_dynamodbstreams::types::{AttributeValue, OperationType, Record};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// A change with what is needed to deliver it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// Its place in the shard, by which a function names what failed.
    pub(super) sequence: String,
    /// The record as it stands in the event.
    pub(super) json: String,
    /// When it was made, since 1970.
    pub(super) at: Duration,
    /// The same for all changes of an item.
    pub(super) partition: u64,
}

impl Change {
    /// None for a record without a sequence number, which no answer could name.
    pub(super) fn new(record: &Record, stream_arn: &str) -> Option<Self> {
        let change = record.dynamodb()?;
        let sequence = change.sequence_number()?.to_owned();
        let made = change.approximate_creation_date_time();
        let seconds = made.map_or(
            0.0,
            aws_sdk_dynamodbstreams::primitives::DateTime::as_secs_f64,
        );
        let keys = change.keys().map(image).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        keys.to_string().hash(&mut hasher);
        let mut dynamodb = json!({
            "ApproximateCreationDateTime": seconds,
            "Keys": keys,
            "SequenceNumber": sequence,
            "SizeBytes": change.size_bytes(),
        });
        for (name, found) in [
            ("NewImage", change.new_image()),
            ("OldImage", change.old_image()),
        ] {
            if let Some(found) = found {
                dynamodb[name] = image(found);
            }
        }
        if let Some(view) = change.stream_view_type() {
            dynamodb["StreamViewType"] = view.as_str().into();
        }
        let mut json = json!({
            "eventID": record.event_id(),
            "eventName": record.event_name().map(OperationType::as_str),
            "eventVersion": record.event_version().unwrap_or("1.1"),
            "eventSource": "aws:dynamodb",
            "awsRegion": record.aws_region(),
            "dynamodb": dynamodb,
            "eventSourceARN": stream_arn,
        });
        // Only on what DynamoDB deleted by itself because its time to live was over.
        if let Some(identity) = record.user_identity() {
            json["userIdentity"] =
                json!({ "principalId": identity.principal_id(), "type": identity.r#type() });
        }
        Some(Self {
            sequence,
            json: json.to_string(),
            at: Duration::from_secs_f64(seconds.max(0.0)),
            partition: hasher.finish(),
        })
    }
}

fn image(attributes: &HashMap<String, AttributeValue>) -> Value {
    let attributes = attributes.iter();
    let sorted: Map<String, Value> = attributes
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect();
    Value::Object(sorted)
}

fn attribute(value: &AttributeValue) -> Value {
    let binary = |bytes: &aws_sdk_dynamodbstreams::primitives::Blob| BASE64_STANDARD.encode(bytes);
    match value {
        AttributeValue::B(bytes) => json!({ "B": binary(bytes) }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Bs(set) => json!({ "BS": set.iter().map(binary).collect::<Vec<_>>() }),
        AttributeValue::L(list) => json!({ "L": list.iter().map(attribute).collect::<Vec<_>>() }),
        AttributeValue::M(map) => json!({ "M": image(map) }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Ns(set) => json!({ "NS": set }),
        AttributeValue::Null(flag) => json!({ "NULL": flag }),
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::Ss(set) => json!({ "SS": set }),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_dynamodbstreams::primitives::{Blob, DateTime};
    use aws_sdk_dynamodbstreams::types::{StreamRecord, StreamViewType};

    #[test]
    fn the_event_has_lambdas_names() {
        let change = StreamRecord::builder()
            .approximate_creation_date_time(DateTime::from_secs(1_771_065_000))
            .keys("id", AttributeValue::S("o-1".into()))
            .new_image("id", AttributeValue::S("o-1".into()))
            .new_image("raw", AttributeValue::B(Blob::new([0, 255])))
            .new_image("tags", AttributeValue::L(vec![AttributeValue::Bool(true)]))
            .sequence_number("111")
            .size_bytes(26)
            .stream_view_type(StreamViewType::NewImage)
            .build();
        let record = Record::builder()
            .event_id("e-1")
            .event_name(OperationType::Insert)
            .event_version("1.1")
            .aws_region("us-east-1")
            .dynamodb(change)
            .build();
        let change = Change::new(&record, "arn:stream").expect("has a sequence number");
        let found: Value = serde_json::from_str(&change.json).expect("is JSON");
        let expected = json!({
            "eventID": "e-1", "eventName": "INSERT", "eventVersion": "1.1",
            "eventSource": "aws:dynamodb", "awsRegion": "us-east-1", "eventSourceARN": "arn:stream",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_771_065_000.0,
                "Keys": {"id": {"S": "o-1"}},
                "NewImage": {
                    "id": {"S": "o-1"}, "raw": {"B": "AP8="}, "tags": {"L": [{"BOOL": true}]}
                },
                "SequenceNumber": "111", "SizeBytes": 26, "StreamViewType": "NEW_IMAGE",
            },
        });
        assert_eq!(found, expected);
        assert_eq!(Change::new(&Record::builder().build(), "arn:stream"), None);
    }
}
