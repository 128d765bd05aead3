//! Half an hour without what every message needs, in Lambda and outside it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use fanline::{
    Event, Processor, System, Timestamp, Worker,
    dedup::{Claim, ClaimAnswer, DedupStore, SettleAnswer, Settlement},
    layers::CircuitBreaker,
};
use fanline_testing::{MemoryStore, VirtualSystem};
use futures_util::future::BoxFuture;

use crate::{
    App, DLQ, Fails, MINUTE, OrderPlaced, QUEUE, place,
    world::{Host, World},
};

const OUTAGE: Duration = Duration::from_secs(30 * 60);

/// Sends orders from before the outage until its end, and feeds the worker until long after.
async fn outlast(world: &World, processor: &Arc<Processor>, host: Host) {
    let sending = async {
        for number in 0..180 {
            world
                .send(QUEUE, OrderPlaced::TYPE, &format!("e-{number}"))
                .await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
    };
    tokio::join!(sending, world.work(processor, QUEUE, MINUTE * 180, host));
    assert_eq!((world.depth(QUEUE).await, world.depth(DLQ).await), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn dependency_that_is_down_for_half_an_hour_makes_no_dead_letters() {
    for host in [Host::Lambda, Host::Process] {
        let world = World::new().await;
        let app = App::new(&world, Fails::Until(world.system.now() + OUTAGE));
        let store = Arc::new(MemoryStore::default());
        let processor = world.processor(Worker::new(app.clone()).on(place), store);
        outlast(&world, &processor, host).await;
        assert_each_once(&app);
    }
}

/// A receive that an open breaker refuses counts all the same: the waits must make up for it.
#[tokio::test(start_paused = true)]
async fn breaker_spares_a_dependency_that_is_down_and_makes_no_dead_letters() {
    let world = World::new().await;
    let mut attempts = Vec::new();
    for with_breaker in [false, true] {
        let app = App::new(&world, Fails::Until(world.system.now() + OUTAGE));
        let worker = Worker::new(app.clone()).on(place);
        let worker = match with_breaker {
            true => worker.layer(CircuitBreaker::new()),
            false => worker,
        };
        let processor = world.processor(worker, Arc::new(MemoryStore::default()));
        outlast(&world, &processor, Host::Lambda).await;
        assert_each_once(&app);
        let by_event = app.attempts.lock().unwrap();
        attempts.push(by_event.values().map(Vec::len).sum::<usize>() - 180);
    }
    assert!(attempts[1] * 4 < attempts[0], "calls in vain: {attempts:?}");
}

fn assert_each_once(app: &App) {
    let effects = app.effects();
    let distinct: BTreeSet<_> = effects.iter().collect();
    assert_eq!((effects.len(), distinct.len()), (180, 180));
}

/// A dedup store that is down for a while.
struct Down {
    store: MemoryStore,
    system: Arc<VirtualSystem>,
    until: Timestamp,
    /// Whether callers get no answer at all, instead of an error.
    hangs: bool,
}

impl Down {
    fn is_down(&self) -> bool {
        self.system.now() < self.until
    }

    fn refuse<T: Clone + Send + 'static>(&self, answer: T, count: usize) -> BoxFuture<'_, Vec<T>> {
        match self.hangs {
            true => Box::pin(std::future::pending()),
            false => Box::pin(std::future::ready(vec![answer; count])),
        }
    }
}

impl DedupStore for Down {
    fn claim<'a>(&'a self, claims: &'a [Claim], now: Timestamp) -> BoxFuture<'a, Vec<ClaimAnswer>> {
        match self.is_down() {
            true => self.refuse(ClaimAnswer::Unavailable("down".to_owned()), claims.len()),
            false => self.store.claim(claims, now),
        }
    }

    fn settle<'a>(&'a self, settlements: &'a [Settlement]) -> BoxFuture<'a, Vec<SettleAnswer>> {
        match self.is_down() {
            true => self.refuse(
                SettleAnswer::Unavailable("down".to_owned()),
                settlements.len(),
            ),
            false => self.store.settle(settlements),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn dedup_table_that_is_down_for_half_an_hour_makes_no_dead_letters() {
    for (hangs, host) in [
        (false, Host::Lambda),
        (true, Host::Lambda),
        (false, Host::Process),
        (true, Host::Process),
    ] {
        let world = World::new().await;
        let app = App::new(&world, Fails::Never);
        let store = Down {
            store: MemoryStore::default(),
            system: Arc::clone(&world.system),
            until: world.system.now() + OUTAGE,
            hangs,
        };
        let processor = world.processor(Worker::new(app.clone()).on(place), Arc::new(store));
        outlast(&world, &processor, host).await;
        assert_each_once(&app);
    }
}
