//! What is simulated: events, consumers, faults, and what the application wants to hold in the end.

use std::{collections::BTreeMap, collections::BTreeSet, sync::Arc, time::Duration};

use fanline::{
    Envelope, Event, InvalidWorker, Mode, Processor, System, Worker, dedup::DedupStore,
    filter::FilterPolicyScope, publish::Outgoing,
};

use futures_util::future::BoxFuture;

use super::{background::Background, fault::Faults, fixed::Fixed, handle::Handle, watch::Watch};
use crate::MemoryStore;

/// Makes the dedup store of a run.
type MakeStore<App> = dyn Fn(&App, &Handle) -> Arc<dyn DedupStore> + Send + Sync;

type MakeApp<App> = dyn Fn(&Handle) -> App + Send + Sync;

type Command<App> = dyn Fn(Arc<App>, usize, Handle) -> BoxFuture<'static, ()> + Send + Sync;

/// What is still to be done.
type Rest<App> = dyn Fn(Arc<App>) -> BoxFuture<'static, Option<String>> + Send + Sync;

pub(super) type MakeEvent = dyn Fn(usize, &dyn System) -> Outgoing + Send + Sync;

type MakeWorker<App> = dyn Fn(
        &App,
        Arc<dyn DedupStore>,
        Arc<dyn System>,
        Option<Watch>,
    ) -> Result<Processor, InvalidWorker>
    + Send
    + Sync;

type Check<App> = dyn Fn(&App, &End) -> Result<(), String> + Send + Sync;

/// An application in a world that one number decides: events, an SNS topic, a queue for each consumer, its worker
/// behind an event source mapping, the dedup table, time, and all that goes wrong.
///
/// The workers and their handlers are the real ones. Time is virtual, so that hours take milliseconds; handlers may
/// sleep. In every run the [promises](super::Property) of the framework are checked, and [`check`](Self::check).
///
/// ```
/// use std::{collections::BTreeMap, sync::{Arc, Mutex}};
/// use fanline::{Envelope, Event, Failure, State, Worker};
/// use fanline_testing::sim::Simulation;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct UserSignedUp { user: String }
/// impl Event for UserSignedUp { const TYPE: &'static str = "user.signed_up"; }
///
/// #[derive(Clone, Default)]
/// struct Mails(Arc<Mutex<BTreeMap<String, u32>>>);
///
/// async fn send_welcome(event: Envelope<UserSignedUp>, State(mails): State<Mails>) -> Result<(), Failure> {
///     *mails.0.lock().unwrap().entry(event.id().to_owned()).or_default() += 1;
///     Ok(())
/// }
///
/// Simulation::new(Mails::default)
///     .events(20, |number| UserSignedUp { user: format!("user-{number}") })
///     .consumer("mails", |mails: &Mails| Worker::new(mails.clone()).on(send_welcome))
///     .check(|mails, end| {
///         let mails = mails.0.lock().unwrap();
///         let without = end.handled("mails").iter().find(|event| !mails.contains_key(*event));
///         without.map_or(Ok(()), |event| Err(format!("{event} is done, and no mail was sent")))
///     })
///     .assert(0..25);
/// ```
#[must_use]
pub struct Simulation<App> {
    pub(super) app: Arc<MakeApp<App>>,
    pub(super) events: Vec<(usize, Arc<MakeEvent>)>,
    pub(super) commands: Vec<(usize, Arc<Command<App>>)>,
    pub(super) processes: Vec<Background<App>>,
    pub(super) rest: Option<Arc<Rest<App>>>,
    pub(super) consumers: Vec<ConsumerOf<App>>,
    pub(super) is_fifo: bool,
    pub(super) may_poll: bool,
    pub(super) faults: Faults,
    pub(super) stretch: Duration,
    pub(super) fixed: Option<Fixed>,
    pub(super) check: Option<Arc<Check<App>>>,
    pub(super) store: Arc<MakeStore<App>>,
    #[cfg(feature = "broken")]
    pub(super) broken: Option<super::Broken>,
}

