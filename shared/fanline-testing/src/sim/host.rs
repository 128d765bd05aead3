//! Where workers run: behind an event source mapping as in Lambda, or in processes that poll.
//!
//! The mapping follows AWS's documentation of partial batch responses: what an answer does not name is deleted, without an
//! answer nothing is. The one thing to get wrong: knowing more than Lambda does of an invocation that came to no end.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use fanline::{Message, Outcome, Processor, System, dedup::DedupStore};
use futures_util::future::BoxFuture;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout},
};

use super::{
    cloud::Received,
    dice::Place,
    fault::Fault,
    ledger::event_in,
    network::{Call, Service},
    process::{Ended, Process},
    queue::refused,
    watch::Watch,
    world::{World, lock},
};

/// For how long processes that poll receive messages.
pub(super) const VISIBILITY: Duration = Duration::from_secs(60);

/// How a worker is hosted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hosting {
    pub(super) batch_size: usize,
    /// How long a batch is gathered.
    pub(super) window: Duration,
    /// Invocations, or processes, at once.
    pub(super) concurrency: usize,
    /// Of an invocation.
    pub(super) timeout: Duration,
    /// Whether it polls in processes of its own.
    pub(super) polls: bool,
    /// For so long nobody receives.
    pub(super) begins: Duration,
    /// An invocation is lost in which no message was received more often.
    pub(super) lost_receives: u32,
}

/// Makes the worker of a new process.
pub(super) type MakeProcessor =
    dyn Fn(Arc<dyn DedupStore>, Arc<dyn System>, Watch) -> Arc<Processor> + Send + Sync;

pub(super) struct Host {
    pub(super) world: Arc<World>,
    pub(super) consumer: usize,
    pub(super) name: Arc<str>,
    pub(super) is_fifo: bool,
    pub(super) hosting: Hosting,
    pub(super) store: Arc<dyn DedupStore>,
    pub(super) make: Arc<MakeProcessor>,
    /// Started, and without work.
    pub(super) idle: Mutex<Vec<Process>>,
    #[cfg(feature = "broken")]
    pub(super) broken: Option<super::Broken>,
}

