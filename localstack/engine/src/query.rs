//! The query protocol's form-encoded parameters: `Action=Publish&Attributes.entry.1.key=...`.
//!
//! Lists are numbered from 1 and end at the first gap, so their length is bounded by what
//! was sent, not by the numbers a client writes.

use std::collections::BTreeMap;

/// Decoded parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(BTreeMap<String, String>);

impl Form {
    /// Decodes a body. What is not valid UTF-8 after decoding is replaced, never refused.
    pub fn parse(body: &[u8]) -> Self {
        let pairs = body
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let mut halves = pair.splitn(2, |byte| *byte == b'=');
                    let name = decode(halves.next().unwrap_or_default());
                    (name, decode(halves.next().unwrap_or_default()))
                })
                .collect(),
        )
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A list of plain values: `prefix.1`, `prefix.2`, ...
    pub fn list(&self, prefix: &str) -> Vec<String> {
        let numbered = (1..).map(|number| self.get(&format!("{prefix}.{number}")));
        numbered
            .map_while(|value| value.map(str::to_owned))
            .collect()
    }

    /// The prefixes of a list of structures: `prefix.1`, `prefix.2`, ... as far as any member of it was sent.
    pub fn structures(&self, prefix: &str) -> Vec<String> {
        let numbered = (1..).map(|number| format!("{prefix}.{number}"));
        numbered
            .take_while(|member| {
                let inner = format!("{member}.");
                let mut from = self.0.range(inner.clone()..);
                from.next()
                    .is_some_and(|(name, _)| name.starts_with(&inner))
            })
            .collect()
    }

    /// A map written as `prefix.1.key` and `prefix.1.value`, whatever these two are called.
    pub fn map(&self, prefix: &str, key: &str, value: &str) -> BTreeMap<String, String> {
        let entries = self.structures(prefix).into_iter();
        entries
            .filter_map(|entry| {
                let name = self.get(&format!("{entry}.{key}"))?;
                let value = self.get(&format!("{entry}.{value}")).unwrap_or_default();
                Some((name.to_owned(), value.to_owned()))
            })
            .collect()
    }
}

fn decode(text: &[u8]) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => match (digit(text.get(at)), digit(text.get(at + 1))) {
                (Some(high), Some(low)) => {
                    bytes.push((high * 16 + low) as u8);
                    at += 2;
                }
                _ => bytes.push(b'%'),
            },
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_maps_and_escapes_are_read() {
        let form = Form::parse(
            b"Action=A+b%21&TagKeys.member.1=x&TagKeys.member.2=y&TagKeys.member.4=z\
              &Attributes.entry.1.key=Policy&Attributes.entry.1.value=%7B%7D&Odd=%zz%4",
        );
        assert_eq!(form.get("Action"), Some("A b!"));
        assert_eq!(form.list("TagKeys.member"), ["x", "y"]);
        assert_eq!(
            form.map("Attributes.entry", "key", "value")
                .get("Policy")
                .map(String::as_str),
            Some("{}")
        );
        assert_eq!(form.get("Odd"), Some("%zz%4"));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic() {
        for body in [&b"%"[..], b"=", b"&&&", b"\xff=\xfe", b"a=%ff%fe", b"%=%2"] {
            Form::parse(body);
        }
    }
}
