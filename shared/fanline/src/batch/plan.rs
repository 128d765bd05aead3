//! What is to be done with each record, decided before anything is done.
//!
//! Records stand in lanes that run in parallel: one lane per FIFO group, else one per record.
//! Records with the same idempotency key share a [`Key`]: one of them runs, the others get its
//! outcome. A key belongs to no lane, so that a group that stops takes no other group along.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use jiff::Timestamp;

use super::{
    Times,
    key::Key,
    route::{DecodedEvent, Routed},
};
use crate::{
    Batch, Delivery, Message, Mode, Outcome, Processor, RawEvent, RetryPlan,
    dedup::{Claim, fingerprint},
    service::Run,
    worker::Route,
};

/// The records of a batch in its order, the keys they have, the lanes they run in.
pub(crate) struct Plan {
    pub(crate) records: Vec<Record>,
    pub(crate) keys: Vec<Key>,
    /// Indices into `records`.
    pub(crate) lanes: Vec<Vec<usize>>,
}

/// One record's way through the invocation.
pub(crate) struct Record {
    /// What was decided for this record alone; without that, its key's outcome is its own.
    pub(crate) fate: OnceLock<Outcome>,
    /// What it has become on the way: a dead letter that is stored. Wins over its fate.
    pub(crate) buried: OnceLock<Outcome>,
    /// Index into `keys`; none for records that no handler takes.
    pub(crate) key: Option<usize>,
    /// The handler's own retry plan.
    pub(crate) retry_plan: Option<RetryPlan>,
    /// What a dead letter says of the event, if it could be decoded that far.
    pub(crate) event: Option<DecodedEvent>,
    /// Whether the key is the application's own and not the event id.
    pub(crate) has_business_key: bool,
    fingerprint: String,
    mode: Option<Mode>,
    work: Mutex<Option<(Run, Delivery)>>,
}

impl Record {
    pub(crate) fn decide(&self, outcome: Outcome) {
        // The first decision stands.
        let _already_decided = self.fate.set(outcome);
    }

    pub(crate) fn take_work(&self) -> Option<(Run, Delivery)> {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        work.take()
    }

    /// Whether it is the same event, to be handled in the same way.
    pub(crate) fn is_same_as(&self, key: &Key) -> bool {
        self.fingerprint == key.claim.fingerprint && self.mode == Some(key.mode)
    }

    fn decided(outcome: Outcome, event: Option<DecodedEvent>) -> Self {
        Self {
            fate: OnceLock::from(outcome),
            buried: OnceLock::new(),
            key: None,
            retry_plan: None,
            event,
            has_business_key: false,
            fingerprint: String::new(),
            mode: None,
            work: Mutex::new(None),
        }
    }
}

impl Plan {
    pub(super) fn new(
        processor: &Processor,
        batch: &Batch,
        routed: Vec<Routed<'_>>,
        times: &Times,
    ) -> Self {
        let mut plan = Self {
            records: Vec::with_capacity(batch.messages.len()),
            keys: Vec::new(),
            lanes: lanes(batch),
        };
        let mut key_of_id = HashMap::new();
        for (message, routed) in batch.messages.iter().zip(routed) {
            let (mut record, key) = match routed {
                Routed::To(event_type, route, event) => {
                    prepare(processor, event_type, route, event, message, times)
                }
                Routed::WithoutData(route, outcome, event) => {
                    let record = Record {
                        retry_plan: route.retry_plan.clone(),
                        ..Record::decided(outcome, Some(event))
                    };
                    (record, None)
                }
                Routed::Nowhere(outcome, event) => (Record::decided(outcome, event), None),
            };
            record.key = key.map(|key| {
                *key_of_id.entry(key.claim.id.clone()).or_insert_with(|| {
                    plan.keys.push(key);
                    plan.keys.len() - 1
                })
            });
            plan.records.push(record);
        }
        plan
    }

    pub(crate) fn leased(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(|key| key.leased)
    }
}

fn lanes(batch: &Batch) -> Vec<Vec<usize>> {
    let mut lanes: Vec<Vec<usize>> = Vec::new();
    let mut lane_of_group = HashMap::new();
    for (index, message) in batch.messages.iter().enumerate() {
        match message.group.as_deref().filter(|_| batch.fifo) {
            Some(group) => {
                let lane = *lane_of_group.entry(group).or_insert_with(|| {
                    lanes.push(Vec::new());
                    lanes.len() - 1
                });
                lanes[lane].push(index);
            }
            None => lanes.push(vec![index]),
        }
    }
    lanes
}

fn prepare(
    processor: &Processor,
    event_type: &'static str,
    route: &Route,
    event: RawEvent,
    message: &Message,
    times: &Times,
) -> (Record, Option<Key>) {
    // The event's Deserialize and the business key are the application's code.
    let prepared = catch_unwind(AssertUnwindSafe(|| (route.prepare)(&event)));
    let metadata = Arc::new(event.metadata);
    let decoded = DecodedEvent {
        event_type: event_type.to_owned(),
        metadata: Arc::clone(&metadata),
    };
    let prepared = match prepared {
        Ok(Ok(prepared)) => prepared,
        Ok(Err(undecodable)) => {
            let reason = format!("undecodable: {undecodable}");
            return (
                Record::decided(Outcome::Rejected { reason }, Some(decoded)),
                None,
            );
        }
        Err(_) => {
            let outcome = Outcome::Retried {
                reason: "decoding the event's data panicked".to_owned(),
                after: None,
            };
            let record = Record {
                retry_plan: route.retry_plan.clone(),
                ..Record::decided(outcome, Some(decoded))
            };
            return (record, None);
        }
    };
    let system = &processor.system;
    // Events of different types may use the same business key and mean different things.
    let key = match &prepared.key {
        Some(key) => format!("{event_type}#{key}"),
        None => metadata.event_id.clone(),
    };
    let claim = Claim {
        id: format!("{}#{key}", processor.consumer),
        owner: system.fence(),
        fingerprint: fingerprint(event_type, &event.data),
        lease_until: times.lease_until,
        expires_at: system
            .now()
            .checked_add(processor.settings.retention)
            .unwrap_or(Timestamp::MAX),
    };
    let transaction = match route.mode {
        Mode::AtLeastOnce => None,
        Mode::EffectivelyOnce | Mode::AtMostOnce => processor.store.transaction(),
    };
    let delivery = Delivery {
        event_type,
        metadata,
        attempt: message.receive_count,
        deadline: times.stop,
        system: Arc::clone(system),
        transaction,
    };
    let record = Record {
        fate: OnceLock::new(),
        buried: OnceLock::new(),
        key: None,
        retry_plan: route.retry_plan.clone(),
        event: Some(decoded),
        has_business_key: prepared.key.is_some(),
        fingerprint: claim.fingerprint.clone(),
        mode: Some(route.mode),
        work: Mutex::new(Some((prepared.run, delivery))),
    };
    let key = Key::new(claim, route.mode, message.receive_count);
    (record, Some(key))
}
