//! Message attributes, with the types that they keep when a message is sent on.

use std::collections::BTreeMap;

/// One message attribute of SQS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// `String`, `Number` or `Binary`, perhaps with a label of the application's own: `Number.int`.
    pub data_type: String,
    /// Its value.
    pub value: AttributeValue,
}

/// What an attribute holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// Of types String and Number.
    Text(String),
    /// Of type Binary.
    Binary(Vec<u8>),
}

impl Attribute {
    /// An attribute of type String.
    pub fn text(value: impl Into<String>) -> Self {
        Self {
            data_type: "String".to_owned(),
            value: AttributeValue::Text(value.into()),
        }
    }

    /// The value of a String or a Number.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            AttributeValue::Text(text) => Some(text),
            AttributeValue::Binary(_) => None,
        }
    }

    /// Bytes that SQS counts for it under this name.
    pub fn size(&self, name: &str) -> usize {
        let value = match &self.value {
            AttributeValue::Text(text) => text.len(),
            AttributeValue::Binary(bytes) => bytes.len(),
        };
        name.len() + self.data_type.len() + value
    }
}

/// The values of all attributes that are text.
pub(crate) fn texts(attributes: &BTreeMap<String, Attribute>) -> BTreeMap<String, String> {
    let texts = attributes
        .iter()
        .filter_map(|(name, attribute)| Some((name.clone(), attribute.as_text()?.to_owned())));
    texts.collect()
}
