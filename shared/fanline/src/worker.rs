//! A worker: handlers, chosen by event type and version, and a few policies.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use serde_path_to_error::Segment;
use tower::{
    Layer, Service,
    util::{BoxCloneSyncService, MapErrLayer},
};

use crate::{
    Call, Envelope, Event, Failure, Handler, HandlerService, Mode, RawEvent, RetryPlan,
    Undecodable,
    decode::LONGEST_KEY,
    filter::FilterPolicy,
    service::{CapturePanics, Run},
};

/// What to do with an event of which no handler knows the type or the version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unknown {
    /// It goes to the dead-letter queue. The default: a topic that suddenly carries something
    /// unexpected should be seen.
    #[default]
    DeadLetter,
    /// Acknowledge it. For queues whose filter policy is wider than the handlers.
    Skip,
}

/// Handlers and the policies around them.
///
/// Defaults: 10 handlers at once (they wait for I/O; ten fit the default Lambda batch and
/// do not swamp what they call), unknown events to the dead-letter queue, dedup records kept
/// for 28 days (14 days in the queue and 14 in its DLQ, so that a redriven message is still
/// recognised), five attempts by [`RetryPlan::default`].
///
/// ```
/// use fanline::{Envelope, Failure, State, Worker};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)] struct UserSignedUp { email: String }
/// # impl fanline::Event for UserSignedUp { const TYPE: &'static str = "user.signed_up"; }
/// # #[derive(Clone)] struct App;
/// async fn send_welcome(event: Envelope<UserSignedUp>, State(app): State<App>) -> Result<(), Failure> {
///     Ok(())
/// }
///
/// let worker = Worker::new(App).on(send_welcome);
/// ```
#[must_use]
pub struct Worker<S> {
    state: S,
    problems: Vec<String>,
    pub(crate) settings: Settings,
}

/// Handlers by type and version.
pub(crate) type Routes = BTreeMap<&'static str, BTreeMap<u32, Route>>;

/// What is left of a worker once its state is bound into the handlers.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) routes: Routes,
    pub(crate) unknown: Unknown,
    pub(crate) concurrency: NonZeroUsize,
    pub(crate) retention: Duration,
    pub(crate) retry_plan: RetryPlan,
    pub(crate) consumer: Option<String>,
    pub(crate) filter_policy: FilterPolicy,
    pub(crate) service: HandlerService,
}

/// How one type and version is prepared for its handler.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) mode: Mode,
    pub(crate) retry_plan: Option<RetryPlan>,
    pub(crate) prepare: Arc<Prepare>,
}

type Prepare = dyn Fn(&RawEvent) -> Result<Prepared, Undecodable> + Send + Sync;

/// A decoded event with its handler, not yet run.
pub(crate) struct Prepared {
    pub(crate) key: Option<String>,
    pub(crate) run: Run,
}

/// What is wrong with a worker as it was put together.
#[derive(Clone, Debug, PartialEq)]
pub struct InvalidWorker {
    problems: Vec<String>,
}

impl InvalidWorker {
    pub(crate) fn new(problem: &str) -> Self {
        Self {
            problems: vec![problem.to_owned()],
        }
    }
}

impl fmt::Display for InvalidWorker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "worker cannot run: {}", self.problems.join("; "))
    }
}

impl std::error::Error for InvalidWorker {}

