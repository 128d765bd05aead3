//! Is anything lost? Bookkeeping from outside: what was published against what can be shown to
//! exist or to be done. No worker's word is taken for it.
//!
//! A published message must reach every queue whose subscription's filter lets it through, as
//! often as it was published, and be accounted for there: still in the queue, in its DLQ, or
//! deleted with a completed dedup record for its event.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use fanline::{Attribute, Message, RawEvent, Timestamp};
use serde_json::Value;

/// What one queue was owed and what it got.
#[derive(Clone, Debug, Default)]
pub struct QueueLedger {
    /// Copies expected, by published body.
    expected: HashMap<String, u64>,
    /// Messages that arrived, by SQS message id.
    arrived: BTreeMap<String, Arrival>,
    receives: u64,
    crashed: u64,
}

#[derive(Clone, Debug)]
struct Arrival {
    body: String,
    event_id: Option<String>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Received,
    Deleted,
    Filtered,
    DeadLettered,
}

/// The state of a queue at the end, from the queue itself and from the dedup table.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Messages still in the queue: visible, in flight or delayed.
    pub left: u64,
    /// Event ids with a completed dedup record of this queue's consumer; `None` if the consumer
    /// deduplicates by other keys or not at all, so that deletion has to do as evidence.
    pub done: Option<BTreeSet<String>>,
    /// Messages that the worker skipped on purpose.
    pub skipped: u64,
}

impl QueueLedger {
    /// A message was published that this queue's subscription lets through.
    pub fn expect(&mut self, body: &str) {
        *self.expected.entry(body.to_owned()).or_default() += 1;
    }

    /// A message was received.
    pub fn received(
        &mut self,
        message_id: &str,
        body: &str,
        attributes: &BTreeMap<String, String>,
    ) {
        self.receives += 1;
        self.arrived
            .entry(message_id.to_owned())
            .or_insert_with(|| Arrival::new(body, attributes));
    }

    /// So many deliveries came back because the invocation failed as a whole.
    pub fn crashed(&mut self, deliveries: usize) {
        self.crashed += deliveries as u64;
    }

    /// Deliveries whose invocation failed.
    pub fn crashes(&self) -> u64 {
        self.crashed
    }

    /// The mapping deleted a message after the function had not reported it.
    pub fn deleted(&mut self, message_id: &str) {
        if let Some(arrival) = self.arrived.get_mut(message_id) {
            arrival.state = State::Deleted;
        }
    }

    /// The mapping's filter criteria kept the message from the function and deleted it.
    pub fn filtered(&mut self, message_id: &str) {
        if let Some(arrival) = self.arrived.get_mut(message_id) {
            arrival.state = State::Filtered;
        }
    }

    /// The message that had this id here lies in the queue's DLQ. Ids that never arrived here come from
    /// another queue with the same DLQ.
    pub fn dead_lettered(&mut self, message_id: &str) {
        if let Some(arrival) = self.arrived.get_mut(message_id) {
            arrival.state = State::DeadLettered;
        }
    }

    /// Distinct messages received so far.
    pub fn arrived(&self) -> u64 {
        self.arrived.len() as u64
    }

    /// Deliveries, redeliveries included.
    pub fn receives(&self) -> u64 {
        self.receives
    }

    /// Messages that were deleted, filtered ones included.
    pub fn deletions(&self) -> u64 {
        self.count(State::Deleted) + self.filter_count()
    }

    /// Messages that the mapping's filter criteria discarded.
    pub fn filter_count(&self) -> u64 {
        self.count(State::Filtered)
    }

    /// Copies that were published for this queue and have not been received.
    pub fn missing(&self) -> u64 {
        let mut found: HashMap<&str, u64> = HashMap::new();
        for arrival in self.arrived.values() {
            *found.entry(&arrival.body).or_default() += 1;
        }
        let expected = self.expected.iter();
        expected
            .map(|(body, expected)| {
                expected.saturating_sub(found.get(body.as_str()).copied().unwrap_or(0))
            })
            .sum()
    }

    /// Messages in the DLQ.
    pub fn dead_letters(&self) -> u64 {
        self.count(State::DeadLettered)
    }

    /// Messages in the queue that were never received.
    pub fn never_received(&self, evidence: &Evidence) -> u64 {
        evidence.left.saturating_sub(self.count(State::Received))
    }

    /// Messages of which nothing can be shown.
    pub fn lost(&self, evidence: &Evidence) -> u64 {
        let unproven =
            self.arrived
                .values()
                .filter(|arrival| match (arrival.state, &evidence.done) {
                    (State::Deleted, Some(done)) => !arrival.is_done(done),
                    _ => false,
                });
        // Redriven, and a dead letter or in the queue once more.
        let back: BTreeSet<_> = self
            .arrived
            .values()
            .filter(|arrival| matches!(arrival.state, State::Received | State::DeadLettered))
            .map(Arrival::identity)
            .collect();
        let unproven = unproven.filter(|arrival| !back.contains(arrival.identity()));
        let unproven = unproven.count() as u64;
        let missing = self.missing();
        let vanished = self.count(State::Received).saturating_sub(evidence.left);
        missing.saturating_sub(self.never_received(evidence))
            + vanished
            + unproven.saturating_sub(evidence.skipped)
    }

    fn count(&self, state: State) -> u64 {
        let arrivals = self.arrived.values();
        arrivals.filter(|arrival| arrival.state == state).count() as u64
    }
}

