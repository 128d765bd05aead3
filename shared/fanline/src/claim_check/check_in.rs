//! Turning an event into its data and the small message that refers to it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};

use super::DataRef;
use crate::publish::Outgoing;

/// An event of which the data is to be stored before the rest is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedIn {
    /// What is stored, and under which key.
    pub reference: DataRef,
    /// The data as JSON text.
    pub data: String,
    /// The event without its data. Published before the data is stored, it is rejected by whoever is
    /// fast enough.
    pub outgoing: Outgoing,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    event_id: String,
}

impl CheckedIn {
    /// None if the event's body is no envelope with data and this event id, and so has to travel as it is.
    ///
    /// ```
    /// use fanline::{claim_check::CheckedIn, publish::Outgoing};
    ///
    /// let event = Outgoing {
    ///     event_id: "e-1".into(),
    ///     entity: "e-1".into(),
    ///     body: r#"{"type":"user.signed_up","data":{"userId":"u-1"},"metadata":{"eventId":"e-1"}}"#.into(),
    ///     attributes: Vec::new(),
    /// };
    /// let checked_in = CheckedIn::new(&event).unwrap();
    /// assert_eq!(checked_in.data, r#"{"userId":"u-1"}"#);
    /// assert!(checked_in.outgoing.body.starts_with(r#"{"dataRef":{"key":"e-1/"#));
    /// assert!(!checked_in.outgoing.body.contains("userId"));
    /// ```
    pub fn new(event: &Outgoing) -> Option<Self> {
        let mut fields: BTreeMap<&str, &RawValue> = serde_json::from_str(&event.body).ok()?;
        if fields.contains_key("specversion") {
            return None;
        }
        // Under another id nobody would find it.
        let metadata: Metadata = serde_json::from_str(fields.get("metadata")?.get()).ok()?;
        let data = fields.remove("data")?.get();
        if metadata.event_id != event.event_id {
            return None;
        }
        let reference = DataRef::new(&event.event_id, data);
        let in_its_place = to_raw_value(&reference).ok()?;
        fields.insert("dataRef", &in_its_place);
        Some(Self {
            data: data.to_owned(),
            outgoing: Outgoing {
                body: serde_json::to_string(&fields).ok()?,
                event_id: event.event_id.clone(),
                entity: event.entity.clone(),
                attributes: event.attributes.clone(),
            },
            reference,
        })
    }
}
