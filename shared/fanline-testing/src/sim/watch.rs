//! A layer around a worker's handlers that tells the ledger when they run, and makes some of them slow or fail.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use fanline::{Call, Failure, HandlerService, System};
use futures_util::future::BoxFuture;
use tower::{Layer, Service, ServiceExt};

use super::{dice::Place, fault::Fault, world::World};

/// The layer, for one process.
#[derive(Clone)]
pub(super) struct Watch {
    pub(super) world: Arc<World>,
    pub(super) consumer: usize,
    /// Of the consumer.
    pub(super) name: Arc<str>,
    pub(super) process: Arc<str>,
    /// The process's own clock, by which it judges leases.
    pub(super) system: Arc<dyn System>,
}

impl Layer<HandlerService> for Watch {
    type Service = Watched;

    fn layer(&self, inner: HandlerService) -> Watched {
        Watched {
            watch: self.clone(),
            inner,
        }
    }
}

/// What the layer makes of a handler.
#[derive(Clone)]
pub(super) struct Watched {
    watch: Watch,
    inner: HandlerService,
}

impl Service<Call> for Watched {
    type Response = ();
    type Error = Failure;
    type Future = BoxFuture<'static, Result<(), Failure>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let Self { watch, inner } = self.clone();
        Box::pin(async move {
            let delivery = call.delivery();
            let (event, attempt) = (delivery.metadata().event_id.clone(), delivery.attempt());
            let mut run = Run::begin(&watch, event, delivery.event_type(), attempt);
            let result = watch.run(&run.event, inner.oneshot(call)).await;
            run.has_succeeded = result.is_ok();
            watch.world.note(
                &watch.process,
                &watch.process,
                [run.event.as_str()],
                || match &result {
                    Ok(()) => "handler succeeded".to_owned(),
                    Err(failure) => format!("handler failed: {failure}"),
                },
            );
            result
        })
    }
}

impl Watch {
    async fn run(
        &self,
        event: &str,
        handler: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Failure> {
        if let Some(is_hopeless) = self.world.poison(event) {
            return Err(if is_hopeless {
                Failure::reject("poison")
            } else {
                Failure::retry("poison")
            });
        }
        let slow = self.strikes(Fault::SlowHandler, event).map(|mut chance| {
            (
                chance.bool(),
                Duration::from_millis(chance.u64(500..60_000)),
            )
        });
        let fails = self
            .strikes(Fault::FailingHandler, event)
            .map(|mut chance| chance.bool());
        if let Some((true, time)) = slow {
            tokio::time::sleep(time).await;
        }
        if fails == Some(true) {
            return Err(Failure::retry("failed before its work"));
        }
        let result = handler.await;
        if let Some((false, time)) = slow {
            tokio::time::sleep(time).await;
        }
        if fails == Some(false) {
            return Err(Failure::retry("failed after its work"));
        }
        result
    }

    fn strikes(&self, fault: Fault, event: &str) -> Option<fastrand::Rng> {
        let place = Place::of(&["run", &self.name, event]);
        let chance = self.world.strikes(fault, place)?;
        self.world
            .note_fault(&self.process, &self.process, [event], || fault.to_string());
        Some(chance)
    }
}

/// A handler at work. Dropped, it is over.
struct Run<'a> {
    watch: &'a Watch,
    event: String,
    has_succeeded: bool,
}

impl<'a> Run<'a> {
    fn begin(watch: &'a Watch, event: String, event_type: &str, attempt: u32) -> Self {
        let Watch {
            world,
            consumer,
            process,
            system,
            ..
        } = watch;
        world.note(process, process, [event.as_str()], || {
            format!("handler begins, attempt {attempt}")
        });
        let mut ledger = world.ledger();
        ledger.at = world.elapsed();
        ledger.begin(*consumer, &event, event_type, process, system.now());
        Self {
            watch,
            event,
            has_succeeded: false,
        }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        let Watch {
            world,
            consumer,
            process,
            ..
        } = self.watch;
        world
            .ledger()
            .end(*consumer, &self.event, process, self.has_succeeded);
    }
}
