//! One run: a seed, perhaps with only some of its events and faults, and what came of it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle as Runtime},
    time::sleep,
};

use super::{
    cloud::{Cloud, QueueSettings},
    dice::{Dice, Place},
    fault::Fault,
    handle::Handle,
    host::{Host, Hosting},
    injector::{FaultId, Injected, Injector},
    ledger::{Consumer, Counts, Ledger, event_in},
    property::{Property, Violation},
    simulation::{End, Simulation},
    timeline::Timeline,
    trace::Traces,
    world::World,
};

/// Which run it is. The same course gives the same run, step by step.
#[derive(Clone, Debug, Default)]
pub(super) struct Course {
    pub(super) seed: u64,
    /// If set, only these events are published.
    pub(super) events: Option<Arc<BTreeSet<usize>>>,
    /// If set, only these faults strike.
    pub(super) faults: Option<Arc<BTreeSet<FaultId>>>,
    pub(super) with_timeline: bool,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it broke, the first first.
    pub violations: Vec<Violation>,
    /// What went wrong in it.
    pub faults: Vec<Injected>,
    /// How much happened.
    pub counts: Counts,
    /// Virtual time that it took.
    pub simulated: Duration,
    /// What happened; empty unless asked for.
    pub timeline: Timeline,
    pub(super) traces: Traces,
}

/// Faults strike until so long after the last event.
const AFTERWARDS: Duration = Duration::from_secs(30 * 60);

/// By then everything has come to rest: five attempts with an outage's waits take an hour and a half, a delivery after
/// deletion may begin them again.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What is drawn for each run besides its faults.
struct Shape {
    hosting: Vec<Hosting>,
    receives: u32,
}

