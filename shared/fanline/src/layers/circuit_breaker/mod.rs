//! A layer that spares handlers what is down. What one could get wrong: it goes by
//! [`Failure::unavailable`] alone, and a plain `?` is a retry.

mod circuit;
mod service;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use circuit::{Circuit, Settings};
use tower::Layer;

#[cfg(doc)]
use crate::Failure;

/// Stops calling what does not answer, and looks again after a while.
///
/// A handler says by [`Failure::unavailable`] that something every message needs is not there. After
/// several of these in a row the circuit opens: handlers are not run, their messages fail at once as
/// `circuit open since …`, themselves unavailable. After a cool-down one call is let through, the probe.
/// If it succeeds the circuit closes, if it finds nobody the circuit stays open for twice as long. While
/// the probe runs, all others are still refused. It costs nothing: no calls, no I/O.
///
/// ```
/// use fanline::{Envelope, Failure, State, Worker, layers::CircuitBreaker};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)] struct OrderPlaced { amount: u64 }
/// # impl fanline::Event for OrderPlaced { const TYPE: &'static str = "order.placed"; }
/// # #[derive(Clone)] struct Bank;
/// # enum Refusal { Connect(std::io::Error), Declined }
/// # impl Bank { async fn charge(&self, _: u64) -> Result<(), Refusal> { Ok(()) } }
/// async fn charge(order: Envelope<OrderPlaced>, State(bank): State<Bank>) -> Result<(), Failure> {
///     match bank.charge(order.data.amount).await {
///         Ok(()) => Ok(()),
///         Err(Refusal::Connect(error)) => Err(Failure::unavailable(error)),
///         Err(Refusal::Declined) => Err(Failure::reject("card declined")),
///     }
/// }
///
/// let worker = Worker::new(Bank).on(charge).layer(CircuitBreaker::new());
/// ```
///
/// [`Worker::map_failure`](crate::Worker::map_failure) says it for all handlers at once; add it first.
///
/// # What counts
///
/// Success, [`retry`](Failure::retry), [`retry_after`](Failure::retry_after), [`reject`](Failure::reject)
/// and a handler's panic all show that the dependency answers, or that something else is wrong: they end
/// the row and close the circuit after a probe. A call that was dropped at the deadline shows nothing, so
/// give clients timeouts below it: they turn silence into a failure. A dropped probe opens the circuit
/// again, for as long as before.
///
/// There is one circuit for all handlers of the worker. If they depend on different things, the success
/// of one ends the row of another: make them workers of their own.
///
/// # Receives
///
/// A message that comes while the circuit is open uses up one receive, as with any failure. The worker
/// gives it back with a wait that grows with its receive count: 1, 4, 16, 64 minutes, each shortened at
/// random by up to a half. So the 5 receives of a default queue outlast at least 42 minutes of outage;
/// what is down for longer sends messages to the dead-letter queue, from where they can be redriven.
///
/// # Defaults
///
/// - Opens after 5 unavailable calls in a row: a lost connection or two do not open it, and of a default
///   batch of 10 half is still spared the wait for what is down.
/// - The cool-down starts at 30 s, about what a restart or a failover takes, and doubles with each failed
///   probe up to 5 minutes, so that recovery is noticed soon after an outage of any length. Each is
///   shortened at random by up to a half: environments do not probe together.
///
/// The state is one process's: in Lambda, each execution environment finds out for itself, by 5 calls,
/// and each sends its own probe. Clones of a breaker share their state.
#[derive(Clone)]
pub struct CircuitBreaker {
    circuit: Arc<Mutex<Circuit>>,
}

impl CircuitBreaker {
    /// A closed circuit with the defaults.
    pub fn new() -> Self {
        Self::with(Settings {
            opens_after: const { NonZeroU32::new(5).expect("five is not zero") },
            cool_down: Duration::from_secs(30),
            longest_cool_down: Duration::from_secs(5 * 60),
        })
    }

    /// How many calls in a row must find it unavailable. This, as the settings below, makes a breaker of
    /// its own: set first, then clone.
    pub fn opens_after(self, calls: NonZeroU32) -> Self {
        Self::with(Settings {
            opens_after: calls,
            ..self.settings()
        })
    }

    /// How long the circuit stays open before the first probe.
    pub fn cool_down(self, cool_down: Duration) -> Self {
        Self::with(Settings {
            cool_down,
            ..self.settings()
        })
    }

    /// What no cool-down exceeds, the first included.
    pub fn longest_cool_down(self, longest_cool_down: Duration) -> Self {
        Self::with(Settings {
            longest_cool_down,
            ..self.settings()
        })
    }

    fn with(settings: Settings) -> Self {
        Self {
            circuit: Arc::new(Mutex::new(Circuit::new(settings))),
        }
    }

    fn settings(&self) -> Settings {
        let circuit = self.circuit.lock();
        circuit.unwrap_or_else(PoisonError::into_inner).settings()
    }
}

impl Default for CircuitBreaker {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings().fmt(formatter)
    }
}

impl<Inner> Layer<Inner> for CircuitBreaker {
    type Service = service::CircuitBreakerService<Inner>;

    fn layer(&self, inner: Inner) -> Self::Service {
        service::CircuitBreakerService {
            inner,
            circuit: Arc::clone(&self.circuit),
        }
    }
}
