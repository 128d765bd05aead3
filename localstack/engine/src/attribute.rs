//! Message attributes, which SQS and SNS share, and the MD5 that SDKs verify.
//!
//! The checksum covers the attributes sorted by name, length-prefixed, with one byte
//! telling text from binary. Any other order gives a checksum that Java clients refuse.

use crate::identity::Md5Sum;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The value of a message attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeValue {
    /// `String`, `Number` or `Binary`, optionally with a label: `Number.int`.
    pub data_type: Arc<str>,
    /// What it holds.
    pub data: AttributeData,
}

/// Text (also for numbers) or bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeData {
    /// A string, or a number as it was written.
    Text(Arc<str>),
    /// Bytes.
    Binary(#[serde(with = "base64_text")] Bytes),
}

impl AttributeValue {
    /// A `String` attribute.
    pub fn string(value: &str) -> Self {
        Self::text("String", value)
    }

    /// A `Number` attribute, kept as it was written.
    pub fn number(value: &str) -> Self {
        Self::text("Number", value)
    }

    /// An attribute of any textual type.
    pub fn text(data_type: &str, value: &str) -> Self {
        Self {
            data_type: data_type.into(),
            data: AttributeData::Text(value.into()),
        }
    }

    pub(crate) fn data_bytes(&self) -> &[u8] {
        match &self.data {
            AttributeData::Text(text) => text.as_bytes(),
            AttributeData::Binary(bytes) => bytes,
        }
    }

    /// `String` of `String.label`.
    pub(crate) fn base_type(&self) -> &str {
        self.data_type.split('.').next().unwrap_or_default()
    }
}

/// Attributes sorted by name, with their checksum and size computed once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    entries: Vec<(Arc<str>, AttributeValue)>,
    size: usize,
}

impl Attributes {
    /// Checks and sorts attributes.
    ///
    /// # Errors
    /// Names the attribute that AWS would refuse, and why.
    pub fn new(
        entries: impl IntoIterator<Item = (String, AttributeValue)>,
    ) -> Result<Self, String> {
        let mut sorted: Vec<(Arc<str>, AttributeValue)> = Vec::new();
        let mut size = 0;
        for (name, value) in entries {
            check_name(&name)?;
            check_value(&name, &value)?;
            size += name.len() + value.data_type.len() + value.data_bytes().len();
            sorted.push((name.into(), value));
        }
        sorted.sort_by(|left, right| left.0.cmp(&right.0));
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(format!(
                "Message attribute name '{}' appears more than once.",
                pair[0].0
            ));
        }
        Ok(Self {
            entries: sorted,
            size,
        })
    }

    /// The attributes in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &AttributeValue)> {
        self.entries.iter().map(|(name, value)| (name, value))
    }

    /// The attribute of that name.
    pub fn get(&self, name: &str) -> Option<&AttributeValue> {
        let found = self
            .entries
            .binary_search_by(|(entry, _)| (**entry).cmp(name));
        found.ok().map(|index| &self.entries[index].1)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of names, types and values, which count towards the message's size.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Those whose name is wanted, and the checksum over just these.
    pub(crate) fn select(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let entries = self.entries.iter().filter(|(name, _)| wanted(name));
        Self {
            entries: entries.cloned().collect(),
            size: 0,
        }
    }

    /// AWS's MD5OfMessageAttributes.
    pub(crate) fn md5(&self) -> Option<Md5Sum> {
        if self.entries.is_empty() {
            return None;
        }
        let mut encoded = Vec::with_capacity(self.entries.len() * 16 + self.size);
        let mut put = |bytes: &[u8]| {
            encoded.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
            encoded.extend_from_slice(bytes);
            encoded.len()
        };
        let mut transport = Vec::with_capacity(self.entries.len());
        for (name, value) in &self.entries {
            put(name.as_bytes());
            let at = put(value.data_type.as_bytes());
            let kind = match value.data {
                AttributeData::Text(_) => 1,
                AttributeData::Binary(_) => 2,
            };
            transport.push((at, kind));
            put(value.data_bytes());
        }
        // The transport byte follows the type; inserting from the back keeps positions valid.
        for (at, kind) in transport.into_iter().rev() {
            encoded.insert(at, kind);
        }
        Some(Md5Sum::of(&encoded))
    }
}

