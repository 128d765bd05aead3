//! What is to be done with each record, decided before anything is done.
//!
//! Records become jobs; jobs form lanes that run in parallel: one per FIFO group, else one
//! per record. Of records with the same key only the first (the leader) runs; the others
//! follow its outcome.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::SetOnce;

use super::Times;
use crate::{
    Batch, Delivery, Message, Outcome, Processor, RawEvent, Unknown,
    dedup::{Claim, fingerprint},
    service::Run,
    worker::Route,
};

/// The jobs of a batch, one per record, in the batch's order.
pub(crate) struct Plan {
    pub(crate) jobs: Vec<Job>,
    /// Indices into `jobs`.
    pub(crate) lanes: Vec<Vec<usize>>,
}

/// One record's way through the invocation.
pub(crate) struct Job {
    pub(crate) claim: Claim,
    pub(crate) transactional: bool,
    /// Whether a lease may be held and must be settled.
    pub(crate) leased: bool,
    /// The job whose key this one shares, if it is not the first with it.
    pub(crate) leader: Option<usize>,
    pub(crate) attempt: u32,
    pub(crate) work: Mutex<Option<(Run, Delivery)>>,
    pub(crate) started: AtomicBool,
    /// Set once; settling may still overrule it.
    pub(crate) decided: SetOnce<Outcome>,
}

impl Job {
    /// The first decision stands.
    pub(crate) fn decide(&self, outcome: Outcome) {
        let _already_decided = self.decided.set(outcome);
    }

    pub(crate) fn mark_started(&self) {
        self.started.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    fn settled(outcome: Outcome, message: &Message) -> Self {
        Self {
            claim: Claim {
                id: String::new(),
                owner: String::new(),
                fingerprint: String::new(),
                lease_until: jiff::Timestamp::UNIX_EPOCH,
                expires_at: jiff::Timestamp::UNIX_EPOCH,
            },
            transactional: false,
            leased: false,
            leader: None,
            attempt: message.receive_count,
            work: Mutex::new(None),
            started: AtomicBool::new(false),
            decided: SetOnce::new_with(Some(outcome)),
        }
    }
}

/// What the decoder and the routes say of a record.
enum Routed<'a> {
    To(&'static str, &'a Route, RawEvent),
    Nowhere(Outcome),
}

impl Plan {
    pub(crate) fn new(processor: &Processor, batch: &Batch, times: &Times) -> Self {
        let mut plan = Self {
            jobs: Vec::with_capacity(batch.messages.len()),
            lanes: Vec::new(),
        };
        let mut leaders = HashMap::new();
        for message in &batch.messages {
            let mut job = match route(processor, message) {
                Routed::To(event_type, route, event) => {
                    prepare(processor, event_type, route, event, message, times)
                }
                Routed::Nowhere(outcome) => Job::settled(outcome, message),
            };
            if !job.claim.id.is_empty() {
                let index = plan.jobs.len();
                let first = *leaders.entry(job.claim.id.clone()).or_insert(index);
                if first != index {
                    job.leader = Some(first);
                    job.leased = false;
                }
            }
            plan.jobs.push(job);
        }
        plan.lanes = lanes(batch);
        plan
    }

    pub(crate) fn leased(&self) -> impl Iterator<Item = &Job> {
        self.jobs.iter().filter(|job| job.leased)
    }

    pub(crate) fn leased_mut(&mut self) -> impl Iterator<Item = &mut Job> {
        self.jobs.iter_mut().filter(|job| job.leased)
    }

    pub(crate) fn leave_unattempted(&self) {
        for job in &self.jobs {
            job.decide(Outcome::Unattempted);
        }
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

fn route<'a>(processor: &'a Processor, message: &Message) -> Routed<'a> {
    let rejected = |reason| Routed::Nowhere(Outcome::Rejected { reason });
    let event = match RawEvent::decode(message) {
        Ok(event) => event,
        Err(undecodable) => return rejected(format!("undecodable: {undecodable}")),
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
    match processor.settings.unknown {
        Unknown::Skip => Routed::Nowhere(Outcome::Skipped { reason }),
        Unknown::DeadLetter => rejected(reason),
    }
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

fn prepare(
    processor: &Processor,
    event_type: &'static str,
    route: &Route,
    event: RawEvent,
    message: &Message,
    times: &Times,
) -> Job {
    // The event's Deserialize and the business key are the application's code.
    let prepared = catch_unwind(AssertUnwindSafe(|| (route.prepare)(&event)));
    let prepared = match prepared {
        Ok(Ok(prepared)) => prepared,
        Ok(Err(undecodable)) => {
            let reason = format!("undecodable: {undecodable}");
            return Job::settled(Outcome::Rejected { reason }, message);
        }
        Err(_) => {
            let reason = "decoding the event's data panicked".to_owned();
            return Job::settled(Outcome::Retried { reason }, message);
        }
    };
    let system = &processor.system;
    let key = prepared.key.as_deref().unwrap_or(&event.metadata.event_id);
    let claim = Claim {
        id: format!("{}#{key}", processor.consumer),
        owner: system.fence(),
        fingerprint: fingerprint(&event.data),
        lease_until: times.lease_until,
        expires_at: system
            .now()
            .checked_add(processor.settings.retention)
            .unwrap_or(jiff::Timestamp::MAX),
    };
    let transaction = match route.transactional {
        true => processor.store.transaction(),
        false => None,
    };
    let delivery = Delivery {
        event_type,
        metadata: Arc::new(event.metadata),
        attempt: message.receive_count,
        deadline: times.stop,
        system: Arc::clone(system),
        transaction,
    };
    Job {
        claim,
        transactional: route.transactional,
        leased: !route.transactional,
        leader: None,
        attempt: message.receive_count,
        work: Mutex::new(Some((prepared.run, delivery))),
        started: AtomicBool::new(false),
        decided: SetOnce::new(),
    }
}