impl<S: Clone + Send + Sync + 'static> Worker<S> {
    /// A worker without handlers. `state` is what [`State`](crate::State) gives them.
    pub fn new(state: S) -> Self {
        Self {
            state,
            problems: Vec::new(),
            settings: Settings {
                routes: BTreeMap::new(),
                unknown: Unknown::default(),
                concurrency: const { NonZeroUsize::new(10).expect("ten is not zero") },
                retention: Duration::from_secs(28 * 24 * 60 * 60),
                retry_plan: RetryPlan::default(),
                consumer: None,
                filter_policy: FilterPolicy::default(),
                service: BoxCloneSyncService::new(CapturePanics),
            },
        }
    }

    /// Adds the handler for one event type and version.
    pub fn on<Arguments, H: Handler<S, Arguments>>(mut self, handler: H) -> Self {
        let state = self.state.clone();
        let route = Route {
            mode: handler.mode(),
            retry_plan: handler.retry_plan().cloned(),
            prepare: Arc::new(move |raw| prepare(&handler, &state, raw)),
        };
        let (name, version) = (H::Event::TYPE, H::Event::VERSION);
        if H::TRANSACTIONAL && route.mode == Mode::AtMostOnce {
            self.problems.push(format!(
                "the handler for {name} version {version} takes a transaction, which commits after it, and is at most once, which is decided before: choose one"
            ));
        }
        match self.settings.routes.entry(name).or_default().entry(version) {
            Entry::Vacant(entry) => {
                entry.insert(route);
            }
            Entry::Occupied(_) => self
                .problems
                .push(format!("two handlers for {name} version {version}")),
        }
        self
    }

    /// Wraps every handler of this worker, also those added later. Each layer wraps the
    /// layers added before it: the last one sees a call first.
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<HandlerService>,
        L::Service: Service<Call, Response = (), Error = Failure> + Clone + Send + Sync + 'static,
        <L::Service as Service<Call>>::Future: Send + 'static,
    {
        self.settings.service = BoxCloneSyncService::new(layer.layer(self.settings.service));
        self
    }

    /// Decides in one place what errors mean, for every handler of this worker: `?` alone makes each of
    /// them a [`Failure::retry`].
    ///
    /// ```
    /// use fanline::{Envelope, Failure, Worker, layers::CircuitBreaker};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)] struct OrderPlaced {}
    /// # impl fanline::Event for OrderPlaced { const TYPE: &'static str = "order.placed"; }
    /// # async fn charge(_: Envelope<OrderPlaced>) -> Result<(), Failure> { Ok(()) }
    /// # #[derive(Debug)] enum BankError { Unreachable, UnknownCard, Busy }
    /// # impl std::fmt::Display for BankError {
    /// #     fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { Ok(()) }
    /// # }
    /// # impl std::error::Error for BankError {}
    /// fn policy(failure: Failure) -> Failure {
    ///     match failure.downcast_ref() {
    ///         Some(BankError::Unreachable) => Failure::unavailable(failure.into_cause()),
    ///         Some(BankError::UnknownCard) => Failure::reject(failure.into_cause()),
    ///         Some(BankError::Busy) | None => failure,
    ///     }
    /// }
    ///
    /// let worker = Worker::new(())
    ///     .on(charge)
    ///     .map_failure(policy)
    ///     .layer(CircuitBreaker::new());
    /// # assert!(policy(BankError::Unreachable.into()).is_unavailable());
    /// # assert!(policy(BankError::UnknownCard.into()).is_reject());
    /// # assert_eq!(policy(BankError::Busy.into()).wait(), None);
    /// ```
    ///
    /// It is a layer, so the order counts: it sees the failures of handlers (a panic is one of them) and
    /// of layers added before it, and layers added after it see what it made of them. Add it first, then
    /// the breaker. Failures that no handler returned, such as a body that is no event or a transaction
    /// that did not commit, do not come here.
    pub fn map_failure<Policy>(self, policy: Policy) -> Self
    where
        Policy: Fn(Failure) -> Failure + Clone + Send + Sync + 'static,
    {
        self.layer(MapErrLayer::new(policy))
    }

    /// What becomes of events that no handler knows.
    pub fn unknown(mut self, unknown: Unknown) -> Self {
        self.settings.unknown = unknown;
        self
    }

    /// How many handlers run at once.
    pub fn concurrency(mut self, concurrency: NonZeroUsize) -> Self {
        self.settings.concurrency = concurrency;
        self
    }

    /// How often and after which waits a message is tried, unless its handler has a plan of its own
    /// ([`planned`](crate::planned)).
    pub fn retry_plan(mut self, plan: RetryPlan) -> Self {
        self.settings.retry_plan = plan;
        self
    }

    /// How long a handled event is recognised. Should cover the retention of the queue and
    /// of its dead-letter queue.
    pub fn dedup_retention(mut self, retention: Duration) -> Self {
        self.settings.retention = retention;
        self
    }

    /// The name under which this worker deduplicates; in Lambda the function's name is the
    /// default. Choose one before renaming a function, or it starts without memory.
    pub fn consumer(mut self, name: impl Into<String>) -> Self {
        self.settings.consumer = Some(name.into());
        self
    }

    /// Which messages of its topic the worker wants. SNS keeps to what the template says; `fanline check`
    /// says where that differs.
    ///
    /// The default is the types of its handlers. A policy that has no key `type` gets those too, so that
    /// other keys narrow it:
    ///
    /// ```
    /// # use fanline::{Envelope, Failure, Worker};
    /// use fanline::filter::{FilterPolicy, prefix};
    /// # use serde::{Deserialize, Serialize};
    /// # #[derive(Serialize, Deserialize)] struct UserSignedUp { email: String }
    /// # impl fanline::Event for UserSignedUp { const TYPE: &'static str = "user.signed_up"; }
    /// # async fn send_welcome(event: Envelope<UserSignedUp>) -> Result<(), Failure> { Ok(()) }
    /// // user.signed_up, in two regions.
    /// let narrow = FilterPolicy::on_attributes().key("region", ["eu", "us"]);
    /// // All that happens to users.
    /// let wide = FilterPolicy::on_attributes().key("type", [prefix("user.")]);
    /// # for policy in [narrow.clone(), wide] {
    /// #     assert!(Worker::new(()).on(send_welcome).filter_policy(policy).describe().is_ok());
    /// # }
    /// let worker = Worker::new(()).on(send_welcome).filter_policy(narrow);
    /// ```
    ///
    /// What it lets through and no handler takes goes the way of [`Unknown`]. One that never lets through
    /// what a handler takes, or that SNS would refuse, makes the worker invalid.
    pub fn filter_policy(mut self, policy: FilterPolicy) -> Self {
        self.settings.filter_policy = policy;
        self
    }

    pub(crate) fn into_settings(self) -> Result<Settings, InvalidWorker> {
        let (mut problems, mut settings) = (self.problems, self.settings);
        if settings.routes.is_empty() {
            problems.push("it has no handler; add one with `.on(handler)`".to_owned());
        } else {
            settings.filter_policy = settings.filter_policy.of_worker(&settings.routes);
            problems.extend(settings.filter_policy.problems(&settings.routes));
        }
        match problems.is_empty() {
            true => Ok(settings),
            false => Err(InvalidWorker { problems }),
        }
    }
}

