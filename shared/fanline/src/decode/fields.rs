//! Reading the fields of a JSON object with reasons a person can act on.

use std::{borrow::Cow, collections::BTreeMap};

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::{LONGEST_KEY, Undecodable};

/// The fields of one JSON object, values unparsed.
pub(super) struct Fields<'a> {
    path: &'static str,
    source: &'a str,
    values: BTreeMap<String, &'a RawValue>,
}

impl<'a> Fields<'a> {
    pub(super) fn parse(path: &'static str, source: &'a str) -> Result<Self, Undecodable> {
        match serde_json::from_str(source) {
            Ok(values) => Ok(Self {
                path: "",
                source,
                values,
            }),
            Err(_) => Err(not_an_object(path, source)),
        }
    }

    /// The text this object was parsed from.
    pub(super) fn source(&self) -> &'a str {
        self.source
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.values.get(name).copied()
    }

    pub(super) fn required(&self, name: &str, expected: &str) -> Result<&'a RawValue, Undecodable> {
        self.get(name)
            .ok_or_else(|| self.error(name, expected, "nothing"))
    }

    pub(super) fn object(&self, name: &'static str) -> Result<Fields<'a>, Undecodable> {
        let value = self.required(name, "an object")?.get();
        let values = serde_json::from_str(value)
            .map_err(|_| self.error(name, "an object", kind_of(value)))?;
        Ok(Fields {
            path: name,
            source: value,
            values,
        })
    }

    /// A string that is not empty.
    pub(super) fn text(&self, name: &str) -> Result<Cow<'a, str>, Undecodable> {
        const EXPECTED: &str = "a non-empty string";
        let value = self.required(name, EXPECTED)?.get();
        let text = parse_text(value).ok_or_else(|| self.error(name, EXPECTED, kind_of(value)))?;
        if text.is_empty() {
            return Err(self.error(name, EXPECTED, "an empty one"));
        }
        Ok(text)
    }

    /// A string, null or nothing.
    pub(super) fn optional_text(&self, name: &str) -> Result<Option<Cow<'a, str>>, Undecodable> {
        match self.get(name).map(RawValue::get) {
            None | Some("null") => Ok(None),
            Some(value) => parse_text(value)
                .map(Some)
                .ok_or_else(|| self.error(name, "a string", kind_of(value))),
        }
    }

    /// A string that can serve as an idempotency key.
    pub(super) fn key(&self, name: &str) -> Result<Cow<'a, str>, Undecodable> {
        let text = self.text(name)?;
        if text.len() > LONGEST_KEY {
            let expected = format!("at most {LONGEST_KEY} bytes");
            return Err(self.error(name, &expected, &format!("{} bytes", text.len())));
        }
        Ok(text)
    }

    pub(super) fn timestamp(&self, name: &str) -> Result<Timestamp, Undecodable> {
        const EXPECTED: &str = "an RFC 3339 timestamp such as 2026-02-14T10:30:00Z";
        let text = self.text(name).map_err(|_| match self.get(name) {
            Some(value) => self.error(name, EXPECTED, kind_of(value.get())),
            None => self.error(name, EXPECTED, "nothing"),
        })?;
        text.parse()
            .map_err(|_| self.error(name, EXPECTED, "another string"))
    }

    pub(super) fn version(&self, name: &str) -> Result<u32, Undecodable> {
        const EXPECTED: &str = "a whole number from 1 to 4294967295";
        let value = self.required(name, EXPECTED)?.get();
        match serde_json::from_str::<u32>(value) {
            Ok(version) if version > 0 => Ok(version),
            _ => Err(self.error(name, EXPECTED, kind_of(value))),
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<u64, Undecodable> {
        const EXPECTED: &str = "a whole number";
        let value = self.required(name, EXPECTED)?.get();
        serde_json::from_str(value).map_err(|_| self.error(name, EXPECTED, kind_of(value)))
    }

    pub(super) fn error(&self, name: &str, expected: &str, found: &str) -> Undecodable {
        let separator = if self.path.is_empty() { "" } else { "." };
        Undecodable::new(format!(
            "{}{separator}{name}: expected {expected}, found {found}",
            self.path
        ))
    }
}

fn not_an_object(path: &str, source: &str) -> Undecodable {
    let found = match serde_json::from_str::<&RawValue>(source) {
        Ok(value) if kind_of(value.get()) == "an object" => {
            "one that is nested too deeply".to_owned()
        }
        Ok(value) => kind_of(value.get()).to_owned(),
        Err(error) => format!(
            "text that is not JSON at line {} column {} ({} bytes)",
            error.line(),
            error.column(),
            source.len()
        ),
    };
    Undecodable::new(format!("{path}: expected a JSON object, found {found}"))
}

fn parse_text(value: &str) -> Option<Cow<'_, str>> {
    match serde_json::from_str::<&str>(value) {
        Ok(text) => Some(Cow::Borrowed(text)),
        // With escapes it cannot be borrowed.
        Err(_) => serde_json::from_str::<String>(value).ok().map(Cow::Owned),
    }
}

/// What kind of JSON value this is, for messages.
pub(super) fn kind_of(value: &str) -> &'static str {
    match value.trim_start().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(b'-') => "a negative number",
        Some(b'0'..=b'9') if value.contains(['.', 'e', 'E']) => "a number with a fraction",
        Some(b'0'..=b'9') => "a number out of range",
        _ => "nothing",
    }
}
