//! The JSON document SNS wraps a message in when raw delivery is off.
//! Shape: SNS developer guide, "Amazon SNS message and JSON formats".

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;

use super::{Undecodable, fields::Fields};

#[derive(Deserialize)]
struct Attribute {
    #[serde(rename = "Value")]
    value: String,
}

/// An envelope has no `TopicArn`; a notification always has.
pub(super) fn is_notification(fields: &Fields<'_>) -> bool {
    let is_type = |value: &serde_json::value::RawValue| value.get() == "\"Notification\"";
    fields.get("Type").is_some_and(is_type) && fields.has("TopicArn")
}

/// The published message and its attributes.
pub(super) fn unwrap<'a>(
    fields: &Fields<'a>,
) -> Result<(Cow<'a, str>, BTreeMap<String, String>), Undecodable> {
    let inner = fields
        .optional_text("Message")?
        .ok_or_else(|| fields.error("Message", "a string", "nothing"))?;
    let attributes: BTreeMap<String, Attribute> = match fields.get("MessageAttributes") {
        None => BTreeMap::new(),
        Some(value) => serde_json::from_str(value.get()).map_err(|_| {
            let expected = "an object of {Type, Value}";
            fields.error("MessageAttributes", expected, "something else")
        })?,
    };
    let attributes = attributes
        .into_iter()
        .map(|(name, attribute)| (name, attribute.value))
        .collect();
    Ok((inner, attributes))
}
