//! The contract of [`Publish`].

use std::collections::BTreeSet;

use fanline::{
    Cause, Envelope, Event,
    publish::{DEFAULT_SIZE_LIMIT, Outgoing, Publish},
};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

/// A publisher with what a test must be able to see of its topic.
pub trait PublisherUnderTest {
    /// The subject. Its topic is no FIFO topic and takes 256 KiB; it has no claim check.
    fn publisher(&self) -> &dyn Publish;

    /// The bodies that were published since the last call, in any order.
    fn published(&self) -> BoxFuture<'_, Vec<String>>;
}

/// Puts a publisher through every case. Nothing was published before.
///
/// # Panics
/// If it breaks the contract.
pub async fn publisher(subject: &dyn PublisherUnderTest) {
    events_are_of_now_and_of_what_is_handled(subject).await;
    more_events_than_one_call_takes_arrive_as_they_are(subject).await;
    each_misfit_is_named_and_takes_no_other_with_it(subject).await;
    assert_eq!(subject.publisher().send(&[]).await, Ok(()));
    assert!(subject.published().await.is_empty());
}

/// Any data, with as many routing keys as it says.
struct Noted(Map<String, Value>);

impl serde::Serialize for Noted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Noted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self)
    }
}

impl Event for Noted {
    const TYPE: &'static str = "note.taken";
    const VERSION: u32 = 3;

    fn routing_keys(&self) -> Vec<(&'static str, String)> {
        let names = ["k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8"];
        let count = self.0["keys"].as_u64().unwrap_or_default();
        let named = names
            .into_iter()
            .zip(1..=count)
            .map(|(name, _)| (name, "value".to_owned()));
        named.collect()
    }
}

fn noted(publisher: &dyn Publish, text: &str, keys: u32) -> Envelope<Noted> {
    let data = json!({"text": text, "keys": keys});
    publisher.event(Noted(data.as_object().cloned().unwrap_or_default()))
}

/// An event of so many bytes. Measured on the event itself: a timestamp is written as long as it needs.
fn noted_of(publisher: &dyn Publish, bytes: usize) -> Envelope<Noted> {
    let mut event = noted(publisher, "", 0);
    let size = |event: &Envelope<Noted>| {
        let outgoing = Outgoing::new(event);
        outgoing.expect("is serialisable").size()
    };
    let text = "x".repeat(bytes - size(&event));
    event.data.0.insert("text".to_owned(), text.into());
    assert_eq!(size(&event), bytes);
    event
}

async fn assert_published(subject: &dyn PublisherUnderTest, expected: &[&Envelope<Noted>]) {
    let expected: BTreeSet<String> = expected.iter().map(|event| event.to_json()).collect();
    let published = subject.published().await;
    assert_eq!(published.len(), expected.len(), "each of them once");
    assert!(
        published.into_iter().collect::<BTreeSet<_>>() == expected,
        "bodies differ"
    );
}

async fn events_are_of_now_and_of_what_is_handled(subject: &dyn PublisherUnderTest) {
    let publisher = subject.publisher();
    let cause = Cause {
        correlation_id: Some("request-7".to_owned()),
        causation_id: Some("event-6".to_owned()),
        traceparent: None,
    };
    let made = cause.scope(async { noted(publisher, "a", 0) }).await;
    assert_eq!(made.metadata.version, 3);
    assert_eq!(made.metadata.correlation_id.as_deref(), Some("request-7"));
    assert_eq!(made.metadata.causation_id.as_deref(), Some("event-6"));
    let next = noted(publisher, "a", 0);
    assert_eq!(next.metadata.correlation_id, None);
    assert_eq!(made.metadata.source, next.metadata.source);
    assert!(next.metadata.timestamp >= made.metadata.timestamp);
    assert_ne!(made.id(), next.id());
    assert!(subject.published().await.is_empty(), "made, not published");
}

async fn more_events_than_one_call_takes_arrive_as_they_are(subject: &dyn PublisherUnderTest) {
    let publisher = subject.publisher();
    let events: Vec<_> = (0..23)
        .map(|number| noted(publisher, &format!("  {number}\t{{\r\n é✓"), number % 8))
        .collect();
    assert_eq!(publisher.publish(&events).await, Ok(()));
    assert_published(subject, &events.iter().collect::<Vec<_>>()).await;
}

async fn each_misfit_is_named_and_takes_no_other_with_it(subject: &dyn PublisherUnderTest) {
    let publisher = subject.publisher();
    let events = [
        noted(publisher, "first", 7),
        noted_of(publisher, DEFAULT_SIZE_LIMIT + 1),
        noted_of(publisher, DEFAULT_SIZE_LIMIT),
        noted(publisher, "keyed", 8),
        noted(publisher, "last", 0),
    ];
    let error = publisher.publish(&events).await;
    let error = error.expect_err("two of them fit no topic");
    assert_eq!(error.published, 3, "{error}");
    let refused = error.refused.iter();
    let refused: Vec<_> = refused
        .map(|event| (event.index, event.event_id.as_str(), event.is_final))
        .collect();
    assert_eq!(
        refused,
        [(1, events[1].id(), true), (3, events[3].id(), true)]
    );
    assert_published(subject, &[&events[0], &events[2], &events[4]]).await;
}
