//! Retries, outages and the poller in virtual time, on the engine's SQS.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod outages;
mod poller;
mod world;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use fanline::{
    Attempt, Envelope, Event, Failure, State, System, Timestamp, Worker, dead_letter::Reason,
    dedup::Status,
};
use fanline_testing::{MemoryStore, VirtualSystem};
use serde::{Deserialize, Serialize};

use world::World;

const QUEUE: &str = "orders-queue";
const FIFO: &str = "orders-queue.fifo";
const DLQ: &str = "orders-dlq";
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Serialize, Deserialize)]
struct OrderPlaced {}

impl Event for OrderPlaced {
    const TYPE: &'static str = "order.placed";
}

/// A dependency that can be down, and what the handler did with it.
#[derive(Clone)]
struct App {
    system: Arc<VirtualSystem>,
    /// The handler fails as long as this says so.
    fails: Arc<Mutex<Fails>>,
    attempts: Arc<Mutex<BTreeMap<String, Vec<Duration>>>>,
    effects: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone, Copy)]
enum Fails {
    Never,
    Always,
    /// At the first so many attempts.
    First(u32),
    /// Down until then.
    Until(Timestamp),
}

impl App {
    fn new(world: &World, fails: Fails) -> Self {
        Self {
            system: Arc::clone(&world.system),
            fails: Arc::new(Mutex::new(fails)),
            attempts: Arc::default(),
            effects: Arc::default(),
        }
    }

    fn effects(&self) -> Vec<String> {
        self.effects.lock().unwrap().clone()
    }

    /// Waits between the attempts at an event.
    fn waits(&self, event_id: &str) -> Vec<Duration> {
        let attempts = self.attempts.lock().unwrap();
        let times = &attempts[event_id];
        times.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    fn now(&self) -> Duration {
        let elapsed = self.system.now().duration_since(Timestamp::UNIX_EPOCH);
        Duration::try_from(elapsed).unwrap()
    }
}

async fn place(
    event: Envelope<OrderPlaced>,
    State(app): State<App>,
    Attempt(attempt): Attempt,
) -> Result<(), Failure> {
    let now = app.now();
    let mut attempts = app.attempts.lock().unwrap();
    attempts.entry(event.id().to_owned()).or_default().push(now);
    match *app.fails.lock().unwrap() {
        Fails::Always => return Err(Failure::retry("no stock")),
        Fails::First(attempts) if attempt <= attempts => {
            return Err(Failure::retry("no stock yet"));
        }
        Fails::Until(end) if app.system.now() < end => {
            return Err(Failure::unavailable("warehouse does not answer"));
        }
        _ => {}
    }
    app.effects.lock().unwrap().push(event.id().to_owned());
    Ok(())
}

fn assert_within(waits: &[Duration], delays: &[u64]) {
    assert_eq!(waits.len(), delays.len(), "{waits:?}");
    for (wait, delay) in waits.iter().zip(delays) {
        // Received as soon as it is visible again.
        let longest = Duration::from_secs(*delay) + Duration::from_millis(100);
        assert!(
            *wait >= Duration::from_secs(1) && *wait <= longest,
            "{waits:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn handler_that_fails_twice_succeeds_at_the_third_attempt_after_the_planned_waits() {
    let world = World::new().await;
    let app = App::new(&world, Fails::First(2));
    let store = MemoryStore::default();
    let processor = world.processor(Worker::new(app.clone()).on(place), Arc::new(store.clone()));
    world.send(QUEUE, OrderPlaced::TYPE, "e-1").await;
    world.feed(&processor, QUEUE, MINUTE).await;
    assert_within(&app.waits("e-1"), &[1, 5]);
    assert_eq!(app.effects(), ["e-1"]);
    assert_eq!((world.depth(QUEUE).await, world.depth(DLQ).await), (0, 0));
    assert_eq!(store.records()["consumer#e-1"].status, Status::Done);
}

#[tokio::test(start_paused = true)]
async fn handler_that_always_fails_is_tried_five_times_and_comes_back_when_it_is_mended() {
    let world = World::new().await;
    let app = App::new(&world, Fails::Always);
    let store = Arc::new(MemoryStore::default());
    let processor = world.processor(Worker::new(app.clone()).on(place), store);
    world.send(QUEUE, OrderPlaced::TYPE, "e-1").await;
    world.feed(&processor, QUEUE, MINUTE * 10).await;
    assert_within(&app.waits("e-1"), &[1, 5, 30, 300]);
    assert_eq!((world.depth(QUEUE).await, world.depth(DLQ).await), (0, 1));
    let (letter, note) = world.take_dead_letters(DLQ).await.remove(0);
    assert_eq!(note.reason, Reason::AttemptsUsedUp);
    assert_eq!((note.error.as_str(), note.attempts), ("no stock", 5));
    assert_eq!(note.event_id.as_deref(), Some("e-1"));

    // Mended and sent back it succeeds; sent back once more it is recognised.
    *app.fails.lock().unwrap() = Fails::Never;
    for _ in 0..2 {
        world.send_body(QUEUE, letter.body.clone()).await;
        world.feed(&processor, QUEUE, MINUTE).await;
        assert_eq!(app.effects(), ["e-1"]);
        assert_eq!((world.depth(QUEUE).await, world.depth(DLQ).await), (0, 0));
    }
}

/// Good messages behind a bad one of their group lose neither their order nor their attempts.
#[tokio::test(start_paused = true)]
async fn fifo_group_waits_for_its_head_and_goes_on_behind_its_dead_letter() {
    let world = World::new().await;
    let app = App::new(&world, Fails::First(2));
    let processor = world.processor(
        Worker::new(app.clone()).on(place),
        Arc::new(MemoryStore::default()),
    );
    world.send_body(FIFO, "no JSON".to_owned()).await;
    for number in 1..=3 {
        world
            .send(FIFO, OrderPlaced::TYPE, &format!("e-{number}"))
            .await;
    }
    world.feed(&processor, FIFO, MINUTE * 10).await;
    assert_eq!(app.effects(), ["e-1", "e-2", "e-3"]);
    assert_eq!(world.depth(FIFO).await, 0);
    let letters = world.take_dead_letters("orders-dlq.fifo").await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].0.group.as_deref(), Some("group-1"));
    assert_eq!(
        (letters[0].1.reason, letters[0].1.attempts),
        (Reason::Rejected, 1)
    );
}
