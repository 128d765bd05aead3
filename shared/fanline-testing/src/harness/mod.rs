//! The whole of Fanline around a user's handlers, in memory: what their unit tests run in.
//!
//! Nothing between the queue and the handler is a fake: decoding, routing, dedup, layers, retries and dead letters
//! are [`fanline::Processor`]'s. What could be got wrong in a test is the time: it stands still until
//! [`Harness::advance`] moves it, and a message that waits does not come back before.

mod calls;
mod crash;
mod deliver;
mod letter;
mod queue;
mod store;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicUsize},
    time::Duration,
};

use fanline::{
    Envelope, Event, Outcome, Processor, System, Timestamp, Worker,
    dedup::{DedupStore, Record},
};

use crate::{Fault, ManualSystem, MemoryStore, RecordingPublisher};
pub(crate) use calls::{Calls, REASON};
pub use calls::{NthCall, Step};
pub use crash::crash_at;
pub use letter::Buried;
use queue::TimedQueue;
use store::WatchedStore;

/// A worker with a queue, a dead-letter queue, a dedup store and a clock, all in memory.
///
/// ```
/// use fanline::{Envelope, Event, Failure, Outcome, State, Worker};
/// use fanline_testing::Harness;
/// # use serde::{Deserialize, Serialize};
/// # use std::sync::{Arc, Mutex};
/// # #[derive(Serialize, Deserialize)] struct UserSignedUp { email: String }
/// # impl Event for UserSignedUp { const TYPE: &'static str = "user.signed_up"; }
/// # #[derive(Clone, Default)] struct Mails(Arc<Mutex<Vec<String>>>);
/// async fn send_welcome(event: Envelope<UserSignedUp>, State(mails): State<Mails>) -> Result<(), Failure> {
///     mails.0.lock().unwrap().push(event.data.email);
///     Ok(())
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let mails = Mails::default();
/// let harness = Harness::new(Worker::new(mails.clone()).on(send_welcome));
/// let event = harness.event(UserSignedUp { email: "ann@example.com".into() });
/// assert_eq!(harness.twice(&event).await, [Outcome::Succeeded, Outcome::Duplicate]);
/// assert_eq!(*mails.0.lock().unwrap(), ["ann@example.com"]);
/// # });
/// ```
///
/// Runs in `#[tokio::test]`, with `start_paused = true` and without. Its own clock does not follow tokio's: a
/// handler that sleeps does not make waits end or leases lapse, and [`Deadline`](fanline::Deadline) stays as
/// far off as it was. Paused, such a handler costs no time; otherwise it takes what it takes. One that hangs is
/// stopped shortly before [`TIMEOUT`](Self::TIMEOUT), by tokio's clock.
///
/// A handler that takes `fanline_aws::Tx` is rejected by the store in memory: [`with_store`](Self::with_store).
/// Events travel in the message; there is no payload store.
pub struct Harness {
    processor: Processor,
    system: Arc<ManualSystem>,
    store: MemoryStore,
    queue: TimedQueue,
    calls: Calls,
    publishers: Vec<RecordingPublisher>,
    is_fifo: bool,
    messages: AtomicUsize,
    outcomes: Mutex<Vec<Outcome>>,
}

impl Harness {
    /// How long an invocation may take.
    pub const TIMEOUT: Duration = Duration::from_secs(30);

    /// When a message comes back whose invocation was killed: six timeouts, as AWS advises (Lambda
    /// developer guide, "Using Lambda with Amazon SQS").
    pub const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(6 * 30);

