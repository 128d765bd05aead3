//! The reference that travels in place of an event's data.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// Event ids up to this length stand in keys as they are, if they need no escaping anywhere.
const LONGEST_PLAIN_ID: usize = 128;

/// Which payload is an event's data. Nothing of where the store is: that is the worker's to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DataRef {
    key: String,
    bytes: u64,
    sha256: String,
}

impl DataRef {
    /// The reference to the data, as JSON text, of the event with this id. Always the same for the same
    /// event, so that publishing it again stores nothing new.
    ///
    /// ```
    /// use fanline::claim_check::DataRef;
    ///
    /// let reference = DataRef::new("e-1", "{}");
    /// assert_eq!(reference.bytes(), 2);
    /// assert_eq!(reference.key(), format!("e-1/{}", reference.sha256()));
    /// assert_eq!(reference.check("{}"), Ok(()));
    /// assert_eq!(reference.check("[]"), Err("its SHA-256 is not the one in the message".into()));
    /// ```
    pub fn new(event_id: &str, data: &str) -> Self {
        Self::of_hash(event_id, data.len() as u64, sha256(data))
    }

    pub(crate) fn of_hash(event_id: &str, bytes: u64, sha256: String) -> Self {
        Self {
            key: format!("{}/{sha256}", name(event_id)),
            bytes,
            sha256,
        }
    }

    /// What the payload store knows it by: the event's id and the hash.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Bytes of the data as JSON text.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// SHA-256 of the data as JSON text, in lower-case hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Whether this is the data; else what is wrong with it.
    ///
    /// # Errors
    /// If its length or its hash is another.
    pub fn check(&self, data: &str) -> Result<(), String> {
        if data.len() as u64 != self.bytes {
            let found = data.len();
            return Err(format!("it has {found} bytes, not {}", self.bytes));
        }
        match sha256(data) == self.sha256 {
            true => Ok(()),
            false => Err("its SHA-256 is not the one in the message".to_owned()),
        }
    }
}

/// An event id as part of a key. An id may be any text; keys go into URLs and to people.
fn name(event_id: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match event_id.len() <= LONGEST_PLAIN_ID && event_id.bytes().all(is_plain) {
        true => event_id.to_owned(),
        false => format!("sha256-{}", sha256(event_id)),
    }
}

fn sha256(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_safe_whatever_the_event_id() {
        for id in ["../../secrets", "a b", "", ".", "é", &"x".repeat(1000)] {
            let reference = DataRef::new(id, "{}");
            let (name, hash) = reference.key().split_once('/').unwrap();
            assert!(name.is_empty() || name.starts_with("sha256-"), "{name}");
            assert_eq!(hash, reference.sha256());
            assert!(reference.key().len() < 200);
        }
        let key = |id, data| DataRef::new(id, data).key().to_owned();
        assert_ne!(
            key("e-1", "1"),
            key("e-1", "2"),
            "no event takes another's place"
        );
        assert_ne!(key("e-1", "1"), key("e-2", "1"));
    }
}
