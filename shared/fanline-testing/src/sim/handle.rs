//! What a scenario may do in a run's world: call services through its network, tell of its events, ask the time.
//!
//! The one thing to get wrong: telling the ledger of an event later than it can be seen. An event is announced before
//! its first try, and accepted in the very step in which it became certain.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use fanline::{System, Timestamp, publish::Outgoing};
use fanline_engine::Engine;
use futures_util::future::BoxFuture;

use super::{
    cloud::Cloud,
    dice::{Dice, Place},
    fault::{Fault, Faults},
    injector::Injector,
    ledger::Ledger,
    network::{Call, Service},
    world::World,
};

/// Whether a consumer wants an event.
pub(super) type Wants = Arc<dyn Fn(&Outgoing) -> bool + Send + Sync>;

/// A run's world, for what a scenario brings along: clients, stores, processes.
#[derive(Clone)]
pub struct Handle {
    world: Arc<World>,
    wants: Arc<[Wants]>,
}

/// No answer came of a call: why, as far as its caller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost(pub String);

impl Handle {
    pub(super) fn new(world: Arc<World>, wants: Arc<[Wants]>) -> Self {
        Self { world, wants }
    }

    /// A world in which nothing happens, for asking an application what its workers are.
    pub(super) fn nowhere() -> Self {
        let dice = Dice::new(0);
        let injector = Injector::new(dice, Faults::none(), None, std::time::Duration::ZERO);
        let ledger = Ledger::new(Vec::new(), false);
        let world = World::new(dice, injector, ledger, Cloud::new(0, false, false), false);
        Self::new(Arc::new(world), Arc::new([]))
    }

    /// Makes a call over the network. `effect` takes place at the service, perhaps without an answer, perhaps after its
    /// caller has ended; or never. Without an answer this does not end: callers have their own time limits.
    ///
    /// # Errors
    /// If the network or the service gives an error instead of the answer.
    pub async fn call<Answer: Send + 'static>(
        &self,
        from: &str,
        service: Service,
        what: &str,
        events: Vec<&str>,
        effect: impl Future<Output = Answer> + Send + 'static,
    ) -> Result<Answer, Lost> {
        let call = Call {
            from,
            service,
            what,
            events,
            trouble: None,
        };
        let effect = move || Box::pin(async move { Ok(effect.await) }) as BoxFuture<'static, _>;
        let refuse = |problem: &str| Err(Lost(problem.to_owned()));
        self.world.call(call, effect, refuse).await
    }

    /// Whether a service's own call to another one fails, without effect.
    pub fn loses(&self, from: &str, service: Service, what: &str, events: &[&str]) -> bool {
        let is_lost = self
            .world
            .strikes(Fault::LostRequest, Place::of(&[from, what]))
            .is_some();
        if is_lost {
            let (to, events) = (service.to_string(), events.iter().copied());
            self.world
                .note_fault(from, &to, events, || format!("{what}: fails within"));
        }
        is_lost
    }

    /// The queues and the topic. Who changes them says so by [`wake`](Self::wake).
    pub fn engine(&self) -> Arc<Mutex<Engine>> {
        self.world.cloud.engine()
    }

    /// Lets consumers look at their queues.
    pub fn wake(&self) {
        self.world.cloud.wake();
    }

    /// The topic that all consumers are subscribed to.
    pub fn topic_arn(&self) -> String {
        self.world.cloud.topic_arn()
    }

    /// The time in milliseconds since 1970.
    pub fn now(&self) -> u64 {
        self.world.now()
    }

    /// Right time, and randomness of its own: what others of other names draw does not change it.
    pub fn system(&self, name: &str) -> Arc<dyn System> {
        Arc::new(NamedSystem {
            world: Arc::clone(&self.world),
            place: Place::of(&["system", name]),
            drawn: AtomicU64::new(0),
        })
    }

    /// Tells of an event that a transaction is about to write, once. Some are
    /// [poison](Fault::Poison).
    pub fn announce(&self, event: &Outgoing) {
        let wanted_by = self.wants.iter().enumerate();
        let wanted_by = wanted_by.filter(|(_, wants)| wants(event));
        let wanted_by = wanted_by.map(|(consumer, _)| consumer).collect();
        let id = event.event_id.as_str();
        let event_type = event.attributes.iter().find(|(name, _)| name == "type");
        let event_type = event_type.map_or("", |(_, event_type)| event_type.as_str());
        self.world
            .ledger()
            .announce(id, event_type, &event.entity, wanted_by);
        if let Some(mut chance) = self.world.strikes(Fault::Poison, Place::of(&[id])) {
            self.world
                .note_fault(id, id, [id], || "its handler always fails".to_owned());
            self.world.add_poison(id, chance.bool());
        }
    }

    /// An announced event is certain now: nothing may lose it. Others are passed over.
    pub fn accept(&self, event_id: &str) {
        self.world.ledger().accept(event_id);
    }

    /// Writes a step into the timeline.
    pub fn note(&self, from: &str, to: &str, events: &[&str], text: impl FnOnce() -> String) {
        self.world.note(from, to, events.iter().copied(), text);
    }
}

struct NamedSystem {
    world: Arc<World>,
    place: Place,
    drawn: AtomicU64,
}

impl System for NamedSystem {
    fn now(&self) -> Timestamp {
        self.world.timestamp()
    }

    fn random(&self) -> u128 {
        let nth = self.drawn.fetch_add(1, Ordering::Relaxed);
        self.world.dice.at(self.place, nth).u128(..)
    }
}
