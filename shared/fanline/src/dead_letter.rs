//! Dead letters: the message as it was, and an attribute that says why it is one.
//!
//! The body and the attributes are the message's own, so that it can be sent back as it was. SQS
//! takes 10 attributes: of a message that leaves no room, the last ones travel packed in one.
//! [`unpack`] undoes [`pack`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Attribute, AttributeValue};

/// The attribute that holds a [`FailureNote`] as JSON.
pub const FAILURE: &str = "fanline.failure";

/// The attribute that holds those for which there was no room.
pub const PACKED: &str = "fanline.attributes";

/// Attributes that a message can have (SQS developer guide, "message metadata").
const MOST_ATTRIBUTES: usize = 10;

/// Bytes that a message can have, attributes included (SQS developer guide, "message quotas").
const MOST_BYTES: usize = 1024 * 1024;

/// Bytes of an error text that are kept: enough for a chain of causes.
const MOST_ERROR_BYTES: usize = 2_000;

/// Why a message is a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No retry can help: undecodable, of unknown type, or rejected by the handler.
    Rejected,
    /// It failed as often as the worker's retry plan allows.
    AttemptsUsedUp,
    /// What it needs did not answer at any attempt. It has nothing to do with the message: bring
    /// all of these back once it answers.
    Unavailable,
    /// Its idempotency key was done before with other data.
    Conflict,
    /// A reason that this version does not know.
    #[serde(other)]
    Other,
}

/// What a dead letter says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureNote {
    /// Why it is here.
    pub reason: Reason,
    /// The last error and its causes, outermost first; never the payload.
    pub error: String,
    /// Which worker gave up.
    pub handler: String,
    /// The event's type, if it could be decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// The event's id, if it could be decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The event's correlation id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// How often it was received.
    pub attempts: u32,
    /// When it was first sent to the queue, also if it has been a dead letter before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_seen: Option<Timestamp>,
    /// When the worker gave up.
    pub failed_at: Timestamp,
    /// The queue it came from.
    pub source: String,
    /// The id it had there: a dead letter has one of its own.
    pub message_id: String,
    /// Lambda's request id of the last attempt: finds the log lines.
    pub request_id: String,
}

/// Attributes for a dead letter with this body. A note that does not fit is shortened; the message
/// itself never is.
pub fn pack(
    body: &str,
    attributes: BTreeMap<String, Attribute>,
    note: FailureNote,
) -> BTreeMap<String, Attribute> {
    let (mut attributes, earlier) = unpack(attributes);
    let mut note = note;
    let earlier = earlier.and_then(|earlier| earlier.first_seen);
    note.first_seen = [earlier, note.first_seen].into_iter().flatten().min();
    note.error = shortened(&note.error, MOST_ERROR_BYTES);
    if attributes.len() >= MOST_ATTRIBUTES {
        // One place for the note, one for those that are packed.
        let kept = attributes.keys().nth(MOST_ATTRIBUTES - 2).cloned();
        let packed = kept.map(|first| attributes.split_off(&first));
        let packed = packed.unwrap_or_default();
        attributes.insert(PACKED.to_owned(), packed_up(&packed));
    }
    let room = MOST_BYTES.saturating_sub(body.len() + size(&attributes));
    let mut attribute = Attribute::text(as_json(&note));
    if attribute.size(FAILURE) > room {
        note.error = shortened(&note.error, 100);
        attribute = Attribute::text(as_json(&note));
    }
    if attribute.size(FAILURE) <= room {
        attributes.insert(FAILURE.to_owned(), attribute);
    }
    attributes
}

/// The message's own attributes, and the note if it has one that can be read.
pub fn unpack(
    mut attributes: BTreeMap<String, Attribute>,
) -> (BTreeMap<String, Attribute>, Option<FailureNote>) {
    let note = attributes.remove(FAILURE);
    let note = note.and_then(|note| serde_json::from_str(note.as_text()?).ok());
    let packed = attributes.get(PACKED).and_then(|packed| {
        serde_json::from_str::<BTreeMap<String, Packed>>(packed.as_text()?).ok()
    });
    if let Some(packed) = packed {
        attributes.remove(PACKED);
        let packed = packed.into_iter();
        attributes.extend(packed.map(|(name, packed)| (name, packed.into())));
    }
    (attributes, note)
}

/// An attribute inside [`PACKED`]: type, and text or bytes.
#[derive(Serialize, Deserialize)]
struct Packed {
    #[serde(rename = "type")]
    data_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<Vec<u8>>,
}

