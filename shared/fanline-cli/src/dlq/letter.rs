//! One dead letter: the message as it was, and all that is known about its failure.
//!
//! Not every one has a note: those that SQS itself moved have none, nor have those that a worker
//! could not fit one into. Type and id are then taken from the body.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName as Name};
use fanline::{
    Attribute, Timestamp,
    dead_letter::{self, FailureNote, Reason},
};
use serde_json::Value;

use crate::aws::last_part;

/// SQS moved it, as it was received too often: the worker crashed, ran out of time or gave it back
/// until then.
pub(super) const MOVED_BY_SQS: &str = "moved-by-sqs";

/// Nothing says why it is there.
pub(super) const UNKNOWN: &str = "unknown";

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Letter {
    pub(super) message_id: String,
    pub(super) body: String,
    /// The message's own, without what dead letters add.
    pub(super) attributes: BTreeMap<String, Attribute>,
    pub(super) note: Option<FailureNote>,
    pub(super) event_id: Option<String>,
    pub(super) event_type: Option<String>,
    pub(super) group: Option<String>,
    pub(super) trace_header: Option<String>,
    /// The queue from which SQS moved it.
    pub(super) moved_from: Option<String>,
    pub(super) sent_at: Option<Timestamp>,
    /// Receives in the dead-letter queue, by whomever.
    pub(super) receives: u32,
}

impl Letter {
    pub(super) fn new(message: Message) -> Self {
        let system = message.attributes.unwrap_or_default();
        let own = fanline_aws::received_attributes(message.message_attributes);
        let (attributes, note) = dead_letter::unpack(own);
        let text = |name: Name| system.get(&name).cloned();
        let body = message.body.unwrap_or_default();
        let event = EventNames::of(&body, &attributes);
        let noted = note.as_ref();
        Self {
            message_id: message.message_id.unwrap_or_default(),
            event_id: noted.and_then(|note| note.event_id.clone()).or(event.id),
            event_type: noted
                .and_then(|note| note.event_type.clone())
                .or(event.event_type),
            group: text(Name::MessageGroupId),
            trace_header: text(Name::AwsTraceHeader),
            moved_from: text(Name::DeadLetterQueueSourceArn),
            sent_at: sent_at(&system),
            receives: text(Name::ApproximateReceiveCount)
                .and_then(|count| count.parse().ok())
                .unwrap_or(1),
            body,
            attributes,
            note,
        }
    }

    /// The note's reason as it is spelled there, or what can be said without a note.
    pub(super) fn reason(&self) -> String {
        match &self.note {
            Some(note) => spelled(note.reason),
            None if self.moved_from.is_some() => MOVED_BY_SQS.to_owned(),
            None => UNKNOWN.to_owned(),
        }
    }

    /// The event's type, or what stands for it in lists.
    pub(super) fn type_name(&self) -> &str {
        self.event_type.as_deref().unwrap_or("-")
    }

    /// The id to ask for it: the event's, if it has one.
    pub(super) fn id(&self) -> &str {
        self.event_id.as_deref().unwrap_or(&self.message_id)
    }

    pub(super) fn is_called(&self, id: &str) -> bool {
        // The worker's logs name the id that the message had before it was a dead letter.
        let logged = self.note.as_ref().map(|note| note.message_id.as_str());
        self.message_id == id || self.event_id.as_deref() == Some(id) || logged == Some(id)
    }

    /// When it was first sent to the queue it failed in.
    pub(super) fn first_seen(&self) -> Option<Timestamp> {
        let noted = self.note.as_ref().and_then(|note| note.first_seen);
        noted.or(self.sent_at)
    }

    /// When a worker gave up; without a note, when it was sent.
    pub(super) fn failed_at(&self) -> Option<Timestamp> {
        let noted = self.note.as_ref().map(|note| note.failed_at);
        noted.or(self.sent_at)
    }