impl Arrival {
    fn new(body: &str, attributes: &BTreeMap<String, String>) -> Self {
        let attributes = attributes.iter();
        let message = Message {
            body: body.to_owned(),
            attributes: attributes
                .map(|(name, value)| (name.clone(), Attribute::text(value)))
                .collect(),
            // Only the event id matters here; a CloudEvent without a time needs some time.
            sent_at: Some(Timestamp::UNIX_EPOCH),
            ..Message::default()
        };
        let event = RawEvent::decode(&message).ok();
        Self {
            body: published_body(body),
            event_id: event.map(|event| event.metadata.event_id),
            state: State::Received,
        }
    }

    /// What stays the same when a message is redriven.
    fn identity(&self) -> &str {
        self.event_id.as_deref().unwrap_or(&self.body)
    }

    fn is_done(&self, done: &BTreeSet<String>) -> bool {
        self.event_id.as_ref().is_some_and(|id| done.contains(id))
    }
}

/// The body as it was published: without the notification that SNS wraps around it.
fn published_body(body: &str) -> String {
    let wrapped = serde_json::from_str::<Value>(body)
        .ok()
        .filter(|value| value["Type"] == "Notification" && value.get("TopicArn").is_some());
    match wrapped.as_ref().and_then(|value| value["Message"].as_str()) {
        Some(inner) => inner.to_owned(),
        None => body.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(id: &str) -> String {
        json!({"type": "a.b", "data": {}, "metadata": {
            "eventId": id, "timestamp": "2026-02-14T10:30:00Z", "source": "s", "version": 1
        }})
        .to_string()
    }

    fn done(ids: &[&str]) -> Evidence {
        Evidence {
            done: Some(ids.iter().map(|id| (*id).to_owned()).collect()),
            ..Evidence::default()
        }
    }

    #[test]
    fn nothing_is_lost_that_is_left_dead_lettered_or_done() {
        let mut ledger = QueueLedger::default();
        for body in [
            event("1"),
            event("1"),
            event("2"),
            "poison".to_owned(),
            event("3"),
        ] {
            ledger.expect(&body);
        }
        ledger.received("m-1", &event("1"), &BTreeMap::new());
        let wrapped = json!({"Type": "Notification", "TopicArn": "arn", "Message": event("1")});
        ledger.received("m-2", &wrapped.to_string(), &BTreeMap::new());
        ledger.received("m-3", &event("2"), &BTreeMap::new());
        ledger.received("m-4", "poison", &BTreeMap::new());
        ledger.received("m-3", &event("2"), &BTreeMap::new());
        for id in ["m-1", "m-2"] {
            ledger.deleted(id);
        }
        ledger.dead_lettered("m-4");
        ledger.dead_lettered("of another queue");
        // m-3 is in flight, event 3 was never received.
        let evidence = Evidence {
            left: 2,
            ..done(&["1"])
        };
        assert_eq!(ledger.lost(&evidence), 0);
        assert_eq!(ledger.never_received(&evidence), 1);
        assert_eq!(
            (ledger.arrived(), ledger.receives(), ledger.dead_letters()),
            (4, 5, 1)
        );
    }

    #[test]
    fn redriven_message_is_accounted_for_where_it_went() {
        for (body, handled) in [
            (event("1"), true),
            (event("1"), false),
            ("poison".to_owned(), false),
        ] {
            let mut ledger = QueueLedger::default();
            ledger.expect(&body);
            // Its worker sent it to the DLQ; somebody took it from there.
            ledger.received("m-1", &body, &BTreeMap::new());
            ledger.deleted("m-1");
            assert_eq!(ledger.lost(&done(&[])), 1, "deleted there");
            ledger.received("m-2", &body, &BTreeMap::new());
            ledger.deleted("m-2");
            let evidence = match handled {
                true => done(&["1"]),
                false => {
                    ledger.dead_lettered("m-2");
                    done(&[])
                }
            };
            assert_eq!(ledger.lost(&evidence), 0, "{body}");
        }
    }

    #[test]
    fn each_way_of_losing_is_seen() {
        let expecting = |bodies: &[String]| {
            let mut ledger = QueueLedger::default();
            bodies.iter().for_each(|body| ledger.expect(body));
            ledger
        };
        // Never delivered by the topic.
        assert_eq!(expecting(&[event("1"), event("1")]).lost(&done(&[])), 2);
        // One of two copies delivered.
        let mut ledger = expecting(&[event("1"), event("1")]);
        ledger.received("m-1", &event("1"), &BTreeMap::new());
        ledger.deleted("m-1");
        assert_eq!(ledger.lost(&done(&["1"])), 1);
        // Acknowledged by a worker that did nothing.
        let mut ledger = expecting(&[event("1")]);
        ledger.received("m-1", &event("1"), &BTreeMap::new());
        ledger.deleted("m-1");
        assert_eq!(ledger.lost(&done(&[])), 1);
        assert_eq!(
            ledger.lost(&Evidence {
                skipped: 1,
                ..done(&[])
            }),
            0,
            "on purpose"
        );
        assert_eq!(
            ledger.lost(&Evidence::default()),
            0,
            "deletion is all there is"
        );
        // Gone from the queue without having been deleted.
        let mut ledger = expecting(&[event("1")]);
        ledger.received("m-1", &event("1"), &BTreeMap::new());
        assert_eq!(ledger.lost(&done(&[])), 1);
        // An undecodable body that was acknowledged.
        let mut ledger = expecting(&["poison".to_owned()]);
        ledger.received("m-1", "poison", &BTreeMap::new());
        ledger.deleted("m-1");
        assert_eq!(ledger.lost(&done(&["1"])), 1);
    }
}
