//! The breaker as a tower service: asks the circuit, runs the call, tells how it ended.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use futures_util::future::{BoxFuture, ready};
use tower::Service;

use super::{
    super::rate_limit::NoToken,
    circuit::{Change, Circuit, Ending, Outage, Ticket},
};
use crate::{Call, Failure, System};

/// What [`CircuitBreaker`](super::CircuitBreaker) makes of what it wraps.
#[derive(Clone, Debug)]
pub struct CircuitBreakerService<Inner> {
    pub(super) inner: Inner,
    pub(super) circuit: Arc<Mutex<Circuit>>,
}

impl<Inner> Service<Call> for CircuitBreakerService<Inner>
where
    Inner: Service<Call, Response = (), Error = Failure>,
    Inner::Future: Send + 'static,
{
    type Response = ();
    type Error = Failure;
    type Future = BoxFuture<'static, Result<(), Failure>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let system = Arc::clone(&call.delivery.system);
        let admitted = lock(&self.circuit).admit(system.now());
        let ticket = match admitted {
            Ok(ticket) => ticket,
            Err(outage) => return Box::pin(ready(Err(refusal(&outage)))),
        };
        // Before the call, whose first lines may panic too.
        let passage = Passage {
            circuit: Arc::clone(&self.circuit),
            system,
            ticket: Some(ticket),
        };
        let running = self.inner.call(call);
        Box::pin(async move {
            let answer = running.await;
            passage.end(ending(&answer));
            answer
        })
    }
}

/// A call under way. Dropped before its end, it gives its ticket back: a circuit waits for its probe.
struct Passage {
    circuit: Arc<Mutex<Circuit>>,
    system: Arc<dyn System>,
    ticket: Option<Ticket>,
}

impl Passage {
    fn end(mut self, ending: Ending) {
        self.settle(ending);
    }

    fn settle(&mut self, ending: Ending) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        let (now, random) = (self.system.now(), self.system.random());
        let cause = match &ending {
            Ending::Unavailable(cause) => cause.clone(),
            Ending::Answered | Ending::Unknown => String::new(),
        };
        let change = lock(&self.circuit).end(ticket, ending, now, random);
        match change {
            Some(Change::Opened { until }) => tracing::warn!(%until, cause, "circuit opened"),
            Some(Change::Closed) => tracing::info!("circuit closed"),
            None => {}
        }
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        self.settle(Ending::Unknown);
    }
}

fn ending(answer: &Result<(), Failure>) -> Ending {
    match answer {
        // A rate limit inside the breaker stopped it on the way.
        Err(failure) if failure.downcast_ref::<NoToken>().is_some() => Ending::Unknown,
        Err(failure) if failure.is_unavailable() => Ending::Unavailable(failure.to_string()),
        Ok(()) | Err(_) => Ending::Answered,
    }
}

fn refusal(outage: &Outage) -> Failure {
    let Outage { since, cause, .. } = outage;
    Failure::unavailable(format!("circuit open since {since}; {cause}"))
}

// Nothing inside leaves it half changed.
fn lock(circuit: &Mutex<Circuit>) -> MutexGuard<'_, Circuit> {
    circuit.lock().unwrap_or_else(PoisonError::into_inner)
}
