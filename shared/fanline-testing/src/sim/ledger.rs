//! What is known of a run from outside the workers, and whether it keeps the promises.
//!
//! Nothing here asks a worker what it did, except for what it reports to its queue. Leases and done records follow from
//! the store's own answers, so that a store that is wrong is seen too.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use fanline::{
    Message, Mode, Outcome, Timestamp,
    dead_letter::FailureNote,
    dedup::{Claim, ClaimAnswer, CommitAnswer, SettleAnswer, SettleAs, Settlement},
};

use super::{
    network::Trouble,
    property::{Property, Violation},
    trace::{Ending, Trace, Traces},
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

    pub(super) fn receive(&mut self, consumer: usize, message: &Message, event: Option<&str>) {
        self.counts.receives += 1;
        let received = self
            .messages
            .entry((consumer, message.id.clone()))
            .or_default();
        received.event = event.map(str::to_owned);
        received.count = message.receive_count;
        received.was_orderly = false;
    }

    pub(super) fn claim(
        &mut self,
        process: &str,
        claim: &Claim,
        answer: &ClaimAnswer,
        now: Timestamp,
    ) {
        self.learn_of_keys(claim);
        if *answer != ClaimAnswer::Claimed {
            return;
        }
        self.check_free(claim, now);
        let lease = Lease {
            process: process.to_owned(),
            owner: claim.owner.clone(),
            until: claim.lease_until,
        };
        self.leases.insert(claim.id.clone(), lease);
        self.done.remove(&claim.id);
    }

    pub(super) fn settle(
        &mut self,
        process: &str,
        settlement: &Settlement,
        answer: &SettleAnswer,
        expires: Timestamp,
    ) {
        if *answer != SettleAnswer::Settled {
            return;
        }
        let id = &settlement.id;
        let is_holder = match (self.leases.get(id), self.done.get(id)) {
            (Some(lease), _) => lease.owner == settlement.owner,
            (None, Some(done)) => {
                done.owner == settlement.owner && settlement.end == SettleAs::Complete
            }
            (None, None) => matches!(settlement.end, SettleAs::Release { .. }),
        };
        if !is_holder {
            let text = format!(
                "{process} settled {id} ({:?}) without holding its lease",
                settlement.end
            );
            self.violate(Property::OneHolder, event_of(id), text);
        }
        match settlement.end {
            SettleAs::Complete => {
                self.leases.remove(id);
                self.done.insert(
                    id.clone(),
                    Done {
                        owner: settlement.owner.clone(),
                        until: expires,
                    },
                );
            }
            SettleAs::Release { .. } => {
                self.leases.remove(id);
            }
            SettleAs::Renew { lease_until } => {
                if let Some(lease) = self.leases.get_mut(id) {
                    lease.until = lease_until;
                }
            }
        }
    }

    pub(super) fn commit(&mut self, claim: &Claim, answer: &CommitAnswer, now: Timestamp) {
        self.learn_of_keys(claim);
        if !matches!(answer, CommitAnswer::Committed) {
            return;
        }
        let id = &claim.id;
        match self.done.get(id) {
            Some(done) if done.owner == claim.owner => return,
            Some(done) if done.until > now => {
                self.violate(
                    Property::EffectOnce,
                    event_of(id),
                    format!("{id} was committed twice"),
                );
            }
            _ => self.check_free(claim, now),
        }
        self.done.insert(
            id.clone(),
            Done {
                owner: claim.owner.clone(),
                until: claim.expires_at,
            },
        );
    }

    /// A key that is no event's is one of the application's own.
    fn learn_of_keys(&mut self, claim: &Claim) {
        let Some((name, key)) = claim.id.split_once('#') else {
            return;
        };
        if !self.events.contains_key(key) {
            let of_name = self
                .consumers
                .iter_mut()
                .filter(|consumer| consumer.name == name);
            of_name.for_each(|consumer| consumer.has_business_keys = true);
        }
    }

    /// A lease or a done record was given to somebody: nobody else may have it.
    fn check_free(&mut self, claim: &Claim, now: Timestamp) {
        let id = &claim.id;
        if self
            .leases
            .get(id)
            .is_some_and(|lease| lease.until > now && lease.owner != claim.owner)
        {
            self.violate(
                Property::OneHolder,
                event_of(id),
                format!("the lease of {id} was given out twice"),
            );
        }
        if self.done.get(id).is_some_and(|done| done.until > now) {
            self.violate(
                Property::OneHolder,
                event_of(id),
                format!("the lease of {id} was given out after it was done"),
            );
        }
    }

    /// A handler begins.
    pub(super) fn begin(
        &mut self,
        consumer: usize,
        event: &str,
        event_type: &str,
        process: &str,
        now: Timestamp,
    ) {
        self.counts.runs += 1;
        let handling = (consumer, event.to_owned());
        let name = self.consumers[consumer].name.clone();
        let mode = self.consumers[consumer]
            .handlers
            .get(event_type)
            .map(|(mode, _)| *mode);
        let is_again = !self.begun.insert(handling.clone());
        let is_done = self
            .record_of(consumer, event)
            .and_then(|id| self.done.get(&id));
        let is_done = is_done.is_some_and(|done| done.until > now);
        match mode {
            Some(Mode::AtLeastOnce) => {
                if is_done {
                    self.violate(
                        Property::NotAgainOnceDone,
                        Some(event),
                        format!("{process} began {event}, which {name} has done"),
                    );
                }
                if let Some(other) = self.running.insert(handling.clone(), process.to_owned()) {
                    self.violate(
                        Property::NeverBesideItself,
                        Some(event),
                        format!("{process} began {event} while {other} was at it"),
                    );
                }
            }
            Some(Mode::AtMostOnce) if is_again => {
                self.violate(
                    Property::NotAgainOnceDone,
                    Some(event),
                    format!("{process} began {event} a second time"),
                );
            }
            _ => {}
        }
        if let Some(earlier) = self.overtaken(consumer, event) {
            let text = format!(
                "{process} began {event} before {earlier} of its group was handled or given up"
            );
            self.violate(Property::GroupOrder, Some(event), text);
        }
    }

    /// A handler ended, or was stopped.
    pub(super) fn end(&mut self, consumer: usize, event: &str, process: &str, succeeded: bool) {
        let handling = (consumer, event.to_owned());
        if self
            .running
            .get(&handling)
            .is_some_and(|running| running == process)
        {
            self.running.remove(&handling);
        }
        if succeeded {
            self.passed.insert(handling);
        }
    }

    /// An earlier event of the same group that stands in the way.
    fn overtaken(&self, consumer: usize, event: &str) -> Option<&str> {
        let group = self.events.get(event)?.group.as_ref()?;
        let accepted = self.groups.get(group)?;
        let earlier = accepted.iter().take_while(|id| *id != event);
        let mut in_the_way = earlier.filter(|id| self.is_in_the_way(consumer, id));
        in_the_way.next().map(String::as_str)
    }

    fn is_in_the_way(&self, consumer: usize, event: &str) -> bool {
        let handling = (consumer, event.to_owned());
        let is_wanted = self
            .events
            .get(event)
            .is_some_and(|facts| facts.wanted_by.contains(&consumer));
        let may_be_moved = || {
            let mut of_event = self.messages.iter().filter(|((of, _), received)| {
                *of == consumer && received.event.as_deref() == Some(event)
            });
            of_event.any(|(_, received)| received.count >= self.consumers[consumer].receives)
        };
        is_wanted
            && !self.passed.contains(&handling)
            && !self.letters.contains(&handling)
            && !self.is_done(consumer, event)
            && !may_be_moved()
    }

    /// The queue has a worker's dead letter.
    pub(super) fn bury(&mut self, consumer: usize, message: &str, event: Option<&str>) {
        if let Some(received) = self.messages.get_mut(&(consumer, message.to_owned())) {
            received.has_letter = true;
        }
        if let Some(event) = event {
            self.letters.insert((consumer, event.to_owned()));
        }
    }

    /// A worker said what became of a message.
    pub(super) fn report(
        &mut self,
        consumer: usize,
        process: &str,
        message: &Message,
        outcome: &Outcome,
        trouble: &Trouble,
    ) {
        let name = self.consumers[consumer].name.clone();
        let key = (consumer, message.id.clone());
        let Some(received) = self.messages.get_mut(&key) else {
            return;
        };
        let event = received.event.clone();
        let gives_up = matches!(
            outcome,
            Outcome::Retried { .. }
                | Outcome::Unavailable { .. }
                | Outcome::StoreUnavailable { .. }
        );
        // An earlier receive may still be at work when the next one has ended.
        received.was_orderly = message.receive_count == received.count
            && !trouble.with_queue()
            && (gives_up || matches!(outcome, Outcome::Rejected { .. } | Outcome::Conflict));
        let facts = event.as_deref().and_then(|event| self.events.get(event));
        let handlers = &self.consumers[consumer].handlers;
        let attempts = facts
            .and_then(|facts| handlers.get(&facts.event_type))
            .map(|(_, attempts)| *attempts);
        let is_last = attempts.is_some_and(|attempts| message.receive_count >= attempts);
        let is_hopeless = matches!(outcome, Outcome::Rejected { .. } | Outcome::Conflict);
        if (gives_up && is_last || is_hopeless) && !trouble.with_queue() {
            let text = format!(
                "{process} of {name} reported {outcome} at attempt {} instead of a dead letter",
                message.receive_count
            );
            self.violate(Property::WithinPlan, event.as_deref(), text);
        }
    }

    /// A message is deleted that its worker called handled.
    pub(super) fn delete(&mut self, consumer: usize, message: &Message, outcome: &Outcome) {
        let Some(received) = self.messages.get(&(consumer, message.id.clone())) else {
            return;
        };
        let event = received.event.clone();
        let is_done = event
            .as_deref()
            .is_some_and(|event| self.is_done(consumer, event));
        let is_keyed = self.consumers[consumer].has_business_keys;
        let is_covered = is_done
            || received.has_letter
            || is_keyed
            || matches!(outcome, Outcome::Skipped { .. });
        if !is_covered {
            let name = &self.consumers[consumer].name;
            let text = format!(
                "{name}'s queue deletes {} ({outcome}), which is neither done nor a dead letter",
                message.id
            );
            self.violate(Property::NotAcknowledgedTooEarly, event.as_deref(), text);
        }
        let is_done = matches!(outcome, Outcome::Succeeded | Outcome::Duplicate);
        if is_done && let Some(event) = event {
            self.acknowledged.insert((consumer, event));
        }
    }

    /// A process has answered an invocation in order.
    pub(super) fn end_invocation(&mut self, process: &str, trouble: &Trouble) {
        if trouble.with_store() {
            // Those that it could not give back run out by themselves.
            self.lose_process(process);
            return;
        }
        let left = self
            .leases
            .iter()
            .find(|(_, lease)| lease.process == process);
        if let Some((id, _)) = left {
            let id = id.clone();
            self.violate(
                Property::NoLeaseLeft,
                event_of(&id),
                format!("{process} ended in order and still holds {id}"),
            );
            self.leases.remove(&id);
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

    /// A dead letter that stands in the queue in the end. Without a reason SQS has moved it by itself.
    pub(super) fn find_letter(
        &mut self,
        consumer: usize,
        message: &Message,
        event: Option<&str>,
        note: Option<&FailureNote>,
    ) {
        self.counts.dead_letters += 1;
        let received = self.messages.get(&(consumer, message.id.clone()));
        if let Some(event) = event {
            let ending = Ending::DeadLetter {
                reason: note.map(|note| note.reason),
                attempts: note
                    .map(|note| note.attempts)
                    .or(received.map(|received| received.count))
                    .unwrap_or_default(),
            };
            self.endings.insert((consumer, event.to_owned()), ending);
            self.letters.insert((consumer, event.to_owned()));
        }
        if note.is_some() {
            return;
        }
        self.counts.without_reason += 1;
        if received.is_some_and(|received| received.was_orderly) {
            let text = format!(
                "{} is a dead letter without a reason, although its last receive ended in order",
                message.id
            );
            self.violate(Property::DeadLettersSayWhy, event, text);
        }
    }

    /// The run is over.
    pub(super) fn close(&mut self, now: Timestamp) {
        let mut lost = Vec::new();
        for (id, event) in self.events.iter().filter(|(_, event)| event.is_accepted) {
            for &consumer in &event.wanted_by {
                let handling = (consumer, id.clone());
                if !self.is_done(consumer, id) && !self.letters.contains(&handling) {
                    lost.push((id.clone(), self.consumers[consumer].name.clone()));
                }
            }
        }
        for (id, name) in lost {
            self.violate(
                Property::NothingLost,
                Some(&id),
                format!(
                    "{id} was accepted, and {name} has neither done it nor a dead letter of it"
                ),
            );
        }
        let held: Vec<String> = self
            .leases
            .iter()
            .filter(|(_, lease)| lease.until > now)
            .map(|(id, _)| id.clone())
            .collect();
        for id in held {
            self.violate(
                Property::ComesToRest,
                event_of(&id),
                format!("{id} is still leased, and nobody is at it"),
            );
        }
    }

    /// Events that a consumer has done.
    pub(super) fn handled(&self, consumer: usize) -> BTreeSet<String> {
        let events = self.events.keys();
        events
            .filter(|event| self.is_done(consumer, event))
            .cloned()
            .collect()
    }

    /// Events that the topic accepted.
    pub(super) fn accepted(&self) -> BTreeSet<String> {
        let accepted = self.events.iter().filter(|(_, event)| event.is_accepted);
        accepted.map(|(id, _)| id.clone()).collect()
    }

    /// Events that a consumer has given up.
    pub(super) fn given_up(&self, consumer: usize) -> BTreeSet<String> {
        let letters = self.letters.iter().filter(|(of, _)| *of == consumer);
        letters.map(|(_, event)| event.clone()).collect()
    }

    /// What became of each event at each consumer that received it.
    pub(super) fn traces(&self) -> Traces {
        let mut traces = Traces::new();
        for ((consumer, _), received) in &self.messages {
            let Some(event) = &received.event else {
                continue;
            };
            let of_consumer = traces.entry(self.consumers[*consumer].name.clone());
            let trace = of_consumer.or_default().entry(event.clone());
            let trace = trace.or_insert_with(|| Trace {
                receives: 0,
                ending: self.ending(*consumer, event),
            });
            trace.receives += received.count;
        }
        traces
    }

    fn ending(&self, consumer: usize, event: &str) -> Ending {
        let letter = self.endings.get(&(consumer, event.to_owned())).copied();
        letter.unwrap_or(if self.is_done(consumer, event) {
            Ending::Done
        } else {
            Ending::Open
        })
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
