//! Receipt handles: which message, and which receive of it.
//!
//! The receive is part of the handle, so a handle from before a redelivery no longer
//! deletes the message under its new owner.

use super::message::Key;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use std::fmt;

/// The length of a handle's text.
const LENGTH: usize = 32;

/// What a consumer shows to delete a message that it received, or to change how long it is hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptHandle(Inner);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Inner {
    Ours(Receipt),
    /// What no queue of any engine has given out, kept for the message that says so.
    Foreign(Box<str>),
}

impl ReceiptHandle {
    pub(crate) fn new(receipt: Receipt) -> Self {
        Self(Inner::Ours(receipt))
    }

    pub(crate) fn receipt(&self) -> Option<Receipt> {
        match self.0 {
            Inner::Ours(receipt) => Some(receipt),
            Inner::Foreign(_) => None,
        }
    }

    /// Whether the call named none.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(&self.0, Inner::Foreign(text) if text.is_empty())
    }
}

impl From<&str> for ReceiptHandle {
    fn from(text: &str) -> Self {
        Self(match Receipt::decode(text) {
            Some(receipt) => Inner::Ours(receipt),
            None => Inner::Foreign(text.into()),
        })
    }
}

impl Default for ReceiptHandle {
    fn default() -> Self {
        Self(Inner::Foreign("".into()))
    }
}

impl fmt::Display for ReceiptHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Ours(receipt) => receipt.fmt(formatter),
            Inner::Foreign(text) => formatter.write_str(text),
        }
    }
}

impl Serialize for ReceiptHandle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ReceiptHandle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = ReceiptHandle;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a receipt handle")
            }

            fn visit_str<E>(self, text: &str) -> Result<ReceiptHandle, E> {
                Ok(text.into())
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) queue: u64,
    pub(crate) key: Key,
    pub(crate) receive_count: u32,
}

impl fmt::Display for Receipt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(std::str::from_utf8(&self.encode()).unwrap_or_default())
    }
}

impl Receipt {
    fn encode(self) -> [u8; LENGTH] {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.queue.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.key.number.to_be_bytes());
        bytes[16..20].copy_from_slice(&self.key.slot.to_be_bytes());
        bytes[20..].copy_from_slice(&self.receive_count.to_be_bytes());
        let mut text = [0; LENGTH];
        // 24 bytes are 32 characters, always.
        let _ = URL_SAFE.encode_slice(bytes, &mut text);
        text
    }

    pub(crate) fn decode(text: &str) -> Option<Self> {
        let mut bytes = [0; 24];
        if text.len() != LENGTH || URL_SAFE.decode_slice(text, &mut bytes).ok()? != bytes.len() {
            return None;
        }
        let word = |at: usize| {
            bytes[at..at + 4]
                .iter()
                .fold(0u32, |word, byte| word << 8 | u32::from(*byte))
        };
        let long = |at: usize| u64::from(word(at)) << 32 | u64::from(word(at + 4));
        Some(Self {
            queue: long(0),
            key: Key {
                number: long(8),
                slot: word(16),
            },
            receive_count: word(20),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_comes_back_as_it_was() {
        let receipt = Receipt {
            queue: u64::MAX - 3,
            key: Key {
                number: 1 << 40,
                slot: 77,
            },
            receive_count: 9,
        };
        assert_eq!(Receipt::decode(&receipt.to_string()), Some(receipt));
    }

    #[test]
    fn what_is_no_handle_is_refused() {
        for text in [
            "",
            "x",
            "ä",
            &"!".repeat(32),
            &"A".repeat(33),
            &"ä".repeat(16),
        ] {
            assert_eq!(Receipt::decode(text), None, "{text}");
        }
    }
}
