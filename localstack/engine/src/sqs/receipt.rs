//! Receipt handles: which message, and which receive of it.
//!
//! The receive is part of the handle, so a handle from before a redelivery no longer
//! deletes the message under its new owner.

use super::message::Key;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Receipt {
    pub(crate) queue: u64,
    pub(crate) key: Key,
    pub(crate) receive_count: u32,
}

impl Receipt {
    pub(crate) fn encode(self) -> String {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.queue.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.key.number.to_be_bytes());
        bytes[16..20].copy_from_slice(&self.key.slot.to_be_bytes());
        bytes[20..].copy_from_slice(&self.receive_count.to_be_bytes());
        URL_SAFE.encode(bytes)
    }

    pub(crate) fn decode(text: &str) -> Option<Self> {
        let mut bytes = [0; 24];
        if text.len() != 32 || URL_SAFE.decode_slice(text, &mut bytes).ok()? != bytes.len() {
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
        assert_eq!(Receipt::decode(&receipt.encode()), Some(receipt));
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
