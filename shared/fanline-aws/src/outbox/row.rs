//! A row of the outbox: an event that is written and not yet published.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use fanline::{Timestamp, publish::Outgoing};

/// An item of a table.
pub(super) type Item = HashMap<String, AttributeValue>;

/// An event on its way, and when it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is published.
    pub outgoing: Outgoing,
    /// When the event happened.
    pub created_at: Timestamp,
}

impl Row {
    pub(super) fn new(outgoing: Outgoing, created_at: Timestamp) -> Self {
        Self {
            outgoing,
            created_at,
        }
    }

    pub(super) fn into_item(self) -> Item {
        let text = AttributeValue::S;
        let attributes = self.outgoing.attributes.into_iter();
        let attributes = attributes.map(|(name, value)| (name, text(value)));
        [
            ("entity", text(self.outgoing.entity)),
            ("id", text(self.outgoing.event_id)),
            ("body", text(self.outgoing.body)),
            ("attributes", AttributeValue::M(attributes.collect())),
            (
                "created_at",
                AttributeValue::N(self.created_at.as_millisecond().to_string()),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Reads an item.
    ///
    /// # Errors
    /// If it is no row of an outbox; says which attribute is not.
    pub fn from_item(item: &Item) -> Result<Self, String> {
        let text = |name: &str| {
            let value = item.get(name).and_then(|value| value.as_s().ok());
            value
                .cloned()
                .ok_or_else(|| unreadable(item, name, "a string"))
        };
        let attributes = item.get("attributes").and_then(|value| value.as_m().ok());
        let attributes = attributes.ok_or_else(|| unreadable(item, "attributes", "a map"))?;
        let attributes: Option<Vec<_>> = attributes
            .iter()
            .map(|(name, value)| Some((name.clone(), value.as_s().ok()?.clone())))
            .collect();
        let mut attributes =
            attributes.ok_or_else(|| unreadable(item, "attributes", "a map of strings"))?;
        attributes.sort();
        let created_at = item.get("created_at").and_then(|value| value.as_n().ok());
        let created_at = created_at
            .and_then(|number| Timestamp::from_millisecond(number.parse().ok()?).ok())
            .ok_or_else(|| unreadable(item, "created_at", "milliseconds"))?;
        Ok(Self {
            outgoing: Outgoing {
                event_id: text("id")?,
                entity: text("entity")?,
                body: text("body")?,
                attributes,
            },
            created_at,
        })
    }

    pub(super) fn key(&self) -> Item {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        [
            ("entity".to_owned(), text(&self.outgoing.entity)),
            ("id".to_owned(), text(&self.outgoing.event_id)),
        ]
        .into()
    }
}

fn unreadable(item: &Item, name: &str, expected: &str) -> String {
    let id = item.get("id").and_then(|value| value.as_s().ok());
    let id = id.map_or("without id", String::as_str);
    format!("outbox row {id}: {name}: expected {expected}; did something else write this table?")
}
