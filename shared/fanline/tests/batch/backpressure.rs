//! The layers that protect what handlers call, in the whole pipeline.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fanline::{
    Failure, Message, Processor, System, Timestamp, Worker,
    layers::{CircuitBreaker, RateLimit},
};
use fanline_testing::ManualSystem;
use tokio::time::{Instant, timeout};

use crate::world::{Act, INVOCATION, Journal, World, leased_message, outcomes, standard};

/// A clock that goes with tokio's, which tests hold.
struct TokioTime {
    started: Instant,
    at_start: ManualSystem,
}

impl TokioTime {
    fn new() -> Self {
        Self {
            started: Instant::now(),
            at_start: ManualSystem::default(),
        }
    }
}

impl System for TokioTime {
    fn now(&self) -> Timestamp {
        self.at_start.now() + self.started.elapsed()
    }

    fn random(&self) -> u128 {
        self.at_start.random()
    }
}

/// A worker of [`World`] in virtual time.
struct Timed {
    world: World,
    system: Arc<TokioTime>,
    processor: Processor,
}

impl Timed {
    fn new(wrap: impl FnOnce(Worker<Journal>) -> Worker<Journal>) -> Self {
        let world = World::new();
        let system = Arc::new(TokioTime::new());
        let store = Arc::new(world.store.clone());
        let worker = wrap(world.worker());
        let processor = Processor::new(worker, "consumer", store, Arc::clone(&system) as _);
        Self {
            world,
            system,
            processor: processor.unwrap(),
        }
    }

    /// One batch, and what became of each record.
    async fn process(&self, messages: Vec<Message>) -> Vec<String> {
        let deadline = self.system.now() + INVOCATION;
        let batch = standard(messages);
        let report = self
            .processor
            .process(batch, &fanline::NoQueue, deadline)
            .await
            .unwrap();
        outcomes(&report).iter().map(ToString::to_string).collect()
    }

    fn starts(&self) -> Vec<String> {
        self.world.journal.starts.lock().unwrap().clone()
    }
}

fn messages(name: &str, count: usize, act: Act) -> Vec<Message> {
    let ids = (1..=count).map(|number| format!("{name}-{number}"));
    ids.map(|id| leased_message(&format!("m-{id}"), &id, act))
        .collect()
}

/// Failures of this worker's handlers mean that what they call is down.
fn breaking(worker: Worker<Journal>) -> Worker<Journal> {
    worker
        .map_failure(|failure| match failure.is_reject() {
            true => failure,
            false => Failure::unavailable(failure.into_cause()),
        })
        .layer(CircuitBreaker::new())
}

const REFUSED: &str = "circuit open since 2026-02-14T10:30:00Z; did not work";

#[tokio::test(start_paused = true)]
async fn breaker_opens_and_records_are_not_run_until_a_probe_closes_it() {
    let timed = Timed::new(breaking);
    let report = timed.process(messages("first", 10, Act::Fail)).await;
    // All ten were under way together before the fifth had failed.
    assert_eq!(timed.starts().len(), 10);
    assert!(report.iter().all(|text| !text.contains("circuit")));

    let report = timed.process(messages("open", 10, Act::Succeed)).await;
    assert!(
        report.iter().all(|text| text.ends_with(REFUSED)),
        "{report:?}"
    );
    assert_eq!(timed.starts().len(), 10, "none was run");

    tokio::time::sleep(Duration::from_secs(30)).await;
    let report = timed.process(messages("probe", 3, Act::TakeASecond)).await;
    let [probe, others @ ..] = &report[..] else {
        panic!("expected three outcomes")
    };
    assert_eq!(probe, "succeeded");
    assert!(
        others.iter().all(|text| text.ends_with(REFUSED)),
        "{others:?}"
    );

    let report = timed.process(messages("closed", 10, Act::Succeed)).await;
    assert!(report.iter().all(|text| text == "succeeded"));
}

#[tokio::test(start_paused = true)]
async fn failed_probe_opens_the_breaker_again() {
    let timed = Timed::new(breaking);
    timed.process(messages("first", 5, Act::Fail)).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    timed.process(messages("probe", 1, Act::Fail)).await;
    let report = timed.process(messages("open", 1, Act::Succeed)).await;
    assert!(report[0].ends_with(REFUSED));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let report = timed.process(messages("closed", 1, Act::Reject)).await;
    assert!(report[0].ends_with("will never work"));
    let report = timed.process(messages("after", 1, Act::Succeed)).await;
    assert_eq!(report, ["succeeded"], "a rejection is an answer");
}