impl<App> Clone for Simulation<App> {
    fn clone(&self) -> Self {
        Self {
            app: Arc::clone(&self.app),
            events: self.events.clone(),
            commands: self.commands.clone(),
            processes: self.processes.clone(),
            rest: self.rest.clone(),
            consumers: self.consumers.clone(),
            is_fifo: self.is_fifo,
            may_poll: self.may_poll,
            faults: self.faults.clone(),
            stretch: self.stretch,
            fixed: self.fixed,
            check: self.check.clone(),
            store: Arc::clone(&self.store),
            #[cfg(feature = "broken")]
            broken: self.broken,
        }
    }
}

pub(super) struct ConsumerOf<App> {
    pub(super) name: Arc<str>,
    pub(super) make: Arc<MakeWorker<App>>,
    pub(super) handlers: BTreeMap<String, (Mode, u32)>,
    /// The policy, and whether it is for bodies.
    pub(super) filter_policy: (String, bool),
    pub(super) wants: Arc<dyn Fn(&Outgoing) -> bool + Send + Sync>,
}

impl<App> Clone for ConsumerOf<App> {
    fn clone(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
            make: Arc::clone(&self.make),
            handlers: self.handlers.clone(),
            filter_policy: self.filter_policy.clone(),
            wants: Arc::clone(&self.wants),
        }
    }
}

/// What a run came to, for the application's own check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    pub(super) handled: BTreeMap<String, BTreeSet<String>>,
    pub(super) dead_letters: BTreeMap<String, BTreeSet<String>>,
    pub(super) accepted: BTreeSet<String>,
}

static NOTHING: BTreeSet<String> = BTreeSet::new();

impl End {
    /// Ids of the events that a consumer has done: their dedup records say so.
    pub fn handled(&self, consumer: &str) -> &BTreeSet<String> {
        self.handled.get(consumer).unwrap_or(&NOTHING)
    }

    /// Ids of the events of which a dead letter was stored. An event may be both: a dead letter whose answer was lost is
    /// stored, and the message comes back.
    pub fn dead_letters(&self, consumer: &str) -> &BTreeSet<String> {
        self.dead_letters.get(consumer).unwrap_or(&NOTHING)
    }

    /// Ids of all events that the topic accepted.
    pub fn accepted(&self) -> &BTreeSet<String> {
        &self.accepted
    }
}

