//! Ids, hashes and ARNs.
//!
//! All randomness comes from one seeded source, so that a run can be repeated: an
//! id taken from anywhere else would break replay.

use fastrand::Rng;
use md5::{Digest, Md5};
use serde::{Serialize, Serializer};
use sha2::Sha256;
use std::fmt;
use std::sync::Arc;

/// A random (version 4) UUID in text form.
pub(crate) fn uuid(random: &mut Rng) -> String {
    MessageId(random.u128(..)).to_string()
}

/// The id that SQS or SNS gives a message, written as a version 4 UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageId(pub(crate) u128);

impl fmt::Display for MessageId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const VERSION: u128 = 0xf << 76;
        const VARIANT: u128 = 0x3 << 62;
        let bits = (self.0 & !VERSION & !VARIANT) | (0x4 << 76) | (0x2 << 62);
        let mut text = [b'-'; 36];
        let bytes = bits.to_be_bytes();
        for (group, at) in [(0..4, 0), (4..6, 9), (6..8, 14), (8..10, 19), (10..16, 24)] {
            let length = 2 * group.len();
            write_hex(&bytes[group], &mut text[at..at + length]);
        }
        formatter.write_str(ascii(&text))
    }
}

impl Serialize for MessageId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The text of a message id.
pub(crate) fn format_uuid(bits: u128) -> String {
    MessageId(bits).to_string()
}

/// An MD5 checksum, written in hexadecimal: AWS gives it for what it received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Md5Sum([u8; 16]);

impl Md5Sum {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Md5::digest(bytes).into())
    }
}

/// The MD5 checksum of a text, computed when it is written: most of what a send would cost
/// otherwise, and under the engine's lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Md5Of(pub(crate) Arc<str>);

impl fmt::Display for Md5Of {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Md5Sum::of(self.0.as_bytes()).fmt(formatter)
    }
}

impl Serialize for Md5Of {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Md5Sum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 32];
        write_hex(&self.0, &mut text);
        formatter.write_str(ascii(&text))
    }
}

impl Serialize for Md5Sum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = vec![0; bytes.len() * 2];
    write_hex(bytes, &mut text);
    ascii(&text).to_owned()
}

fn write_hex(bytes: &[u8], text: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, digits) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        digits[0] = DIGITS[usize::from(byte >> 4)];
        digits[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// Text of which every byte was written here.
fn ascii(text: &[u8]) -> &str {
    std::str::from_utf8(text).unwrap_or_default()
}

/// SHA-256 in hexadecimal: the deduplication id of content-based deduplication.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The region and account every ARN of this engine carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Such as `us-east-1`.
    pub region: String,
    /// Twelve digits.
    pub account: String,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            region: "us-east-1".into(),
            account: "000000000000".into(),
        }
    }
}

impl Identity {
    pub(crate) fn queue_arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:{}:{}:{name}", self.region, self.account)
    }

    pub(crate) fn topic_arn(&self, name: &str) -> String {
        format!("arn:aws:sns:{}:{}:{name}", self.region, self.account)
    }

    /// The queue's name, if the ARN is that of a queue of this region and account.
    pub(crate) fn queue_of_arn<'a>(&self, arn: &'a str) -> Option<&'a str> {
        let rest = arn.strip_prefix("arn:aws:sqs:")?;
        let rest = rest.strip_prefix(self.region.as_str())?.strip_prefix(':')?;
        rest.strip_prefix(self.account.as_str())?.strip_prefix(':')
    }
}

/// Letters, digits, `-` and `_`: what AWS allows in names and batch entry ids.
pub(crate) fn is_plain_name(name: &str, longest: usize) -> bool {
    !name.is_empty()
        && name.len() <= longest
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// What AWS allows as the id of a message group, of deduplication and of a receive attempt.
pub(crate) fn is_fifo_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_carries_version_and_variant() {
        let text = MessageId(u128::MAX).to_string();
        assert_eq!(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn a_queue_of_another_region_is_not_ours() {
        let identity = Identity {
            region: "us-east-1".into(),
            account: "000000000000".into(),
        };
        assert_eq!(identity.queue_of_arn(&identity.queue_arn("q")), Some("q"));
        assert_eq!(
            identity.queue_of_arn("arn:aws:sqs:eu-west-1:000000000000:q"),
            None
        );
        assert_eq!(identity.queue_of_arn("arn:aws:sqs:us-east-1"), None);
    }
}