#[tokio::test(start_paused = true)]
async fn probe_that_hangs_until_the_deadline_does_not_block_the_next() {
    let timed = Timed::new(breaking);
    timed.process(messages("first", 5, Act::Fail)).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let report = timed.process(messages("hang", 1, Act::Hang)).await;
    assert!(report[0].contains("deadline"));
    tokio::time::sleep(Duration::from_secs(30)).await;
    let report = timed.process(messages("next", 1, Act::Succeed)).await;
    assert_eq!(report, ["succeeded"]);
}

#[tokio::test(start_paused = true)]
async fn probe_that_panics_in_a_layer_does_not_block_the_next() {
    let broken = Arc::new(AtomicBool::new(false));
    let panics = Arc::clone(&broken);
    let timed = Timed::new(|worker| {
        breaking(worker.map_failure(move |failure| {
            assert!(!panics.load(Ordering::SeqCst), "the layer has a bug");
            failure
        }))
    });
    timed.process(messages("first", 5, Act::Fail)).await;
    broken.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(30)).await;
    let report = timed.process(messages("panic", 1, Act::Fail)).await;
    assert!(report[0].contains("bug"), "{report:?}");
    tokio::time::sleep(Duration::from_secs(30)).await;
    let report = timed.process(messages("next", 1, Act::Succeed)).await;
    assert_eq!(report, ["succeeded"]);
}

#[tokio::test(start_paused = true)]
async fn probe_that_the_rate_limit_stops_does_not_close_the_breaker() {
    let limit = RateLimit::per_minute(NonZeroU32::MIN).burst(NonZeroU32::new(5).unwrap());
    let timed = Timed::new(|worker| breaking(worker.layer(limit)));
    timed.process(messages("first", 5, Act::Fail)).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let report = timed.process(messages("probe", 1, Act::Succeed)).await;
    assert!(report[0].contains("rate limit"));
    let report = timed.process(messages("open", 1, Act::Succeed)).await;
    assert!(report[0].ends_with(REFUSED));
}

const TWO: NonZeroU32 = NonZeroU32::new(2).unwrap();

#[tokio::test(start_paused = true)]
async fn calls_wait_for_their_token_in_order_of_arrival() {
    let timed = Timed::new(|worker| worker.layer(RateLimit::per_second(TWO)));
    let began = Instant::now();
    let report = timed.process(messages("e", 9, Act::Succeed)).await;
    assert!(report.iter().all(|text| text == "succeeded"));
    let took = began.elapsed();
    let expected = Duration::from_secs(4)..Duration::from_millis(4100);
    assert!(expected.contains(&took), "took {took:?}");
    let order: Vec<_> = (1..=9).map(|number| format!("e-{number}")).collect();
    assert_eq!(timed.starts(), order);
}

#[tokio::test(start_paused = true)]
async fn call_whose_token_comes_after_the_deadline_is_sent_back_at_once() {
    let limit = RateLimit::per_minute(NonZeroU32::MIN);
    let timed = Timed::new(|worker| worker.layer(limit));
    let began = Instant::now();
    let report = timed.process(messages("e", 2, Act::Succeed)).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(report[0], "succeeded");
    let reason = "rate limit: the next token comes in 60.0 s, too late for this invocation";
    assert!(report[1].ends_with(reason), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn waiters_that_are_dropped_leave_their_tokens_to_others() {
    let timed = Timed::new(|worker| worker.layer(RateLimit::per_second(NonZeroU32::MIN)));
    let crowd = timed.process(messages("crowd", 9, Act::Succeed));
    let _dropped = timeout(Duration::from_millis(1500), crowd).await;
    assert_eq!(timed.starts(), ["crowd-1", "crowd-2"]);
    let began = Instant::now();
    timed.process(messages("next", 1, Act::Succeed)).await;
    assert!(
        began.elapsed() < Duration::from_millis(510),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn rate_limit_goes_on_where_the_clock_stands_still() {
    let world = World::new();
    let worker = world.worker().layer(RateLimit::per_second(TWO));
    let processor = world.processor_with(worker, Arc::new(world.store.clone()));
    let batch = standard(messages("e", 5, Act::Succeed));
    let report = world.process(&processor, batch).await;
    assert!(
        outcomes(&report)
            .iter()
            .all(|outcome| outcome.metric() == "succeeded")
    );
}
