//! The envelope around every event (requirement E1).
//!
//! The wire form is exactly `{ "type", "data", "metadata" }`; what could be got wrong is the
//! event id: the producer chooses it once and nothing downstream may change it, because it
//! is what deduplication recognises.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, ser::SerializeStruct};
use serde_json::{Map, Value, json};

use crate::{Cause, Event, System};

/// What is known about an event besides its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// Chosen by the producer, kept for life: through retries, redrive and relays.
    pub event_id: String,
    /// When it happened, by the producer's clock.
    pub timestamp: Timestamp,
    /// Who published it.
    pub source: String,
    /// Version of the data's schema.
    pub version: u32,
    /// The same for everything that follows from one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The id of the event or command that caused this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// W3C trace context of the producer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// Fields this version of Fanline does not know, kept as they came.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Metadata {
    /// Metadata of an event that happens now and follows from the [`Cause`] of this task.
    pub fn new(system: &dyn System, source: impl Into<String>, version: u32) -> Self {
        let cause = Cause::current();
        Self {
            event_id: system.event_id(),
            timestamp: system.now(),
            source: source.into(),
            version,
            correlation_id: cause.correlation_id,
            causation_id: cause.causation_id,
            traceparent: cause.traceparent,
            other: Map::new(),
        }
    }
}

/// An event with its metadata, as a handler receives it and a publisher sends it.
///
/// ```
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)]
/// # #[serde(rename_all = "camelCase")]
/// # struct UserSignedUp { user_id: String }
/// # impl fanline::Event for UserSignedUp { const TYPE: &'static str = "user.signed_up"; }
/// let metadata = serde_json::from_value(serde_json::json!({
///     "eventId": "e-1", "timestamp": "2026-02-14T10:30:00Z", "source": "accounts", "version": 1
/// })).unwrap();
/// let event = fanline::Envelope { data: UserSignedUp { user_id: "u-1".into() }, metadata };
/// assert_eq!(
///     event.to_json(),
///     r#"{"type":"user.signed_up","data":{"userId":"u-1"},"metadata":{"eventId":"e-1","timestamp":"2026-02-14T10:30:00Z","source":"accounts","version":1}}"#
/// );
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope<T> {
    /// What happened.
    pub data: T,
    /// When, where, by whom, following what.
    pub metadata: Metadata,
}

impl<T> Envelope<T> {
    /// The event id, the default idempotency key.
    pub fn id(&self) -> &str {
        &self.metadata.event_id
    }
}

impl<T: Event> Envelope<T> {
    /// Wraps `data` as an event that happens now, with a new event id.
    pub fn new(system: &dyn System, source: impl Into<String>, data: T) -> Self {
        Self {
            data,
            metadata: Metadata::new(system, source, T::VERSION),
        }
    }

    /// The wire form.
    ///
    /// # Panics
    /// If `T`'s own `Serialize` fails, which serde's derived ones do only for maps whose
    /// keys are not strings; use [`try_to_json`](Self::try_to_json) where `T` is not known.
    pub fn to_json(&self) -> String {
        self.try_to_json().expect("event data is serialisable")
    }

    /// The wire form, or what `T`'s `Serialize` said.
    pub fn try_to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// The event as a CloudEvents 1.0 structured-mode JSON document.
    ///
    /// `version` and the tracing fields travel as CloudEvents extension attributes, where
    /// Fanline's decoder looks for them.
    pub fn to_cloudevent(&self) -> Result<Value, serde_json::Error> {
        let metadata = &self.metadata;
        let mut event = json!({
            "specversion": "1.0",
            "id": metadata.event_id,
            "source": metadata.source,
            "type": T::TYPE,
            "time": metadata.timestamp,
            "datacontenttype": "application/json",
            "version": metadata.version,
            "data": serde_json::to_value(&self.data)?,
        });
        let extensions = [
            ("correlationid", &metadata.correlation_id),
            ("causationid", &metadata.causation_id),
            ("traceparent", &metadata.traceparent),
        ];
        for (name, value) in extensions {
            if let Some(value) = value {
                event[name] = Value::from(value.as_str());
            }
        }
        Ok(event)
    }

    /// Message attributes for filter policies: type, version, source and the event's own
    /// routing keys.
    pub fn attributes(&self) -> Vec<(String, String)> {
        let mut attributes = vec![
            ("type".to_owned(), T::TYPE.to_owned()),
            ("version".to_owned(), self.metadata.version.to_string()),
            ("source".to_owned(), self.metadata.source.clone()),
        ];
        let routing_keys = self.data.routing_keys();
        attributes.extend(
            routing_keys
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value)),
        );
        attributes
    }
}

impl<T: Event> Serialize for Envelope<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Envelope", 3)?;
        object.serialize_field("type", T::TYPE)?;
        object.serialize_field("data", &self.data)?;
        object.serialize_field("metadata", &self.metadata)?;
        object.end()
    }
}
