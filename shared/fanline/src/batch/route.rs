//! What the decoder and the worker's routes say of each record, before anything is planned.

use std::sync::Arc;

use serde_json::value::RawValue;

use crate::{
    Message, Metadata, Outcome, Processor, RawEvent, Unknown, claim_check::DataRef, worker::Route,
};

/// What the decoder and the routes say of a record.
pub(super) enum Routed<'a> {
    To(&'static str, &'a Route, RawEvent),
    /// A handler takes it, but not without its data.
    WithoutData(&'a Route, Outcome, DecodedEvent),
    Nowhere(Outcome, Option<DecodedEvent>),
}

impl Routed<'_> {
    /// Which data has to be fetched.
    pub(super) fn data_ref(&self) -> Option<&DataRef> {
        match self {
            Self::To(_, _, event) => event.data_ref.as_deref(),
            Self::WithoutData(..) | Self::Nowhere(..) => None,
        }
    }

    /// What was fetched, or what it comes to that nothing was.
    pub(super) fn receive(&mut self, fetched: Result<Box<RawValue>, Outcome>) {
        let Self::To(_, route, event) = self else {
            return;
        };
        match fetched {
            Ok(data) => event.data = data,
            Err(outcome) => *self = Self::WithoutData(route, outcome, DecodedEvent::of(event)),
        }
    }
}

/// What is known of an event whose envelope could be read.
pub(crate) struct DecodedEvent {
    pub(crate) event_type: String,
    pub(crate) metadata: Arc<Metadata>,
}

impl DecodedEvent {
    fn of(event: &RawEvent) -> Self {
        Self {
            event_type: event.event_type.clone(),
            metadata: Arc::new(event.metadata.clone()),
        }
    }
}

pub(super) fn route<'a>(processor: &'a Processor, message: &Message) -> Routed<'a> {
    let event = match RawEvent::decode(message) {
        Ok(event) => event,
        Err(undecodable) => {
            let reason = format!("undecodable: {undecodable}");
            return Routed::Nowhere(Outcome::Rejected { reason }, None);
        }
    };
    let routes = &processor.settings.routes;
    let reason = match routes.get_key_value(event.event_type.as_str()) {
        Some((name, versions)) => match versions.get(&event.metadata.version) {
            Some(route) => return Routed::To(name, route, event),
            None => format!(
                "unknown version {} of {}; handled: {}",
                event.metadata.version,
                event.event_type,
                listed(versions.keys())
            ),
        },
        None => format!(
            "unknown event type {:?}; handled: {}",
            shortened(&event.event_type),
            listed(routes.keys())
        ),
    };
    let outcome = match processor.settings.unknown {
        Unknown::Skip => Outcome::Skipped { reason },
        Unknown::DeadLetter => Outcome::Rejected { reason },
    };
    let event = DecodedEvent {
        event_type: event.event_type,
        metadata: Arc::new(event.metadata),
    };
    Routed::Nowhere(outcome, Some(event))
}

/// An unknown type is a stranger's text: enough of it to recognise, no more.
fn shortened(text: &str) -> &str {
    const LENGTH: usize = 100;
    text.char_indices()
        .nth(LENGTH)
        .map_or(text, |(end, _)| &text[..end])
}

fn listed<T: ToString>(items: impl Iterator<Item = T>) -> String {
    items
        .map(|item| item.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}