impl From<Packed> for Attribute {
    fn from(packed: Packed) -> Self {
        let value = match packed.bytes {
            Some(bytes) => AttributeValue::Binary(bytes),
            None => AttributeValue::Text(packed.text.unwrap_or_default()),
        };
        Self {
            data_type: packed.data_type,
            value,
        }
    }
}

fn packed_up(attributes: &BTreeMap<String, Attribute>) -> Attribute {
    let packed: BTreeMap<&str, Packed> = attributes
        .iter()
        .map(|(name, attribute)| {
            let (text, bytes) = match &attribute.value {
                AttributeValue::Text(text) => (Some(text.clone()), None),
                AttributeValue::Binary(bytes) => (None, Some(bytes.clone())),
            };
            let data_type = attribute.data_type.clone();
            let packed = Packed {
                data_type,
                text,
                bytes,
            };
            (name.as_str(), packed)
        })
        .collect();
    Attribute::text(as_json(&packed))
}

/// Of plain maps and texts, which always can be.
fn as_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn size(attributes: &BTreeMap<String, Attribute>) -> usize {
    let sizes = attributes
        .iter()
        .map(|(name, attribute)| attribute.size(name));
    sizes.sum()
}

fn shortened(text: &str, bytes: usize) -> String {
    match text.len() <= bytes {
        true => text.to_owned(),
        false => format!("{}…", &text[..text.floor_char_boundary(bytes)]),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn note() -> FailureNote {
        FailureNote {
            reason: Reason::Rejected,
            error: "amount: expected a number".to_owned(),
            handler: "email-service".to_owned(),
            event_type: Some("user.signed_up".to_owned()),
            event_id: Some("e-1".to_owned()),
            correlation_id: None,
            attempts: 1,
            first_seen: Some(Timestamp::UNIX_EPOCH),
            failed_at: Timestamp::UNIX_EPOCH,
            source: "email-service-queue".to_owned(),
            message_id: "m-1".to_owned(),
            request_id: "r-1".to_owned(),
        }
    }

    fn attribute() -> impl Strategy<Value = Attribute> {
        prop_oneof![
            "[ -~]{1,20}".prop_map(Attribute::text),
            prop::collection::vec(any::<u8>(), 1..20).prop_map(|bytes| Attribute {
                data_type: "Binary.png".to_owned(),
                value: AttributeValue::Binary(bytes),
            }),
        ]
    }

    proptest! {
        #[test]
        fn message_comes_out_as_it_went_in_and_within_the_limits(
            attributes in prop::collection::btree_map("[a-z._]{1,8}", attribute(), 0..=10),
            error in ".{0,3000}",
        ) {
            let note = FailureNote { error, ..note() };
            let packed = pack("body", attributes.clone(), note.clone());
            prop_assert!(packed.len() <= MOST_ATTRIBUTES);
            let (unpacked, found) = unpack(packed.clone());
            prop_assert_eq!(&unpacked, &attributes);
            let found = found.expect("a note");
            prop_assert!(note.error.starts_with(found.error.trim_end_matches('…')));
            // A dead letter of a dead letter is no deeper.
            let (again, _) = unpack(pack("body", packed, note));
            prop_assert_eq!(again, attributes);
        }
    }

    #[test]
    fn first_seen_survives_a_second_failure() {
        let later = Timestamp::from_second(1000).expect("in range");
        let first = pack("body", BTreeMap::new(), note());
        let again = FailureNote {
            first_seen: Some(later),
            ..note()
        };
        let (_, found) = unpack(pack("body", first, again));
        let found = found.expect("a note");
        assert_eq!(found.first_seen, Some(Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn full_message_loses_the_note_and_nothing_else() {
        let body = "x".repeat(MOST_BYTES - 300);
        let long = FailureNote {
            error: "y".repeat(1000),
            ..note()
        };
        let packed = pack(&body, BTreeMap::new(), long);
        assert!(body.len() + size(&packed) <= MOST_BYTES);
        let full = "x".repeat(MOST_BYTES);
        assert_eq!(pack(&full, BTreeMap::new(), note()), BTreeMap::new());
    }

    #[test]
    fn note_of_another_version_is_read() {
        let mut other = serde_json::to_value(note()).expect("JSON");
        other["reason"] = "melted".into();
        other["new"] = 1.into();
        let attributes = [(FAILURE.to_owned(), Attribute::text(other.to_string()))];
        let (_, found) = unpack(attributes.into());
        assert_eq!(found.map(|note| note.reason), Some(Reason::Other));
    }
}