impl<App: Send + Sync + 'static> Simulation<App> {
    /// A world without events and consumers, in which everything can go wrong. `app` makes what workers share, and what
    /// outlives their processes: once for each run.
    pub fn new(app: impl Fn() -> App + Send + Sync + 'static) -> Self {
        Self::in_world(move |_| app())
    }

    /// As [`new`](Self::new), for an application that has its own ways to this world's services.
    pub fn in_world(app: impl Fn(&Handle) -> App + Send + Sync + 'static) -> Self {
        Self {
            app: Arc::new(app),
            events: Vec::new(),
            commands: Vec::new(),
            processes: Vec::new(),
            rest: None,
            consumers: Vec::new(),
            is_fifo: false,
            may_poll: true,
            faults: Faults::usual(),
            stretch: Duration::from_secs(10 * 60),
            fixed: None,
            check: None,
            store: Arc::new(|_, _| Arc::new(MemoryStore::default())),
            #[cfg(feature = "broken")]
            broken: None,
        }
    }

    /// So many events, at any moments of the first ten minutes. The closure makes the nth, from 0.
    ///
    /// # Panics
    /// During a run, if an event cannot be serialised.
    pub fn events<T: Event>(
        mut self,
        count: usize,
        event: impl Fn(usize) -> T + Send + Sync + 'static,
    ) -> Self {
        let make = move |number: usize, system: &dyn System| {
            let envelope = Envelope::new(system, "simulation", event(number));
            Outgoing::new(&envelope).expect("an event that can be serialised")
        };
        self.events.push((count, Arc::new(make)));
        self
    }

    /// So many commands at any moments of the first ten minutes, each until it has ended: they publish by what they
    /// write, and tell the [`Handle`] of their events.
    pub fn commands(
        mut self,
        count: usize,
        command: impl Fn(Arc<App>, usize, Handle) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        self.commands.push((count, Arc::new(command)));
        self
    }

    /// A process beside the workers, invoked again and again with a pause in between, for at most a minute. It
    /// [crashes](super::Fault::Crash) as they do, and now and then [nobody invokes it](super::Fault::SlowConsumer); what must outlive that is in the application.
    pub fn process(
        mut self,
        name: &str,
        pause: Duration,
        invoke: impl Fn(Arc<App>, Handle) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        self.processes.push(Background {
            name: name.into(),
            pause,
            invoke: Arc::new(invoke),
        });
        self
    }

    /// A run ends only when this has nothing to say, too: it says what is still to be done.
    pub fn rests_when(
        mut self,
        rest: impl Fn(Arc<App>) -> BoxFuture<'static, Option<String>> + Send + Sync + 'static,
    ) -> Self {
        self.rest = Some(Arc::new(rest));
        self
    }

    /// A consumer with a queue of its own: its worker, made anew for each process. The queue's filter policy is the
    /// worker's.
    ///
    /// # Panics
    /// If the worker is not valid: without handlers, or with two for one event.
    pub fn consumer<State>(
        mut self,
        name: &str,
        worker: impl Fn(&App) -> Worker<State> + Send + Sync + 'static,
    ) -> Self
    where
        State: Clone + Send + Sync + 'static,
    {
        let app = (self.app)(&Handle::nowhere());
        let description = worker(&app)
            .describe()
            .unwrap_or_else(|problem| panic!("consumer {name}: {problem}"));
        let reference = worker(&app);
        let wants = move |message: &Outgoing| reference.wants(message);
        let filter_policy = (
            description.filter_policy.to_string(),
            description.filter_policy_scope == FilterPolicyScope::MessageBody,
        );
        let handlers = description.handlers.iter().map(|handler| {
            let mode = match handler.mode.as_str() {
                "effectively-once" => Mode::EffectivelyOnce,
                "at-most-once" => Mode::AtMostOnce,
                _ => Mode::AtLeastOnce,
            };
            (handler.event_type.clone(), (mode, handler.attempts))
        });
        let consumer_name: Arc<str> = name.into();
        let default_name = Arc::clone(&consumer_name);
        let make = move |app: &App,
                         store: Arc<dyn DedupStore>,
                         system: Arc<dyn System>,
                         watch: Option<Watch>| {
            let mut worker = worker(app).consumer(&*default_name);
            if let Some(watch) = watch {
                worker = worker.layer(watch);
            }
            Processor::new(worker, &default_name, store, system)
        };
        self.consumers.push(ConsumerOf {
            name: consumer_name,
            make: Arc::new(make),
            handlers: handlers.collect(),
            filter_policy,
            wants: Arc::new(wants),
        });
        self
    }

    /// A FIFO topic and FIFO queues, with events' entities as message groups.
    pub fn fifo(mut self) -> Self {
        self.is_fifo = true;
        self
    }

    /// Workers run behind event source mappings only. Without, every fourth runs in processes that poll, where no
    /// invocation's deadline ends a handler.
    pub fn only_in_lambda(mut self) -> Self {
        self.may_poll = false;
        self
    }

    /// What can go wrong; everything, unless this is called.
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// What must hold in the end of a run, besides the framework's promises.
    pub fn check(
        mut self,
        check: impl Fn(&App, &End) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.check = Some(Arc::new(check));
        self
    }

    /// Another dedup store than [`MemoryStore`], made for each run inside its runtime: time there is virtual.
    pub fn store(
        mut self,
        store: impl Fn(&App, &Handle) -> Arc<dyn DedupStore> + Send + Sync + 'static,
    ) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// Breaks the framework in one way.
    #[cfg(feature = "broken")]
    pub fn broken(mut self, broken: super::Broken) -> Self {
        self.broken = Some(broken);
        self
    }

    /// How many events and commands each run has.
    pub fn size(&self) -> usize {
        let commands: usize = self.commands.iter().map(|(count, _)| count).sum();
        self.event_count() + commands
    }

    pub(super) fn event_count(&self) -> usize {
        self.events.iter().map(|(count, _)| count).sum()
    }

    /// Runs every seed and stops at the first that breaks a promise.
    ///
    /// # Panics
    /// If one does, with all that is known of it: what to type to see it again, its faults, and what happened to
    /// the event. See [`Failure`](super::Failure).
    pub fn assert(&self, seeds: impl IntoIterator<Item = u64>) {
        for seed in seeds {
            if let Some(failure) = self.find_failure(seed) {
                panic!("{failure}");
            }
        }
    }
}
