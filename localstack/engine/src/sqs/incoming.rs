//! Reading what a client sent with a message: text, attributes, trace header.
//!
//! AWS allows only characters that XML can carry, in bodies and in attributes; forgetting
//! the latter would let a message in that no query client could be given.

use super::SqsError;
use super::error::{SqsErrorKind, invalid};
use super::request::{SendMessage, WireAttribute};
use crate::attribute::{AttributeData, AttributeValue, Attributes};
use crate::identity::{Md5Sum, is_fifo_id};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::sync::Arc;

const MOST_ATTRIBUTES: usize = 10;

/// Only the characters XML 1.0 can carry.
pub(super) fn check_text(text: &str) -> Result<(), SqsError> {
    let is_bad = |&character: &char| matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    match text.chars().find(is_bad) {
        Some(character) => Err(SqsErrorKind::InvalidMessageContents.because(format!(
            "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF. Found #x{:X}.",
            u32::from(character)
        ))),
        None => Ok(()),
    }
}

/// Ids of groups, of deduplication and of receive attempts.
pub(super) fn check_fifo_id(parameter: &str, id: &str) -> Result<(), SqsError> {
    if is_fifo_id(id) {
        return Ok(());
    }
    let reason = format!(
        "{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."
    );
    Err(invalid(parameter, id, &reason))
}

pub(super) fn wire_size(message: &SendMessage) -> usize {
    let attributes = message.message_attributes.iter().map(|(name, value)| {
        let text = value.string_value.as_ref().map_or(0, String::len);
        let bytes = value
            .binary_value
            .as_ref()
            .map_or(0, |text| text.len() / 4 * 3);
        name.len() + value.data_type.len() + text + bytes
    });
    message.message_body.len() + attributes.sum::<usize>()
}

pub(super) fn read_attributes(
    given: BTreeMap<String, WireAttribute>,
) -> Result<Attributes, SqsError> {
    if given.len() > MOST_ATTRIBUTES {
        return Err(SqsErrorKind::InvalidParameterValue.because(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MOST_ATTRIBUTES}].",
            given.len()
        )));
    }
    let entries = given
        .into_iter()
        .map(|(name, wire)| Ok((name.clone(), read_attribute(&name, wire)?)))
        .collect::<Result<Vec<_>, SqsError>>()?;
    for (name, value) in &entries {
        if let AttributeData::Text(text) = &value.data {
            check_text(text).map_err(|error| {
                SqsErrorKind::InvalidParameterValue
                    .because(format!("Message attribute '{name}': {error}"))
            })?;
        }
    }
    Attributes::new(entries).map_err(|reason| SqsErrorKind::InvalidParameterValue.because(reason))
}

fn read_attribute(name: &str, wire: WireAttribute) -> Result<AttributeValue, SqsError> {
    let refuse = |reason: String| SqsErrorKind::InvalidParameterValue.because(reason);
    if wire.data_type.is_empty() {
        return Err(refuse(format!(
            "The message attribute '{name}' must contain non-empty message attribute type."
        )));
    }
    let data = match (wire.string_value, wire.binary_value) {
        (Some(text), None) => AttributeData::Text(text.into()),
        (None, Some(text)) => {
            let bytes = STANDARD.decode(text).map_err(|error| {
                refuse(format!(
                    "The message attribute '{name}' is not base64: {error}."
                ))
            })?;
            AttributeData::Binary(bytes.into())
        }
        (None, None) => {
            return Err(refuse(format!(
                "The message attribute '{name}' must contain a non-empty value of its type '{}'.",
                wire.data_type
            )));
        }
        (Some(_), Some(_)) => {
            return Err(refuse(format!(
                "The message attribute '{name}' must have either a StringValue or a BinaryValue, not both."
            )));
        }
    };
    Ok(AttributeValue {
        data_type: wire.data_type.into(),
        data,
    })
}

pub(super) type TraceHeader = (Option<Arc<str>>, Option<Md5Sum>);

pub(super) fn read_trace_header(
    given: BTreeMap<String, WireAttribute>,
) -> Result<TraceHeader, SqsError> {
    if let Some(name) = given.keys().find(|name| *name != "AWSTraceHeader") {
        return Err(SqsErrorKind::InvalidParameterValue.because(format!(
            "Message system attribute name '{name}' is invalid: only AWSTraceHeader can be sent."
        )));
    }
    let Some((name, wire)) = given.into_iter().next() else {
        return Ok((None, None));
    };
    let value = read_attribute(&name, wire)?;
    let AttributeData::Text(text) = value.data.clone() else {
        return Err(no_trace_header(&value));
    };
    if &*value.data_type != "String" {
        return Err(no_trace_header(&value));
    }
    // Its name begins with AWS, which the checks for user attributes refuse.
    let mut encoded = Vec::new();
    for part in [name.as_bytes(), value.data_type.as_bytes()] {
        encoded.extend((part.len() as u32).to_be_bytes());
        encoded.extend(part);
    }
    encoded.push(1);
    encoded.extend((text.len() as u32).to_be_bytes());
    encoded.extend(text.as_bytes());
    Ok((Some(text), Some(Md5Sum::of(&encoded))))
}

fn no_trace_header(value: &AttributeValue) -> SqsError {
    SqsErrorKind::InvalidParameterValue.because(format!(
        "Message system attribute 'AWSTraceHeader' must be of type String. Found '{}'.",
        value.data_type
    ))
}
