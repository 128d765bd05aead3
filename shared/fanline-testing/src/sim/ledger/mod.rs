//! What is known of a run from outside the workers, and whether it keeps the promises.
//!
//! Nothing here asks a worker what it did, except for what it reports to its queue. Leases and done records follow from
//! the store's own answers, so that a store that is wrong is seen too.

mod closing;
mod messages;
mod records;
mod runs;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use fanline::{Mode, Timestamp};

use super::{
    property::{Property, Violation},
    trace::Ending,
};

/// A consumer as the ledger knows it.
#[derive(Clone, Debug)]
pub(super) struct Consumer {
    pub(super) name: String,
    /// Attempts of the retry plan by event type, and how it is handled.
    pub(super) handlers: BTreeMap<String, (Mode, u32)>,
    /// The queue's `maxReceiveCount`.
    pub(super) receives: u32,
    /// Whether its keys are other than event ids: then no record tells which event it is of.
    pub(super) has_business_keys: bool,
}

/// An event on its way.
#[derive(Debug)]
struct Event {
    event_type: String,
    wanted_by: Vec<usize>,
    group: Option<String>,
    is_accepted: bool,
}

#[derive(Debug)]
struct Lease {
    process: String,
    owner: String,
    until: Timestamp,
    /// From then on its record counts as absent.
    expires: Timestamp,
}

#[derive(Debug)]
struct Done {
    owner: String,
    until: Timestamp,
}

#[derive(Debug, Default)]
struct Received {
    event: Option<String>,
    count: u32,
    /// Whether the last receive ended with a report, all calls answered.
    was_orderly: bool,
    has_letter: bool,
}

/// Counts of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that the topic accepted.
    pub events: u64,
    /// Messages that it put into queues.
    pub messages: u64,
    /// Messages handed to workers.
    pub receives: u64,
    /// Runs of handlers.
    pub runs: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Of these, moved by SQS and therefore without a reason.
    pub without_reason: u64,
}

/// Consumer and event id.
type Handling = (usize, String);

#[derive(Debug)]
pub(super) struct Ledger {
    consumers: Vec<Consumer>,
    is_fifo: bool,
    events: BTreeMap<String, Event>,
    /// Accepted events of each FIFO group, in order.
    groups: BTreeMap<String, Vec<String>>,
    leases: BTreeMap<String, Lease>,
    done: BTreeMap<String, Done>,
    messages: BTreeMap<(usize, String), Received>,
    running: BTreeMap<Handling, String>,
    begun: BTreeSet<Handling>,
    /// Handled once with success, or given up: what comes behind in its group may run.
    passed: BTreeSet<Handling>,
    letters: BTreeSet<Handling>,
    /// Deleted as done, for consumers whose records do not say of which event they are.
    acknowledged: BTreeSet<Handling>,
    /// How those ended that were found in a dead-letter queue.
    endings: BTreeMap<Handling, Ending>,
    pub(super) counts: Counts,
    pub(super) violations: Vec<Violation>,
    /// Time from the beginning of the run, set by whoever calls.
    pub(super) at: Duration,
}

impl Ledger {
    pub(super) fn new(consumers: Vec<Consumer>, is_fifo: bool) -> Self {
        Self {
            consumers,
            is_fifo,
            events: BTreeMap::new(),
            groups: BTreeMap::new(),
            leases: BTreeMap::new(),
            done: BTreeMap::new(),
            messages: BTreeMap::new(),
            running: BTreeMap::new(),
            begun: BTreeSet::new(),
            passed: BTreeSet::new(),
            letters: BTreeSet::new(),
            acknowledged: BTreeSet::new(),
            endings: BTreeMap::new(),
            counts: Counts::default(),
            violations: Vec::new(),
            at: Duration::ZERO,
        }
    }

    pub(super) fn violate(&mut self, property: Property, event: Option<&str>, text: String) {
        let event = event.map(str::to_owned);
        self.violations.push(Violation {
            property,
            text,
            event,
            at: self.at,
        });
    }

    /// An event is about to be published.
    pub(super) fn announce(
        &mut self,
        id: &str,
        event_type: &str,
        group: &str,
        wanted_by: Vec<usize>,
    ) {
        let group = self.is_fifo.then(|| group.to_owned());
        let event = Event {
            event_type: event_type.to_owned(),
            wanted_by,
            group,
            is_accepted: false,
        };
        self.events.insert(id.to_owned(), event);
    }

    /// The topic has it.
    pub(super) fn accept(&mut self, id: &str) {
        let Some(event) = self.events.get_mut(id).filter(|event| !event.is_accepted) else {
            return;
        };
        event.is_accepted = true;
        self.counts.events += 1;
        self.counts.messages += event.wanted_by.len() as u64;
        if let Some(group) = &event.group {
            self.groups
                .entry(group.clone())
                .or_default()
                .push(id.to_owned());
        }
    }

    /// A process is gone; its leases run out.
    pub(super) fn lose_process(&mut self, process: &str) {
        self.running.retain(|_, running| running != process);
        let left = self
            .leases
            .values_mut()
            .filter(|lease| lease.process == process);
        left.for_each(|lease| lease.process.clear());
    }

    fn is_done(&self, consumer: usize, event: &str) -> bool {
        match self.record_of(consumer, event) {
            Some(id) => self.done.contains_key(&id),
            None => self.acknowledged.contains(&(consumer, event.to_owned())),
        }
    }

    fn record_of(&self, consumer: usize, event: &str) -> Option<String> {
        let consumer = self.consumers.get(consumer)?;
        (!consumer.has_business_keys).then(|| format!("{}#{event}", consumer.name))
    }
}

/// The key of `consumer#key`.
fn event_of(id: &str) -> Option<&str> {
    id.split_once('#').map(|(_, key)| key)
}

/// The event's id in a body, whether or not that can be decoded.
pub(super) fn event_in(body: &str) -> Option<&str> {
    let (_, behind) = body.split_once("\"eventId\":\"")?;
    behind.split_once('"').map(|(id, _)| id)
}