mod base64_text {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD
            .decode(text)
            .map(Bytes::from)
            .map_err(D::Error::custom)
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || byte == b'.';
    let lower = name.to_ascii_lowercase();
    if name.is_empty() || name.len() > 256 || !name.bytes().all(allowed) {
        return Err(format!(
            "Message (user) attribute name '{name}' is invalid: it must be 1 to 256 letters, digits, '_', '-' or '.'."
        ));
    }
    if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return Err(format!(
            "Message (user) attribute name '{name}' can not start or end with '.' or contain '..'."
        ));
    }
    if lower.starts_with("aws.") || lower.starts_with("amazon.") {
        return Err(format!(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use. Found '{name}'."
        ));
    }
    Ok(())
}

fn check_value(name: &str, value: &AttributeValue) -> Result<(), String> {
    let base = value.base_type();
    if value.data_type.len() > 256 || !matches!(base, "String" | "Number" | "Binary") {
        return Err(format!(
            "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String. Found '{}'.",
            value.data_type
        ));
    }
    let is_binary = matches!(value.data, AttributeData::Binary(_));
    if is_binary != (base == "Binary") || value.data_bytes().is_empty() {
        return Err(format!(
            "The message attribute '{name}' with type '{base}' must use field '{}' and must not be empty.",
            if base == "Binary" {
                "BinaryValue"
            } else {
                "StringValue"
            }
        ));
    }
    if let ("Number", AttributeData::Text(text)) = (base, &value.data)
        && parse_number(text).is_none()
    {
        return Err(format!(
            "Can't cast the value of message (user) attribute '{name}' to a number. Found '{text}'."
        ));
    }
    Ok(())
}

/// A finite decimal number; `inf` and `nan`, which Rust would read, are none.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    let numeric = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    if !numeric {
        return None;
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: AttributeValue) -> Result<Attributes, String> {
        Attributes::new([(name.to_owned(), value)])
    }

    /// Values that other projects' SQS test suites (moto, LocalStack) pin as AWS's.
    #[test]
    fn the_checksum_is_awss() {
        for (data_type, value, expected) in [
            (
                "Number",
                "1493147359900",
                "235c5c510d26fb653d073faed50ae77c",
            ),
            (
                "Number",
                "1493147359901",
                "994258b45346a2cc3f9cbb611aa7af30",
            ),
            (
                "Number.java.lang.Long",
                "1493147359900",
                "2e2e4876d8e0bd6b8c2c8f556831c349",
            ),
        ] {
            let attributes = one("timestamp", AttributeValue::text(data_type, value));
            let sum = attributes.expect("valid").md5().map(|sum| sum.to_string());
            assert_eq!(sum.as_deref(), Some(expected), "{data_type} {value}");
        }
    }

    #[test]
    fn what_aws_refuses_is_named() {
        for (name, value) in [
            ("", AttributeValue::string("x")),
            (".a", AttributeValue::string("x")),
            ("a..b", AttributeValue::string("x")),
            ("AWS.thing", AttributeValue::string("x")),
            ("sp ace", AttributeValue::string("x")),
            ("empty", AttributeValue::string("")),
            ("type", AttributeValue::text("Text", "x")),
            ("number", AttributeValue::number("12a")),
            ("number", AttributeValue::number("nan")),
            ("number", AttributeValue::number("inf")),
        ] {
            let error = one(name, value).expect_err(name);
            assert!(error.contains(name), "{error}");
        }
        assert!(one("ok", AttributeValue::number("-1.5e3")).is_ok());
        assert!(one("ok", AttributeValue::text("String.label", "x")).is_ok());
    }
}
