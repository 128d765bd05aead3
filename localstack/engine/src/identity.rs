//! Ids, hashes and ARNs.
//!
//! All randomness comes from one seeded source, so that a run can be repeated: an
//! id taken from anywhere else would break replay.

use fastrand::Rng;
use md5::{Digest, Md5};
use sha2::Sha256;

/// A random (version 4) UUID in text form.
pub(crate) fn uuid(random: &mut Rng) -> String {
    format_uuid(random.u128(..))
}

/// Writes 128 bits as a version 4 UUID.
pub(crate) fn format_uuid(bits: u128) -> String {
    let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let digits = hex(&bits.to_be_bytes());
    [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ]
    .join("-")
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// MD5, which AWS uses as a checksum of what it received.
pub(crate) fn md5(bytes: &[u8]) -> [u8; 16] {
    Md5::digest(bytes).into()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_carries_version_and_variant() {
        let text = format_uuid(u128::MAX);
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