impl Host {
    /// Hands messages to the worker, for ever.
    pub(super) async fn run(self: Arc<Self>) {
        let slots = Arc::new(Semaphore::new(self.hosting.concurrency));
        if !self.hosting.begins.is_zero() {
            sleep(self.hosting.begins).await;
        }
        while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
            let messages = self.gather().await;
            tokio::spawn(Arc::clone(&self).handle(messages, slot));
        }
    }

    async fn handle(self: Arc<Self>, messages: Vec<Message>, _slot: OwnedSemaphorePermit) {
        let process = self.take_process();
        process.trouble.forget();
        if self
            .world
            .strikes(Fault::Redeploy, self.place("redeploy", messages.first()))
            .is_some()
        {
            self.world.note_fault(&self.name, &process.name, [], || {
                "all processes are being replaced".to_owned()
            });
            self.world.redeploy();
        }
        if self.loses(&messages) {
            sleep(self.hosting.timeout).await;
            self.world.ledger().lose_process(&process.name);
            self.world.note_fault(&process.name, &process.name, [], || {
                "ended without an answer".to_owned()
            });
            return;
        }
        let Ended::Answered(report) = process.invoke(&self, messages.clone()).await else {
            return;
        };
        let failures: BTreeSet<&str> = report.failures().collect();
        let mut handled = Vec::new();
        {
            let mut ledger = self.world.ledger();
            ledger.at = self.world.elapsed();
            // By place: a batch may have a message twice.
            for (message, (id, outcome)) in messages.iter().zip(report.outcomes()) {
                ledger.report(
                    self.consumer,
                    &process.name,
                    message,
                    outcome,
                    &process.trouble,
                );
                self.world
                    .note(&process.name, &self.name, event_in(&message.body), || {
                        format!("reports {}: {outcome}", short(id))
                    });
                // What is named as failed stays, whatever else is said of it.
                if !failures.contains(id) {
                    handled.push((message.clone(), outcome.clone()));
                }
            }
            ledger.end_invocation(&process.name, &process.trouble);
        }
        self.delete(handled).await;
        if process.deployment == self.world.deployment() {
            lock(&self.idle).push(process);
        }
    }

    /// Whether the invocation is to end without a word, before it has begun.
    fn loses(&self, messages: &[Message]) -> bool {
        messages
            .iter()
            .all(|message| message.receive_count <= self.hosting.lost_receives)
    }

    /// The next batch; waits until there is something.
    async fn gather(&self) -> Vec<Message> {
        let mut batch = Vec::new();
        let mut window_end = None;
        loop {
            let mut changed = Box::pin(self.world.cloud.changed());
            changed.as_mut().enable();
            let Received {
                messages,
                next_visible,
            } = self.receive(self.hosting.batch_size - batch.len()).await;
            batch.extend(messages);
            let now = Instant::now();
            let end = if batch.is_empty() {
                None
            } else {
                Some(*window_end.get_or_insert(now + self.hosting.window))
            };
            if batch.len() == self.hosting.batch_size || end.is_some_and(|end| end <= now) {
                return batch;
            }
            let until_visible = next_visible
                .map(|at| Duration::from_millis(at.saturating_sub(self.world.now()).max(1)));
            let until_end = end.map(|end| end - now);
            let wait = until_visible.into_iter().chain(until_end).min();
            match wait {
                Some(wait) => drop(timeout(wait, changed).await),
                None => changed.await,
            }
        }
    }

    async fn receive(&self, most: usize) -> Received {
        let world = &self.world;
        if let Some(mut chance) = world.strikes(Fault::SlowConsumer, self.place("receive", None)) {
            let pause = Duration::from_secs(chance.u64(60..900));
            world.note_fault(&self.name, &self.name, [], || {
                format!("nobody receives for {} s", pause.as_secs())
            });
            sleep(pause).await;
        }
        while world.outage(Service::Queue).is_some() {
            sleep(Duration::from_secs(5)).await;
        }
        let visibility = self.hosting.polls.then_some(VISIBILITY.as_secs());
        let mut received =
            world
                .cloud
                .receive(world.now(), &self.name, most.clamp(1, 10), visibility);
        for message in &received.messages {
            let event = event_in(&message.body);
            let mut ledger = world.ledger();
            ledger.at = world.elapsed();
            ledger.receive(self.consumer, message, event);
            drop(ledger);
            world.note(&self.name, &self.name, event, || {
                format!(
                    "{} received, receive {}",
                    short(&message.id),
                    message.receive_count
                )
            });
        }
        let place = self.place("receive", received.messages.first());
        if !received.messages.is_empty() && world.strikes(Fault::LostResponse, place).is_some() {
            let events: Vec<_> = received
                .messages
                .iter()
                .filter_map(|message| event_in(&message.body))
                .collect();
            world.note_fault(&self.name, &self.name, events, || {
                "response of the receive lost".to_owned()
            });
            received.messages.clear();
        }
        if !self.is_fifo {
            for message in &received.messages {
                if let Some(mut chance) = world.strikes(
                    Fault::DuplicateDelivery,
                    self.place("receive", Some(message)),
                ) {
                    world.note_fault(&self.name, &self.name, event_in(&message.body), || {
                        format!("{} is delivered twice", short(&message.id))
                    });
                    world.cloud.change_visibility(
                        world.now(),
                        &self.name,
                        &message.receipt_handle,
                        chance.u64(0..4),
                    );
                }
            }
        }
        received
    }

    /// Where something is decided about a message, or about all if there is none.
    pub(super) fn place(&self, what: &str, message: Option<&Message>) -> Place {
        let event = message.and_then(|message| event_in(&message.body));
        Place::of(&[&self.name, what, event.unwrap_or_default()])
    }

    fn take_process(self: &Arc<Self>) -> Process {
        let current = self.world.deployment();
        let mut idle = lock(&self.idle);
        idle.retain(|process| process.deployment == current);
        let waiting = idle.pop();
        drop(idle);
        waiting.unwrap_or_else(|| Process::start(self, current))
    }

    /// Deletes what was handled, as a mapping does: without asking twice.
    async fn delete(self: &Arc<Self>, handled: Vec<(Message, Outcome)>) {
        if handled.is_empty() {
            return;
        }
        let entries = handled.len();
        let events = handled
            .iter()
            .filter_map(|(message, _)| event_in(&message.body))
            .collect();
        let call = Call {
            from: &self.name,
            service: Service::Queue,
            what: "delete",
            events,
            trouble: None,
        };
        let (host, owned) = (Arc::clone(self), handled.clone());
        let effect = move || {
            Box::pin(async move {
                for (message, outcome) in &owned {
                    host.delete_now(message, outcome);
                }
                vec![Ok(()); owned.len()]
            }) as BoxFuture<'static, _>
        };
        let _without_an_answer_it_comes_back = timeout(
            Duration::from_secs(30),
            self.world.call(call, effect, refused(entries)),
        )
        .await;
    }

    fn delete_now(&self, message: &Message, outcome: &Outcome) {
        let (world, event) = (&self.world, event_in(&message.body));
        let mut ledger = world.ledger();
        ledger.at = world.elapsed();
        ledger.delete(self.consumer, message, outcome);
        drop(ledger);
        let returns = (!self.is_fifo)
            .then(|| {
                world.strikes(
                    Fault::DeliveryAfterDeletion,
                    self.place("delete", Some(message)),
                )
            })
            .flatten();
        if let Some(mut chance) = returns {
            world.note_fault(&self.name, &self.name, event, || {
                format!("{} is deleted and turns up again", short(&message.id))
            });
            world.cloud.change_visibility(
                world.now(),
                &self.name,
                &message.receipt_handle,
                chance.u64(0..120),
            );
        } else {
            world.note(&self.name, &self.name, event, || {
                format!("{} deleted", short(&message.id))
            });
            world
                .cloud
                .delete(world.now(), &self.name, &message.receipt_handle);
        }
    }
}

/// Enough of an id to tell messages apart.
fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}
