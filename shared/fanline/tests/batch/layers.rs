//! The fixed order around a handler: deadline, dedup, layers, panic capture, handler.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use fanline::{Call, Failure, Timestamp};
use tower::{Layer, Service};

use crate::world::{Act, World, leased_message, outcomes, standard};

type Log = Arc<Mutex<Vec<String>>>;

/// Notes what passes through it; panics on request.
#[derive(Clone)]
struct Noting {
    name: &'static str,
    log: Log,
    panics: bool,
}

#[derive(Clone)]
struct NotingService<S> {
    inner: S,
    layer: Noting,
}

impl<S> Layer<S> for Noting {
    type Service = NotingService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        NotingService {
            inner,
            layer: self.clone(),
        }
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

impl<S> Service<Call> for NotingService<S>
where
    S: Service<Call, Response = (), Error = Failure>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = Failure;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: Call) -> Answer {
        let Noting { name, log, panics } = self.layer.clone();
        let event_id = call.delivery().metadata().event_id.clone();
        let inner = self.inner.call(call);
        Box::pin(async move {
            assert!(!panics, "the layer has a bug");
            log.lock().unwrap().push(format!("{name} sees {event_id}"));
            let answer = inner.await;
            let text = answer
                .as_ref()
                .map_or_else(ToString::to_string, |()| "ok".to_owned());
            log.lock().unwrap().push(format!("{name} gets {text}"));
            answer
        })
    }
}

fn noting(name: &'static str, log: &Log, panics: bool) -> Noting {
    Noting {
        name,
        log: Arc::clone(log),
        panics,
    }
}

#[tokio::test(start_paused = true)]
async fn layers_stand_between_dedup_and_panic_capture() {
    let (world, log) = (World::new(), Log::default());
    let worker = world
        .worker()
        .layer(noting("inner", &log, false))
        .layer(noting("outer", &log, false));
    let processor = world.processor_with(worker, Arc::new(world.store.clone()));
    let message = leased_message("m-1", "e-1", Act::Panic);
    let report = world.process(&processor, standard(vec![message])).await;
    assert_eq!(outcomes(&report)[0].metric(), "retried");
    let failure = "gets handler panicked: a bug";
    let expected = [
        "outer sees e-1",
        "inner sees e-1",
        &format!("inner {failure}"),
        &format!("outer {failure}"),
    ];
    assert_eq!(*log.lock().unwrap(), expected);

    log.lock().unwrap().clear();
    let message = leased_message("m-2", "e-2", Act::Succeed);
    for expected in ["succeeded", "duplicate"] {
        let report = world
            .process(&processor, standard(vec![message.clone()]))
            .await;
        assert_eq!(outcomes(&report)[0].metric(), expected);
    }
    assert_eq!(log.lock().unwrap().len(), 4, "a duplicate reaches no layer");
}

#[tokio::test(start_paused = true)]
async fn layer_that_panics_fails_one_record_and_gives_its_lease_back() {
    let (world, log) = (World::new(), Log::default());
    let worker = world.worker().layer(noting("broken", &log, true));
    let processor = world.processor_with(worker, Arc::new(world.store.clone()));
    let message = leased_message("m-1", "e-1", Act::Succeed);
    let report = world.process(&processor, standard(vec![message])).await;
    assert_eq!(
        outcomes(&report)[0].to_string(),
        "retried: handler panicked: the layer has a bug"
    );
    assert_eq!(
        world.store.records()["consumer#e-1"].lease_until,
        Timestamp::UNIX_EPOCH
    );
}

/// Means that no retry can help.
#[derive(Debug)]
struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("gone")
    }
}

impl Error for Gone {}

/// An error that has another for its cause.
#[derive(Debug)]
struct Wrapped(Gone);

impl fmt::Display for Wrapped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not fetched")
    }
}

impl Error for Wrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn failures_are_mapped_between_the_layers_before_and_after() {
    let (world, log) = (World::new(), Log::default());
    let worker = world
        .worker()
        .layer(noting("before", &log, false))
        .map_failure(|_| Failure::retry(Wrapped(Gone)))
        .map_failure(|failure| match failure.downcast_ref::<Gone>() {
            Some(Gone) => Failure::reject(failure.into_cause()),
            None => failure,
        })
        .layer(noting("after", &log, false));
    let processor = world.processor_with(worker, Arc::new(world.store.clone()));
    let messages = vec![
        leased_message("m-1", "e-1", Act::Panic),
        leased_message("m-2", "e-2", Act::Succeed),
    ];
    let report = world.process(&processor, standard(messages)).await;
    let outcomes = outcomes(&report);
    let text = outcomes[0].to_string();
    assert!(
        text.ends_with("not fetched: gone") && !text.starts_with("retried"),
        "{text}"
    );
    assert_eq!(outcomes[1].metric(), "succeeded");
    let log = log.lock().unwrap();
    let of_failure: Vec<_> = log
        .iter()
        .filter(|line| line.contains("gets") && !line.contains("ok"))
        .collect();
    assert_eq!(
        of_failure,
        [
            "before gets handler panicked: a bug",
            "after gets not fetched: gone"
        ]
    );
}
