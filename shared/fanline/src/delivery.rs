//! One delivery of one message to a handler, and what a handler can ask of it.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use crate::{Failure, Metadata, System, dedup::Transaction};

/// What the framework knows about the delivery a handler is running for.
///
/// Layers get it by [`Call::delivery`](crate::Call::delivery); handlers by extractors.
#[derive(Clone)]
pub struct Delivery {
    pub(crate) event_type: &'static str,
    pub(crate) metadata: Arc<Metadata>,
    pub(crate) attempt: u32,
    pub(crate) deadline: Timestamp,
    pub(crate) system: Arc<dyn System>,
    pub(crate) transaction: Option<Arc<dyn Transaction>>,
}

impl Delivery {
    /// The event's name.
    pub fn event_type(&self) -> &'static str {
        self.event_type
    }

    /// The event's metadata.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// 1 at the first delivery (SQS's ApproximateReceiveCount).
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// When the handler is stopped at the latest.
    pub fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// The transaction of this delivery; there is one if an extractor asked for it.
    pub fn transaction(&self) -> Option<&Arc<dyn Transaction>> {
        self.transaction.as_ref()
    }
}

/// A handler's further arguments, made from the worker's state and the delivery.
///
/// ```
/// use fanline::{Attempt, Deadline, Envelope, Extract, Failure, Metadata, State};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)] struct Signup {}
/// # impl fanline::Event for Signup { const TYPE: &'static str = "user.signed_up"; }
/// # #[derive(Clone)] struct App;
/// async fn handler(
///     event: Envelope<Signup>,
///     State(app): State<App>,
///     Attempt(attempt): Attempt,
///     deadline: Deadline,
///     metadata: Metadata,
/// ) -> Result<(), Failure> {
///     Ok(())
/// }
/// let worker = fanline::Worker::new(App).on(handler);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no extractor for a worker whose state is `{S}`",
    label = "a handler cannot take this argument",
    note = "after the `Envelope<Event>` a handler takes `State<{S}>`, `Metadata`, `Attempt`, `Deadline` or, with fanline-aws, `Tx`"
)]
pub trait Extract<S>: Sized + Send {
    /// Whether a handler with this argument runs in a transaction (effectively once):
    /// no lease is taken, and its writes commit together with the dedup record.
    const TRANSACTIONAL: bool = false;

    /// Makes the argument. A failure ends the delivery as if the handler had returned it.
    fn extract(state: &S, delivery: &Delivery) -> Result<Self, Failure>;
}

/// The worker's state, cloned for each call; put shared things behind `Arc` or SDK clients.
#[derive(Clone, Debug)]
pub struct State<S>(pub S);

impl<S: Clone + Send> Extract<S> for State<S> {
    fn extract(state: &S, _: &Delivery) -> Result<Self, Failure> {
        Ok(Self(state.clone()))
    }
}

/// Which delivery of the message this is, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt(pub u32);

impl<S> Extract<S> for Attempt {
    fn extract(_: &S, delivery: &Delivery) -> Result<Self, Failure> {
        Ok(Self(delivery.attempt))
    }
}

/// When the handler is stopped, and how long that is from now.
#[derive(Clone)]
pub struct Deadline {
    at: Timestamp,
    system: Arc<dyn System>,
}

impl Deadline {
    /// The point in time.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Time left; zero when it has passed.
    pub fn remaining(&self) -> Duration {
        remaining(self.at, self.system.now())
    }
}

impl<S> Extract<S> for Deadline {
    fn extract(_: &S, delivery: &Delivery) -> Result<Self, Failure> {
        Ok(Self {
            at: delivery.deadline,
            system: Arc::clone(&delivery.system),
        })
    }
}

impl<S> Extract<S> for Metadata {
    fn extract(_: &S, delivery: &Delivery) -> Result<Self, Failure> {
        Ok(delivery.metadata.as_ref().clone())
    }
}

/// Time from `now` until `at`; zero when it has passed.
pub(crate) fn remaining(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default()
}
