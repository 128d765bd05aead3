//! What is signed of a notification, and by whom.
//!
//! SNS signs some fields in one order, each name and value on a line of its own. Not among them
//! are the subscription and its attributes, so one signature serves all subscribers.

use super::notification::Notification;
use std::fmt;

/// A topic's `SignatureVersion`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SignatureVersion {
    /// SHA-1 with RSA, which AWS takes unless told otherwise.
    #[default]
    One,
    /// SHA-256 with RSA.
    Two,
}

impl SignatureVersion {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "1" => Some(Self::One),
            "2" => Some(Self::Two),
            _ => None,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
        }
    }
}

/// Signs notifications. It comes from outside, so that the state machine knows no key.
pub trait NotificationSigner: Send + Sync + fmt::Debug {
    /// The signature in base64; none if it cannot be made.
    fn sign(&self, version: SignatureVersion, text: &[u8]) -> Option<String>;

    /// The path of the certificate under the engine's URL.
    fn certificate_path(&self) -> Option<&str>;
}

/// What stands in a notification where nobody signs.
const UNSIGNED: &str = "RkFOTElORSBFTkdJTkUgRE9FUyBOT1QgU0lHTg==";
const NO_CERTIFICATE: &str = "/SimpleNotificationService-unsigned.pem";

/// A notification's signature.
#[derive(Debug, Clone)]
pub(super) struct Signature {
    pub(super) version: SignatureVersion,
    pub(super) text: String,
    pub(super) certificate_url: String,
}

impl Signature {
    pub(super) fn new(
        signer: Option<&dyn NotificationSigner>,
        version: SignatureVersion,
        notification: &Notification<'_>,
        base_url: &str,
    ) -> Self {
        let signed = signer.and_then(|signer| {
            let text = signer.sign(version, signed_text(notification).as_bytes())?;
            Some((text, signer.certificate_path()?))
        });
        let (text, path) = signed.unwrap_or_else(|| (UNSIGNED.to_owned(), NO_CERTIFICATE));
        Self {
            version,
            text,
            certificate_url: format!("{base_url}{path}"),
        }
    }
}

fn signed_text(notification: &Notification<'_>) -> String {
    let timestamp = notification.timestamp();
    let fields = [
        ("Message", Some(notification.message)),
        ("MessageId", Some(notification.message_id)),
        ("Subject", notification.subject),
        ("Timestamp", Some(timestamp.as_str())),
        ("TopicArn", Some(notification.topic_arn)),
        ("Type", Some("Notification")),
    ];
    let present = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    present
        .map(|(name, value)| format!("{name}\n{value}\n"))
        .collect()
}
