//! The worker outside Lambda: long handlers, the end of the process, its sudden death.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use fanline::{Envelope, Event, Failure, Processor, State, Worker, dedup::Status};
use fanline_aws::Poller;
use fanline_testing::{MemoryStore, envelope};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{DLQ, FIFO, MINUTE, QUEUE, world::World};

/// Takes so many seconds.
#[derive(Serialize, Deserialize)]
struct Job {
    seconds: u64,
}

impl Event for Job {
    const TYPE: &'static str = "job.ordered";
}

/// How often each job was begun and done, and how many of one ran at once.
#[derive(Clone, Default)]
struct Log {
    begun: Arc<Mutex<Vec<String>>>,
    done: Arc<Mutex<Vec<String>>>,
    running: Arc<Mutex<BTreeMap<String, u32>>>,
}

struct Running<'a>(&'a Log, &'a str);

impl<'a> Running<'a> {
    fn new(log: &'a Log, id: &'a str) -> Self {
        log.begun.lock().unwrap().push(id.to_owned());
        let mut running = log.running.lock().unwrap();
        let count = running.entry(id.to_owned()).or_default();
        *count += 1;
        assert_eq!(*count, 1, "{id} runs twice at once");
        Self(log, id)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.0.running.lock().unwrap().get_mut(self.1).unwrap() -= 1;
    }
}

async fn work(event: Envelope<Job>, State(log): State<Log>) -> Result<(), Failure> {
    let _running = Running::new(&log, event.id());
    tokio::time::sleep(Duration::from_secs(event.data.seconds)).await;
    log.done.lock().unwrap().push(event.id().to_owned());
    Ok(())
}

impl World {
    async fn order(&self, queue: &str, id: &str, seconds: u64) {
        let body = envelope(Job::TYPE, id, json!({"seconds": seconds}));
        self.send_body(queue, body.to_string()).await;
    }

    fn worker(&self, log: &Log, store: &MemoryStore) -> Arc<Processor> {
        let worker = Worker::new(log.clone()).on(work);
        self.processor(worker, Arc::new(store.clone()))
    }
}

fn sorted(list: &Mutex<Vec<String>>) -> Vec<String> {
    let mut list = list.lock().unwrap().clone();
    list.sort();
    list
}

#[tokio::test(start_paused = true)]
async fn handler_of_ten_minutes_runs_once_beside_a_second_process() {
    let world = World::new().await;
    let (log, store) = (Log::default(), MemoryStore::default());
    world.order(QUEUE, "long", 600).await;
    world.order(QUEUE, "short", 1).await;
    let (first, second) = (world.worker(&log, &store), world.worker(&log, &store));
    tokio::join!(
        world.poll(&first, QUEUE, MINUTE * 15),
        world.poll(&second, QUEUE, MINUTE * 15),
    );
    assert_eq!(sorted(&log.begun), ["long", "short"]);
    assert_eq!(sorted(&log.done), ["long", "short"]);
    assert_eq!((world.depth(QUEUE).await, world.depth(DLQ).await), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn process_that_ends_finishes_what_it_can_and_gives_back_the_rest_at_once() {
    let world = World::new().await;
    let (log, store) = (Log::default(), MemoryStore::default());
    world.order(QUEUE, "short", 20).await;
    world.order(QUEUE, "long", 600).await;
    let worker = world.worker(&log, &store);
    let arrives_too_late = async {
        tokio::time::sleep(Duration::from_secs(15)).await;
        world.order(QUEUE, "late", 1).await;
    };
    tokio::join!(
        world.poll(&worker, QUEUE, Duration::from_secs(10)),
        arrives_too_late
    );
    let ended = world.elapsed();
    assert!(ended < Duration::from_secs(10 + 25), "{ended:?}");
    assert_eq!(sorted(&log.done), ["short"]);
    assert_eq!(sorted(&log.begun), ["long", "short"]);
    // The next process need not wait for any timeout.
    let next = world.worker(&log, &store);
    world.poll(&next, QUEUE, Duration::from_secs(620)).await;
    assert_eq!(sorted(&log.done), ["late", "long", "short"]);
    assert_eq!(world.depth(QUEUE).await, 0);
}

#[tokio::test(start_paused = true)]
async fn idle_process_ends_within_seconds() {
    let world = World::new().await;
    let worker = world.worker(&Log::default(), &MemoryStore::default());
    world.poll(&worker, QUEUE, Duration::from_secs(7)).await;
    assert!(
        world.elapsed() < Duration::from_secs(9),
        "{:?}",
        world.elapsed()
    );
}

/// Three processes at work, of which one after the other is killed at some moment and replaced.
#[tokio::test(start_paused = true)]
async fn processes_killed_at_any_moment_lose_nothing_and_run_nothing_twice_at_once() {
    for queue in [QUEUE, FIFO] {
        let world = World::new().await;
        let (log, store) = (Log::default(), MemoryStore::default());
        for number in 0..60 {
            world
                .order(queue, &format!("{number:02}"), number % 7)
                .await;
        }
        for round in 0..12_u64 {
            let workers: Vec<_> = (0..3).map(|_| world.worker(&log, &store)).collect();
            let [first, second, third] = &workers[..] else {
                unreachable!()
            };
            // Dropped in the middle of whatever they do.
            let killed = |worker, time| {
                let working = world.poll(worker, queue, MINUTE * 60);
                tokio::time::timeout(Duration::from_millis(time), working)
            };
            let (first, second, third) = tokio::join!(
                killed(first, 1_000 + 137 * round),
                killed(second, 5_003 + 811 * round),
                killed(third, 12_001 + 53 * round),
            );
            assert!(first.is_err() && second.is_err() && third.is_err());
        }
        let last = world.worker(&log, &store);
        world.poll(&last, queue, MINUTE * 30).await;
        let expected: Vec<String> = (0..60).map(|number| format!("{number:02}")).collect();
        let mut done = sorted(&log.done);
        done.dedup();
        assert_eq!(done, expected);
        assert_eq!(world.depth(queue).await, 0);
        let records = store.records();
        assert_eq!(records.len(), 60);
        assert!(records.values().all(|record| record.status == Status::Done));
        if queue == FIFO {
            // What was done first was begun in order, again and again from where a kill left it.
            let mut firsts = Vec::new();
            for id in log.done.lock().unwrap().iter() {
                if !firsts.contains(id) {
                    firsts.push(id.clone());
                }
            }
            assert_eq!(firsts, expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn queue_that_does_not_exist_is_an_error_that_says_what_to_do() {
    let world = World::new().await;
    let worker = world.worker(&Log::default(), &MemoryStore::default());
    let poller = Poller::new(worker, world.queue("nobodys-queue"));
    let error = poller.run_until(std::future::pending()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot receive from https://sqs.us-east-1.amazonaws.com/000000000000/nobodys-queue: \
         AWS.SimpleQueueService.NonExistentQueue: The specified queue does not exist.; \
         create the queue or correct FANLINE_QUEUE_URL and the region"
    );
}
