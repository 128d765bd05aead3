//! Lambda's event of a DynamoDB stream: new images as rows, and the answer that names failures.
//!
//! What could be got wrong is the answer: Lambda takes the lowest sequence number in it as the place to go on
//! from, and an empty one as success of all.

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Row;

#[derive(Debug, Deserialize)]
pub(super) struct StreamEvent {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    dynamodb: Change,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    sequence_number: String,
    #[serde(default)]
    new_image: HashMap<String, Typed>,
}

/// A value as DynamoDB's JSON has it; of an outbox only these.
#[derive(Debug, Deserialize)]
enum Typed {
    S(String),
    N(String),
    M(HashMap<String, Typed>),
    #[serde(untagged)]
    Other(#[expect(dead_code, reason = "only that it is none of the others counts")] Value),
}

/// A change with the name that Lambda knows it by.
pub(super) struct Inserted {
    pub(super) sequence_number: String,
    pub(super) row: Result<Row, String>,
}

impl StreamEvent {
    /// Rows that were inserted, in order. Deletions are the relay's own.
    pub(super) fn inserted(self) -> Vec<Inserted> {
        let inserts = self.records.into_iter();
        let inserts = inserts.filter(|record| record.event_name == "INSERT");
        inserts
            .map(|record| {
                let image = record.dynamodb.new_image.into_iter();
                let item = image.map(|(name, value)| (name, value.into())).collect();
                Inserted {
                    sequence_number: record.dynamodb.sequence_number,
                    row: Row::from_item(&item),
                }
            })
            .collect()
    }
}

impl From<Typed> for AttributeValue {
    fn from(value: Typed) -> Self {
        match value {
            Typed::S(text) => Self::S(text),
            Typed::N(number) => Self::N(number),
            Typed::M(map) => {
                let map = map.into_iter();
                Self::M(map.map(|(name, value)| (name, value.into())).collect())
            }
            // Of a type that no outbox has; the row says so.
            Typed::Other(_) => Self::B(Blob::new(Vec::new())),
        }
    }
}

/// Lambda's partial-batch answer.
pub(super) fn answer(failed: impl Iterator<Item = String>) -> Value {
    let failures = failed.map(|number| json!({"itemIdentifier": number}));
    json!({"batchItemFailures": failures.collect::<Vec<_>>()})
}
