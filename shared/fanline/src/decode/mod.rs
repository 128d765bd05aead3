//! From a message to an event, one record at a time (E1).
//!
//! Understood: a raw envelope, an envelope inside an SNS notification, CloudEvents 1.0 in
//! structured and in binary form. An envelope may have a reference in place of its data. A record
//! that cannot be read says which field and what was found there, by kind and never by content:
//! reasons end in logs, payloads must not.

mod cloudevents;
mod data_ref;
mod fields;
mod sns;

use std::{collections::BTreeMap, fmt};

use serde_json::value::RawValue;

use crate::{Message, Metadata, attribute::texts, claim_check::DataRef};
use data_ref::DATA_REF;
use fields::Fields;

/// Longest event id or business key, in bytes. DynamoDB's limit for a partition key is
/// 2,048 and the consumer's name stands in front.
pub(crate) const LONGEST_KEY: usize = 1024;

/// An event of which only the envelope has been read.
#[derive(Clone, Debug)]
pub struct RawEvent {
    /// The name that chooses the handler.
    pub event_type: String,
    /// The data, not yet parsed. Null if it is elsewhere.
    pub data: Box<RawValue>,
    /// Which payload is the data, if that is not in the message. Boxed, as few events have one.
    pub data_ref: Option<Box<DataRef>>,
    /// Everything else.
    pub metadata: Metadata,
}

/// Why a message cannot be read; no retry can help it.
#[derive(Clone, Debug, PartialEq)]
pub struct Undecodable(String);

impl Undecodable {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Undecodable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Undecodable {}

impl RawEvent {
    /// Reads the envelope of a message in any of the forms above.
    ///
    /// ```
    /// use fanline::{Message, RawEvent};
    ///
    /// let message = Message { body: r#"{"type": "user.signed_up", "data": {}}"#.into(), ..Message::default() };
    /// assert_eq!(
    ///     RawEvent::decode(&message).unwrap_err().to_string(),
    ///     "metadata: expected an object, found nothing"
    /// );
    /// ```
    pub fn decode(message: &Message) -> Result<Self, Undecodable> {
        if cloudevents::is_binary(&message.attributes) {
            let attributes = texts(&message.attributes);
            return cloudevents::decode_binary(&message.body, &attributes, message.sent_at);
        }
        let fields = Fields::parse("body", &message.body)?;
        if !sns::is_notification(&fields) {
            return decode_document(&fields, message);
        }
        let (inner, attributes) = sns::unwrap(&fields)?;
        decode_notification(&inner, &attributes, message)
    }
}

fn decode_notification(
    inner: &str,
    attributes: &BTreeMap<String, String>,
    message: &Message,
) -> Result<RawEvent, Undecodable> {
    if cloudevents::is_binary(attributes) {
        return cloudevents::decode_binary(inner, attributes, message.sent_at);
    }
    let fields = Fields::parse("Message of the SNS notification", inner)?;
    decode_document(&fields, message)
}

fn decode_document(fields: &Fields<'_>, message: &Message) -> Result<RawEvent, Undecodable> {
    if fields.has("specversion") {
        return cloudevents::decode_structured(fields, message.sent_at);
    }
    let event_type = fields.text("type")?.into_owned();
    let is_elsewhere = fields.has(DATA_REF);
    let data = match is_elsewhere {
        true => RawValue::NULL,
        false => fields.required("data", "a value")?,
    };
    let metadata = fields.object("metadata")?;
    check_metadata(&metadata)?;
    let metadata: Metadata = serde_json::from_str(metadata.source())
        .map_err(|error| Undecodable::new(format!("metadata: {error}")))?;
    let data_ref = is_elsewhere.then(|| data_ref::read(fields, &metadata.event_id).map(Box::new));
    Ok(RawEvent {
        event_type,
        data: data.to_owned(),
        data_ref: data_ref.transpose()?,
        metadata,
    })
}

/// Checks each field by itself, so that the reason names it; serde's own message would give
/// a line and column.
fn check_metadata(metadata: &Fields<'_>) -> Result<(), Undecodable> {
    metadata.key("eventId")?;
    metadata.timestamp("timestamp")?;
    metadata.text("source")?;
    metadata.version("version")?;
    for name in ["correlationId", "causationId", "traceparent"] {
        metadata.optional_text(name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