    /// The name of the queue it failed in.
    pub(super) fn source(&self) -> Option<&str> {
        let noted = self.note.as_ref().map(|note| note.source.as_str());
        noted.or(self.moved_from.as_deref()).map(last_part)
    }

    /// Bytes that SQS counts for it.
    pub(super) fn size(&self) -> usize {
        let attributes = self.attributes.iter();
        let attributes = attributes.map(|(name, attribute)| attribute.size(name));
        self.body.len() + attributes.sum::<usize>()
    }
}

/// The name that a reason has in a note, also one that is newer than this code.
fn spelled(reason: Reason) -> String {
    match serde_json::to_value(reason) {
        Ok(Value::String(name)) => name,
        _ => UNKNOWN.to_owned(),
    }
}

fn sent_at(system: &HashMap<Name, String>) -> Option<Timestamp> {
    let milliseconds = system.get(&Name::SentTimestamp)?.parse().ok()?;
    Timestamp::from_millisecond(milliseconds).ok()
}

/// What an event calls itself, read leniently: it is a dead letter, perhaps since it is malformed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct EventNames {
    pub(super) id: Option<String>,
    pub(super) event_type: Option<String>,
}

impl EventNames {
    /// From Fanline's envelope, a CloudEvent in either mode, or one of them as SNS wraps it.
    pub(super) fn of(body: &str, attributes: &BTreeMap<String, Attribute>) -> Self {
        let document: Value = serde_json::from_str(body).unwrap_or_default();
        if document["Type"] == "Notification"
            && let Some(inner) = document["Message"].as_str()
        {
            return Self::of(inner, attributes);
        }
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let attribute = |names: &[&str]| {
            let mut found = names.iter().filter_map(|name| attributes.get(*name));
            found.find_map(Attribute::as_text).map(str::to_owned)
        };
        Self {
            id: text(&document["metadata"]["eventId"])
                .or_else(|| text(&document["id"]).filter(|_| document["specversion"].is_string()))
                .or_else(|| attribute(&["ce-id", "ce_id", "cloudEvents_id"])),
            event_type: text(&document["type"])
                .or_else(|| attribute(&["type", "ce-type", "ce_type", "cloudEvents_type"])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(body: &str) -> (Option<String>, Option<String>) {
        let names = EventNames::of(body, &BTreeMap::new());
        (names.id, names.event_type)
    }

    #[test]
    fn events_are_named_in_every_wire_form_and_in_none() {
        let expected = (Some("e-1".to_owned()), Some("a.b".to_owned()));
        let envelope = r#"{"type":"a.b","data":{"id":"no"},"metadata":{"eventId":"e-1"}}"#;
        assert_eq!(names(envelope), expected);
        let wrapped = serde_json::json!({"Type": "Notification", "Message": envelope});
        assert_eq!(names(&wrapped.to_string()), expected);
        assert_eq!(
            names(r#"{"specversion":"1.0","id":"e-1","type":"a.b"}"#),
            expected
        );
        for not_an_event in ["", "{", "[]", "7", r#"{"id":"x"}"#] {
            assert_eq!(names(not_an_event), (None, None), "{not_an_event}");
        }
        let binary = [("ce-id", "e-1"), ("ce-type", "a.b")];
        let binary = binary.map(|(name, value)| (name.to_owned(), Attribute::text(value)));
        let found = EventNames::of("{}", &binary.into());
        assert_eq!((found.id, found.event_type), expected);
    }

    #[test]
    fn reasons_are_spelled_as_in_notes() {
        assert_eq!(spelled(Reason::AttemptsUsedUp), "attempts-used-up");
        let moved = Letter {
            moved_from: Some("arn:aws:sqs:us-east-1:000000000000:orders".to_owned()),
            ..Letter::default()
        };
        assert_eq!(
            (&*moved.reason(), moved.source()),
            (MOVED_BY_SQS, Some("orders"))
        );
        assert_eq!(Letter::default().reason(), UNKNOWN);
    }
}