fn prepare<S, Arguments, H>(handler: &H, state: &S, raw: &RawEvent) -> Result<Prepared, Undecodable>
where
    S: Clone + Send + Sync + 'static,
    H: Handler<S, Arguments>,
{
    let deserializer = &mut serde_json::Deserializer::from_str(raw.data.get());
    let data = serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let (name, version) = (&raw.event_type, raw.metadata.version);
        Undecodable::new(format!("{name} version {version}: {}", misfit(&error)))
    })?;
    let event = Envelope {
        data,
        metadata: raw.metadata.clone(),
    };
    let key = handler.key(&event);
    if let Some(key) = &key {
        check_key(key)?;
    }
    let (handler, state) = (handler.clone(), state.clone());
    Ok(Prepared {
        key,
        run: Box::new(move |delivery| Box::pin(handler.call(event, state, delivery))),
    })
}

fn check_key(key: &str) -> Result<(), Undecodable> {
    match key.len() {
        1..=LONGEST_KEY => Ok(()),
        length => Err(Undecodable::new(format!(
            "idempotency key: expected 1 to {LONGEST_KEY} bytes, found {length}"
        ))),
    }
}

/// Where the data does not fit and what was expected there. serde's own message quotes what
/// it found, which is payload and must not reach the logs.
fn misfit(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    // Deeper segments may be keys of a map, which are payload too.
    let path = match error.path().iter().next() {
        Some(Segment::Map { key }) => format!("data.{key}"),
        _ => "data".to_owned(),
    };
    let text = error.inner().to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    if text.starts_with("missing field") || text.starts_with("duplicate field") {
        return format!("{path}: {text}");
    }
    let found = match text.strip_prefix("invalid type: ") {
        Some(found) => found.split([' ', ',']).next().unwrap_or_default(),
        None => "another value",
    };
    match text.rsplit_once(", expected ") {
        Some((_, expected)) => format!("{path}: expected {expected}, found {found}"),
        None => format!("{path}: the value is not accepted"),
    }
}
