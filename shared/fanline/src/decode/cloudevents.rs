//! CloudEvents 1.0, structured (one JSON document) and binary (attributes beside the data).
//!
//! The specification has no binding for SQS; binary mode is read from message attributes
//! with the prefixes in use elsewhere: `ce-` (HTTP), `ce_` (Kafka), `cloudEvents_` (AMQP).
//! CloudEvents has no event version: an extension attribute `version` carries it, absent
//! means 1. `time` is optional there; without it the message's own sent time is taken.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, value::RawValue};

use super::{RawEvent, Undecodable, fields::Fields};
use crate::Metadata;

const PREFIXES: [&str; 3] = ["ce-", "ce_", "cloudEvents_"];

/// Attributes with a place of their own; all others are extensions and are kept.
const KNOWN: [&str; 12] = [
    "specversion",
    "id",
    "source",
    "type",
    "time",
    "version",
    "datacontenttype",
    "data",
    "data_base64",
    "correlationid",
    "causationid",
    "traceparent",
];

pub(super) fn is_binary<T>(attributes: &BTreeMap<String, T>) -> bool {
    PREFIXES
        .iter()
        .any(|prefix| attributes.contains_key(&format!("{prefix}specversion")))
}

pub(super) fn decode_structured(
    fields: &Fields<'_>,
    sent_at: Option<Timestamp>,
) -> Result<RawEvent, Undecodable> {
    let data = match fields.get("data") {
        Some(data) => data.to_owned(),
        None if fields.has("data_base64") => {
            return Err(fields.error("data", "JSON data", "data_base64, which is binary"));
        }
        None => RawValue::NULL.to_owned(),
    };
    decode(fields, data, sent_at)
}

pub(super) fn decode_binary(
    body: &str,
    attributes: &BTreeMap<String, String>,
    sent_at: Option<Timestamp>,
) -> Result<RawEvent, Undecodable> {
    let data = serde_json::from_str::<Box<RawValue>>(body).map_err(|error| {
        Undecodable::new(format!(
            "body: expected JSON data of a binary CloudEvent, found text that is not JSON at line {} column {}",
            error.line(),
            error.column()
        ))
    })?;
    let mut document = Map::new();
    for (name, value) in attributes {
        let stripped = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix));
        if let Some(stripped) = stripped {
            document.insert(stripped.to_owned(), binary_value(stripped, value));
        }
    }
    let document = Value::Object(document).to_string();
    decode(&Fields::parse("attributes", &document)?, data, sent_at)
}

/// Attributes are text; the version alone is a number.
fn binary_value(name: &str, value: &str) -> Value {
    match value.parse::<u32>() {
        Ok(number) if name == "version" => Value::from(number),
        _ => Value::from(value),
    }
}

fn decode(
    fields: &Fields<'_>,
    data: Box<RawValue>,
    sent_at: Option<Timestamp>,
) -> Result<RawEvent, Undecodable> {
    let specversion = fields.text("specversion")?;
    if specversion != "1.0" {
        return Err(fields.error("specversion", "1.0", "another version"));
    }
    let timestamp = match sent_at {
        Some(sent_at) if !fields.has("time") => sent_at,
        _ => fields.timestamp("time")?,
    };
    let version = match fields.has("version") {
        true => fields.version("version")?,
        false => 1,
    };
    let optional = |name| Ok(fields.optional_text(name)?.map(|text| text.into_owned()));
    let metadata = Metadata {
        event_id: fields.key("id")?.into_owned(),
        timestamp,
        source: fields.text("source")?.into_owned(),
        version,
        correlation_id: optional("correlationid")?,
        causation_id: optional("causationid")?,
        traceparent: optional("traceparent")?,
        other: extensions(fields),
    };
    Ok(RawEvent {
        event_type: fields.text("type")?.into_owned(),
        data,
        data_ref: None,
        metadata,
    })
}

fn extensions(fields: &Fields<'_>) -> Map<String, Value> {
    let unknown = fields.names().filter(|name| !KNOWN.contains(name));
    let values = unknown.filter_map(|name| {
        let value = serde_json::from_str(fields.get(name)?.get()).ok()?;
        Some((name.to_owned(), value))
    });
    values.collect()
}