    /// A worker on a dedup store in memory. Unless it names itself it is `worker`.
    ///
    /// # Panics
    /// If the worker is invalid; where it runs it would end with the same words.
    pub fn new<S: Clone + Send + Sync + 'static>(worker: Worker<S>) -> Self {
        let store = MemoryStore::default();
        Self {
            store: store.clone(),
            ..Self::with_store(worker, Arc::new(store))
        }
    }

    /// A worker on another dedup store, such as `fanline_aws::DynamoStore` on an engine's DynamoDB: what a
    /// handler that takes `Tx` needs. [`records`](Self::records) is empty then.
    ///
    /// Every harness makes the same ids in the same order. So each needs a store of its own, or
    /// [another time](Self::advance): else its events are duplicates of another's.
    ///
    /// # Panics
    /// If the worker is invalid.
    pub fn with_store<S: Clone + Send + Sync + 'static>(
        worker: Worker<S>,
        store: Arc<dyn DedupStore>,
    ) -> Self {
        let (system, calls) = (Arc::new(ManualSystem::default()), Calls::default());
        let watched = WatchedStore {
            store,
            calls: calls.clone(),
        };
        let clock = Arc::clone(&system);
        let processor = Processor::new(worker, "worker", Arc::new(watched), clock);
        Self {
            processor: processor.unwrap_or_else(|problem| panic!("{problem}")),
            queue: TimedQueue::new(Arc::clone(&system), calls.clone()),
            store: MemoryStore::default(),
            system,
            calls,
            publishers: Vec::new(),
            is_fifo: false,
            messages: AtomicUsize::new(0),
            outcomes: Mutex::default(),
        }
    }

    /// Makes the queue a FIFO queue: an event's [entity](Event::entity) is its message group.
    #[must_use]
    pub fn fifo(self) -> Self {
        Self {
            is_fifo: true,
            ..self
        }
    }

    /// Makes known a publisher that the worker's state has a clone of: [`published`](Self::published) shows
    /// what it took, its events are of this harness's time, and its calls can fail as others do.
    #[must_use]
    pub fn publisher(mut self, publisher: &RecordingPublisher) -> Self {
        publisher.join(&self.system, &self.calls);
        self.publishers.push(publisher.clone());
        self
    }

    /// Wraps data as an event that happens now.
    pub fn event<T: Event>(&self, data: T) -> Envelope<T> {
        Envelope::new(self.system.as_ref(), "test", data)
    }

    /// Moves the clock forward; waits and leases that end by then are over.
    pub fn advance(&self, duration: Duration) {
        self.system.advance(duration);
    }

    /// The time by its clock.
    pub fn now(&self) -> Timestamp {
        self.system.now()
    }

    /// How long until anything in the queue is visible; None if it is empty.
    pub fn next_wait(&self) -> Option<Duration> {
        self.queue.next_wait()
    }

    /// How many messages are in the queue, waiting or not.
    pub fn left(&self) -> usize {
        self.queue.len()
    }

    /// The nth call from now on, from 1, to dedup store, queue or publisher fails without having had an
    /// effect; or the next call of a [`Step`]. Calls after it answer again. How many there are to be
    /// chosen from, [`calls`](Self::calls) says of a harness in which nothing fails.
    ///
    /// # Panics
    /// If the call's number is 0.
    pub fn fail_at(&self, call: impl Into<NthCall>) {
        self.fault_at(call, Fault::Before);
    }

    /// As [`fail_at`](Self::fail_at), with the kind of fault. [`Fault::After`] is the one that tests forget: what
    /// was asked for has happened, and nobody was told. Calls that hang end with the invocation's
    /// [`TIMEOUT`](Self::TIMEOUT) by tokio's clock, so pause that. For a process that is killed: [`crash_at`].
    ///
    /// # Panics
    /// If the call's number is 0.
    pub fn fault_at(&self, call: impl Into<NthCall>, fault: Fault) {
        self.calls.plan(call.into(), fault);
    }

    /// All calls so far, those that failed included.
    pub fn calls(&self) -> Vec<Step> {
        self.calls.made()
    }

    /// All outcomes so far, in the order of deliveries.
    pub fn outcomes(&self) -> Vec<Outcome> {
        self.lock_outcomes().clone()
    }

    /// What was given up, first to last.
    pub fn dead_letters(&self) -> Vec<Buried> {
        let letters = self.queue.dead_letters().into_iter();
        letters.map(Buried::from).collect()
    }

    /// The dedup records by `consumer#key`; none if the harness has [another store](Self::with_store).
    pub fn records(&self) -> BTreeMap<String, Record> {
        self.store.records()
    }

    /// All events of this type and version that handlers published with [known](Self::publisher) publishers, one
    /// publisher after the other.
    ///
    /// # Panics
    /// If one of them cannot be read as `T`: no handler for it could, either.
    pub fn published<T: Event>(&self) -> Vec<Envelope<T>> {
        let publishers = self.publishers.iter();
        publishers.flat_map(RecordingPublisher::events).collect()
    }

    fn lock_outcomes(&self) -> MutexGuard<'_, Vec<Outcome>> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