impl<App: Send + Sync + 'static> Simulation<App> {
    /// One run, with its timeline.
    pub fn run(&self, seed: u64) -> Run {
        self.follow(&Course {
            seed,
            with_timeline: true,
            ..Course::default()
        })
    }

    /// One run without a timeline: several times as fast.
    pub fn try_seed(&self, seed: u64) -> Run {
        self.follow(&Course {
            seed,
            ..Course::default()
        })
    }

    pub(super) fn follow(&self, course: &Course) -> Run {
        if Runtime::try_current().is_err() {
            return self.follow_here(course);
        }
        // A test's own runtime must not be the world's: its time is another.
        std::thread::scope(|threads| {
            let run = threads.spawn(|| self.follow_here(course)).join();
            run.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn follow_here(&self, course: &Course) -> Run {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        let runtime = runtime.expect("a runtime needs only memory");
        runtime.block_on(self.follow_inside(course))
    }

    async fn follow_inside(&self, course: &Course) -> Run {
        let dice = Dice::new(course.seed);
        let mut injector = Injector::new(
            dice,
            self.faults.clone(),
            course.faults.clone(),
            self.stretch + AFTERWARDS,
        );
        let shape = self.shape(dice);
        let consumers = self.consumers.iter().map(|consumer| Consumer {
            name: consumer.name.to_string(),
            handlers: consumer.handlers.clone(),
            receives: shape.receives,
            has_business_keys: false,
        });
        let ledger = Ledger::new(consumers.collect(), self.is_fifo);
        let any_order = injector
            .strikes(Fault::AnyOrder, Place::of(&["queues"]), Duration::ZERO)
            .is_some();
        let cloud = Cloud::new(course.seed, self.is_fifo, any_order && !self.is_fifo);
        let world = Arc::new(World::new(
            dice,
            injector,
            ledger,
            cloud,
            course.with_timeline,
        ));
        self.create(&world, &shape);
        let wants = self.consumers.iter().map(|it| Arc::clone(&it.wants) as _);
        let handle = Handle::new(Arc::clone(&world), wants.collect());
        let app = Arc::new((self.app)(&handle));
        let store = (self.store)(&app, &handle);
        #[cfg(feature = "broken")]
        let store = super::broken::shared_store(self.broken, store);
        let processes = self.processes.iter().map(|process| {
            let (process, world) = (process.clone(), Arc::clone(&world));
            tokio::spawn(process.run(world, Arc::clone(&app), handle.clone()))
        });
        let processes: Vec<_> = processes.collect();
        let hosts: Vec<_> = self
            .consumers
            .iter()
            .enumerate()
            .map(|(index, consumer)| {
                let (make, app) = (Arc::clone(&consumer.make), Arc::clone(&app));
                let host = Host {
                    world: Arc::clone(&world),
                    consumer: index,
                    name: Arc::clone(&consumer.name),
                    is_fifo: self.is_fifo,
                    hosting: shape.hosting[index],
                    store: Arc::clone(&store),
                    make: Arc::new(move |store, system, watch| {
                        let processor = make(&app, store, system, Some(watch));
                        Arc::new(processor.expect("was valid when it was added"))
                    }),
                    idle: Mutex::default(),
                    #[cfg(feature = "broken")]
                    broken: self.broken,
                };
                tokio::spawn(Arc::new(host).run())
            })
            .collect();
        let commands = self.command(&world, course, &app, &handle);
        tokio::join!(self.publish(&world, course), commands);
        self.wait_for_rest(&world, &app).await;
        let tasks = hosts.iter().chain(&processes);
        tasks.for_each(tokio::task::JoinHandle::abort);
        self.close(&world, &app);
        let (violations, counts, traces) = {
            let ledger = world.ledger();
            let traces = course.with_timeline.then(|| ledger.traces());
            let traces = traces.unwrap_or_default();
            (ledger.violations.clone(), ledger.counts, traces)
        };
        let faults = world.injector().injected().to_vec();
        Run {
            violations,
            faults,
            counts,
            simulated: world.elapsed(),
            timeline: world.take_timeline(),
            traces,
        }
    }

    fn shape(&self, dice: Dice) -> Shape {
        if let Some(fixed) = self.fixed {
            return Shape {
                hosting: vec![fixed.hosting(); self.consumers.len()],
                receives: fixed.receives,
            };
        }
        let mut chance = dice.at(Place::of(&["shape"]), 0);
        let hosting = self.consumers.iter().map(|_| {
            let timeout = Duration::from_secs(chance.u64(10..=60));
            Hosting {
                batch_size: chance.usize(1..=10),
                window: if self.is_fifo || chance.bool() {
                    Duration::ZERO
                } else {
                    Duration::from_secs(chance.u64(1..5))
                },
                concurrency: chance.usize(1..=5),
                timeout,
                polls: chance.u8(..4) == 0 && self.may_poll,
                begins: Duration::ZERO,
                lost_receives: 0,
            }
        });
        let hosting = hosting.collect();
        let attempts = self
            .consumers
            .iter()
            .flat_map(|consumer| consumer.handlers.values());
        let attempts = attempts.map(|(_, attempts)| *attempts).max().unwrap_or(5);
        // At least what the plan needs, as the template has it.
        let receives = attempts
            + if chance.u8(..4) == 0 {
                chance.u32(1..4)
            } else {
                0
            };
        Shape { hosting, receives }
    }

    fn create(&self, world: &World, shape: &Shape) {
        world.cloud.create_topic(world.now());
        for (consumer, hosting) in self.consumers.iter().zip(&shape.hosting) {
            let settings = QueueSettings {
                name: consumer.name.to_string(),
                // Six times the function's timeout, as AWS advises.
                visibility_seconds: hosting.timeout.as_secs() * 6,
                receives: shape.receives,
                filter_policy: consumer.filter_policy.0.clone(),
                filters_bodies: consumer.filter_policy.1,
            };
            world.cloud.create_queue(world.now(), &settings);
        }
    }

    /// Returns when the queues are empty, a promise was broken, or time is over.
    async fn wait_for_rest(&self, world: &World, app: &Arc<App>) {
        let mut empty_looks = 0;
        let mut to_do = None;
        while world.elapsed() < LONGEST {
            if !world.ledger().violations.is_empty() {
                return;
            }
            let names = self.consumers.iter().map(|consumer| &consumer.name);
            let depths: usize = names.map(|name| world.cloud.depth(world.now(), name)).sum();
            to_do = match &self.rest {
                Some(rest) => rest(Arc::clone(app)).await,
                None => None,
            };
            empty_looks = if depths == 0 && to_do.is_none() {
                empty_looks + 1
            } else {
                0
            };
            // A request may still be on its way, and the end of an invocation that it belongs to.
            if empty_looks > 2 {
                return;
            }
            sleep(Duration::from_secs(60)).await;
        }
        let left: Vec<_> = self
            .consumers
            .iter()
            .map(|consumer| {
                (
                    &consumer.name,
                    world.cloud.depth(world.now(), &consumer.name),
                )
            })
            .collect();
        let mut ledger = world.ledger();
        ledger.at = world.elapsed();
        ledger.violate(
            Property::ComesToRest,
            None,
            format!(
                "after {} h there are still messages: {left:?}{}{}",
                LONGEST.as_secs() / 3600,
                if to_do.is_some() { "; " } else { "" },
                to_do.unwrap_or_default()
            ),
        );
    }

    fn close(&self, world: &World, app: &App) {
        let now = world.timestamp();
        for (index, consumer) in self.consumers.iter().enumerate() {
            for letter in world.cloud.take_dead_letters(world.now(), &consumer.name) {
                let (_, note) = fanline::dead_letter::unpack(letter.attributes.clone());
                world
                    .ledger()
                    .find_letter(index, &letter, event_in(&letter.body), note.as_ref());
            }
        }
        let mut ledger = world.ledger();
        ledger.at = world.elapsed();
        if !ledger.violations.is_empty() {
            return;
        }
        ledger.close(now);
        let by_consumer = |of: fn(&Ledger, usize) -> BTreeSet<String>| {
            let names = self.consumers.iter().enumerate();
            names
                .map(|(index, consumer)| (consumer.name.to_string(), of(&ledger, index)))
                .collect()
        };
        let end = End {
            handled: by_consumer(Ledger::handled),
            dead_letters: by_consumer(Ledger::given_up),
            accepted: ledger.accepted(),
        };
        let Some(check) = &self.check else { return };
        if let Err(text) = check(app, &end) {
            // A check that names an event gets its story told.
            let named = end
                .accepted
                .iter()
                .find(|event| text.contains(*event))
                .cloned();
            ledger.violate(Property::Application, named.as_deref(), text);
        }
    }
}
