//! Message attributes between SQS's types and the core's.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sqs::{primitives::Blob, types::MessageAttributeValue};
use fanline::{Attribute, AttributeValue};

/// The attributes of a received message.
pub fn received_attributes(
    attributes: Option<HashMap<String, MessageAttributeValue>>,
) -> BTreeMap<String, Attribute> {
    let attributes = attributes.into_iter().flatten();
    let attributes = attributes.map(|(name, value)| {
        let data_type = value.data_type;
        let value = match value.binary_value {
            Some(bytes) => AttributeValue::Binary(bytes.into_inner()),
            None => AttributeValue::Text(value.string_value.unwrap_or_default()),
        };
        (name, Attribute { data_type, value })
    });
    attributes.collect()
}

/// An attribute of a message to send.
pub fn attribute_to_send(attribute: &Attribute) -> MessageAttributeValue {
    let value = MessageAttributeValue::builder().data_type(&attribute.data_type);
    let value = match &attribute.value {
        AttributeValue::Text(text) => value.string_value(text),
        AttributeValue::Binary(bytes) => value.binary_value(Blob::new(bytes.as_slice())),
    };
    value.build().expect("its data type is set")
}
