//! One message as Lambda puts it into an SQS event.
//!
//! The one thing to get wrong: field names and what is left out. `stringValue` and `binaryValue`
//! are only there when they have a value, the two lists always, and always empty.

use super::report::ReceivedMessage;
use super::spec::MappingSpec;
use aws_sdk_sqs::types::{Message, MessageAttributeValue};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use std::collections::BTreeMap;

/// A received message with what is needed to deliver and to delete it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) message_id: String,
    pub(super) receipt_handle: String,
    /// The record as it stands in the event.
    pub(super) json: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'message> {
    message_id: &'message str,
    receipt_handle: &'message str,
    body: &'message str,
    attributes: BTreeMap<&'message str, &'message str>,
    message_attributes: BTreeMap<&'message str, Attribute<'message>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5_of_message_attributes: Option<&'message str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5_of_body: Option<&'message str>,
    event_source: &'static str,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: &'message str,
    aws_region: &'message str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attribute<'message> {
    #[serde(skip_serializing_if = "Option::is_none")]
    string_value: Option<&'message str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binary_value: Option<String>,
    string_list_values: [(); 0],
    binary_list_values: [(); 0],
    data_type: &'message str,
}

impl<'message> From<&'message MessageAttributeValue> for Attribute<'message> {
    fn from(value: &'message MessageAttributeValue) -> Self {
        Self {
            string_value: value.string_value(),
            binary_value: value
                .binary_value()
                .map(|bytes| BASE64_STANDARD.encode(bytes)),
            string_list_values: [],
            binary_list_values: [],
            data_type: value.data_type(),
        }
    }
}

impl Record {
    /// None when the message lacks what every SQS message has: id, receipt handle and body.
    pub(super) fn new(message: &Message, spec: &MappingSpec) -> Option<Self> {
        let (message_id, receipt_handle) = (message.message_id()?, message.receipt_handle()?);
        let system = message.attributes().into_iter().flatten();
        let own = message.message_attributes().into_iter().flatten();
        let document = Document {
            message_id,
            receipt_handle,
            body: message.body()?,
            attributes: system
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect(),
            message_attributes: own
                .map(|(name, value)| (name.as_str(), value.into()))
                .collect(),
            md5_of_message_attributes: message.md5_of_message_attributes(),
            md5_of_body: message.md5_of_body(),
            event_source: "aws:sqs",
            event_source_arn: &spec.queue_arn,
            aws_region: spec.region(),
        };
        let json = serde_json::to_string(&document).ok()?;
        Some(Self {
            message_id: message_id.to_owned(),
            receipt_handle: receipt_handle.to_owned(),
            json,
        })
    }
}

/// A message as a reporter sees it.
pub(super) fn received(message: &Message) -> ReceivedMessage {
    let count = aws_sdk_sqs::types::MessageSystemAttributeName::ApproximateReceiveCount;
    let receive_count = message
        .attributes()
        .and_then(|attributes| attributes.get(&count));
    ReceivedMessage {
        message_id: message.message_id().unwrap_or_default().to_owned(),
        receive_count: receive_count
            .and_then(|count| count.parse().ok())
            .unwrap_or(1),
        body: message.body().unwrap_or_default().to_owned(),
        attributes: message
            .message_attributes()
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.string_value()?.to_owned())))
            .collect(),
    }
}

#[cfg(test)]
#[path = "record/tests.rs"]
mod tests;
