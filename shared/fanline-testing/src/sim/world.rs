//! One run's world: its time, its chance, its faults, its queues, and what is known of it.
//!
//! Everything that waits does so on tokio's paused clock, on one thread: the seed alone decides what comes first.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fanline::{System, Timestamp, publish::Outgoing};
use fastrand::Rng;
use tokio::time::Instant;

use super::{
    cloud::Cloud,
    dice::{Dice, Place},
    fault::Fault,
    injector::Injector,
    ledger::Ledger,
    network::Service,
    timeline::{Step, Timeline},
};

/// 2026-02-14T10:30:00Z.
const START: u64 = 1_771_065_000_000;

pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) cloud: Cloud,
    started: Instant,
    injector: Mutex<Injector>,
    ledger: Mutex<Ledger>,
    /// Kept only for runs that are looked at.
    timeline: Option<Mutex<Timeline>>,
    calls: Mutex<BTreeMap<Place, u64>>,
    processes: AtomicU64,
    deployment: AtomicU64,
    outages: Mutex<BTreeMap<Service, Outage>>,
    /// Events that no handler can handle; whether it knows that.
    poison: Mutex<BTreeMap<String, bool>>,
}

/// A service that is down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outage {
    pub(super) until: Duration,
    /// Whether callers get no answer at all, instead of an error.
    pub(super) hangs: bool,
}

impl World {
    pub(super) fn new(
        dice: Dice,
        injector: Injector,
        ledger: Ledger,
        cloud: Cloud,
        with_timeline: bool,
    ) -> Self {
        Self {
            dice,
            cloud,
            started: Instant::now(),
            injector: Mutex::new(injector),
            ledger: Mutex::new(ledger),
            timeline: with_timeline.then(Mutex::default),
            calls: Mutex::default(),
            processes: AtomicU64::new(0),
            deployment: AtomicU64::new(0),
            outages: Mutex::default(),
            poison: Mutex::default(),
        }
    }

    /// Time since the beginning.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The right time, in milliseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        START + u64::try_from(self.elapsed().as_millis()).unwrap_or(u64::MAX - START)
    }

    /// The right time.
    pub(super) fn timestamp(&self) -> Timestamp {
        i64::try_from(self.now())
            .ok()
            .and_then(|now| Timestamp::from_millisecond(now).ok())
            .unwrap_or(Timestamp::MAX)
    }

    pub(super) fn strikes(&self, fault: Fault, place: Place) -> Option<Rng> {
        lock(&self.injector).strikes(fault, place, self.elapsed())
    }

    pub(super) fn injector(&self) -> MutexGuard<'_, Injector> {
        lock(&self.injector)
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// Writes a step down, if anybody will read it.
    pub(super) fn note<'a>(
        &self,
        from: &str,
        to: &str,
        events: impl IntoIterator<Item = &'a str>,
        text: impl FnOnce() -> String,
    ) {
        self.write(from, to, events, text, false);
    }

    /// As [`note`](Self::note), for what went wrong.
    pub(super) fn note_fault<'a>(
        &self,
        from: &str,
        to: &str,
        events: impl IntoIterator<Item = &'a str>,
        text: impl FnOnce() -> String,
    ) {
        self.write(from, to, events, text, true);
    }

    fn write<'a>(
        &self,
        from: &str,
        to: &str,
        events: impl IntoIterator<Item = &'a str>,
        text: impl FnOnce() -> String,
        is_fault: bool,
    ) {
        if let Some(timeline) = &self.timeline {
            lock(timeline).push(Step {
                at: self.elapsed(),
                from: from.to_owned(),
                to: to.to_owned(),
                events: events.into_iter().map(str::to_owned).collect(),
                text: text(),
                is_fault,
            });
        }
    }

    pub(super) fn take_timeline(&self) -> Timeline {
        self.timeline
            .as_ref()
            .map(|timeline| std::mem::take(&mut *lock(timeline)))
            .unwrap_or_default()
    }

    /// The topic takes an event in.
    pub(super) fn publish(&self, event: &Outgoing, body: &str) -> bool {
        let is_taken = self.cloud.publish(self.now(), event, body);
        if is_taken {
            self.note("producer", "topic", [event.event_id.as_str()], || {
                format!("{} published", event.event_id)
            });
            self.ledger().accept(&event.event_id);
        }
        is_taken
    }

    pub(super) fn add_poison(&self, event: &str, is_hopeless: bool) {
        lock(&self.poison).insert(event.to_owned(), is_hopeless);
    }

    /// Whether no handler can handle this event, and if so, whether the handler says so.
    pub(super) fn poison(&self, event: &str) -> Option<bool> {
        lock(&self.poison).get(event).copied()
    }

    /// Chance for the next call from a place.
    pub(super) fn next_call(&self, place: Place) -> Rng {
        let mut calls = lock(&self.calls);
        let nth = calls.entry(place).or_default();
        *nth += 1;
        self.dice.at(place, *nth)
    }

    /// A number for a new process.
    pub(super) fn next_process(&self) -> u64 {
        self.processes.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Which deployment is the current one.
    pub(super) fn deployment(&self) -> u64 {
        self.deployment.load(Ordering::Relaxed)
    }

    pub(super) fn redeploy(&self) {
        self.deployment.fetch_add(1, Ordering::Relaxed);
    }

    /// The outage of a service, if it is down.
    pub(super) fn outage(&self, service: Service) -> Option<Outage> {
        let outage = lock(&self.outages).get(&service).copied()?;
        (self.elapsed() < outage.until).then_some(outage)
    }

    pub(super) fn begin_outage(&self, service: Service, outage: Outage) {
        lock(&self.outages).insert(service, outage);
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A handler that panics is part of many runs.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The clock and the chance of one process.
pub(super) struct ProcessSystem {
    world: Arc<World>,
    process: u64,
    /// Ahead of the right time by so many milliseconds.
    ahead: i64,
    drawn: AtomicU64,
}

impl ProcessSystem {
    pub(super) fn new(world: Arc<World>, process: u64, ahead: i64) -> Self {
        Self {
            world,
            process,
            ahead,
            drawn: AtomicU64::new(0),
        }
    }
}

impl System for ProcessSystem {
    fn now(&self) -> Timestamp {
        let now = self.world.timestamp();
        let ahead = jiff_milliseconds(now, self.ahead);
        ahead.unwrap_or(now)
    }

    fn random(&self) -> u128 {
        let nth = self.drawn.fetch_add(1, Ordering::Relaxed);
        self.world
            .dice
            .at(Place::of(&["process"]), self.process << 32 | nth)
            .u128(..)
    }
}

fn jiff_milliseconds(now: Timestamp, ahead: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(now.as_millisecond().checked_add(ahead)?).ok()
}
