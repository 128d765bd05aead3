//! A worker's process: started with a clock and a way to store and queue of its own, and ended at any await.
//!
//! What could be got wrong is a process that is better informed than a real one: all that it knows comes from its
//! clock, its batch and the answers to its calls.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use fanline::{Batch, Grace, InvalidBatch, Message, Processor, Renewal, Report, System};
use futures_util::future::{BoxFuture, Either, select};
use tokio::{
    sync::watch,
    time::{Sleep, sleep, timeout},
};

use super::{
    dice::Place,
    fault::Fault,
    host::{Host, VISIBILITY},
    network::{Service, Trouble},
    queue::RemoteQueue,
    store::RemoteStore,
    watch::Watch,
    world::ProcessSystem,
};

/// What a process that is told to end has left.
const GRACE: Duration = Duration::from_secs(25);

/// Polls of an invocation before it ends: most have fewer than this.
const POLLS: u32 = 40;

/// One execution environment, or one process.
pub(super) struct Process {
    pub(super) name: Arc<str>,
    pub(super) deployment: u64,
    pub(super) trouble: Arc<Trouble>,
    system: Arc<ProcessSystem>,
    processor: Arc<Processor>,
    queue: RemoteQueue,
}

/// How an invocation ended.
pub(super) enum Ended {
    Answered(Report),
    /// Crashed, killed or timed out.
    WithoutAnswer,
}

impl Process {
    pub(super) fn start(host: &Host, deployment: u64) -> Self {
        let number = host.world.next_process();
        let name: Arc<str> = format!("{}/{number}", host.name).into();
        let skew = host.world.strikes(Fault::ClockSkew, Place::of(&[&name]));
        let ahead = skew.map_or(0, |mut chance| chance.i64(-1_000..=1_000));
        if ahead != 0 {
            let text = || format!("its clock is {ahead} ms ahead");
            host.world.note_fault(&name, &name, [], text);
        }
        let world = || Arc::clone(&host.world);
        let system = Arc::new(ProcessSystem::new(world(), number, ahead));
        let trouble = Arc::new(Trouble::default());
        let store = Arc::new(RemoteStore {
            world: world(),
            store: Arc::clone(&host.store),
            process: Arc::clone(&name),
            trouble: Arc::clone(&trouble),
        });
        #[cfg(feature = "broken")]
        let store = super::broken::store_of_process(host.broken, store);
        let queue = RemoteQueue {
            world: world(),
            name: Arc::clone(&host.name),
            consumer: host.consumer,
            process: Arc::clone(&name),
            trouble: Arc::clone(&trouble),
        };
        let watch = Watch {
            world: world(),
            consumer: host.consumer,
            name: Arc::clone(&host.name),
            process: Arc::clone(&name),
            system: Arc::clone(&system) as _,
        };
        let processor = (host.make)(store, Arc::clone(&system) as _, watch);
        Self {
            name,
            deployment,
            trouble,
            system,
            processor,
            queue,
        }
    }

    /// Lets the worker handle a batch, unless something ends it.
    pub(super) async fn invoke(&self, host: &Host, messages: Vec<Message>) -> Ended {
        let world = &host.world;
        let place = host.place("invoke", messages.first());
        let batch = Batch {
            source: host.name.to_string(),
            fifo: host.is_fifo,
            request_id: self.name.to_string(),
            messages,
        };
        let (told, grace) = watch::channel(None);
        let work = Mortal {
            work: self.work(host, batch, grace),
            end: self.draw_end(host, place),
            pause: None,
            on_end: |end| self.note_end(host, end),
        };
        let answer = match host.hosting.polls {
            false => timeout(host.hosting.timeout, work).await.ok().flatten(),
            true => {
                let killed = Box::pin(self.be_replaced(host, &told));
                match select(Box::pin(work), killed).await {
                    Either::Left((answer, _)) => answer,
                    Either::Right(_) => None,
                }
            }
        };
        match answer {
            Some(Ok(report)) => Ended::Answered(report),
            _ => {
                world.ledger().lose_process(&self.name);
                let text = || "ended without an answer".to_owned();
                world.note_fault(&self.name, &self.name, [], text);
                Ended::WithoutAnswer
            }
        }
    }

    fn work<'a>(
        &'a self,
        host: &'a Host,
        batch: Batch,
        grace: watch::Receiver<Option<Grace>>,
    ) -> BoxFuture<'a, Result<Report, InvalidBatch>> {
        let deadline = host.world.timestamp() + host.hosting.timeout;
        Box::pin(async move {
            #[cfg(feature = "broken")]
            let batch = super::broken::batch(host.broken, batch);
            #[cfg(feature = "broken")]
            let queue = &*super::broken::queue(host.broken, &self.queue);
            #[cfg(not(feature = "broken"))]
            let queue = &self.queue;
            if !host.hosting.polls {
                return self.processor.process(batch, queue, deadline).await;
            }
            let renewal = Renewal {
                visibility_timeout: VISIBILITY,
                grace,
            };
            self.processor
                .process_renewing(batch, queue, &renewal)
                .await
        })
    }

    fn draw_end(&self, host: &Host, place: Place) -> Option<(End, u32)> {
        let world = &host.world;
        if let Some(mut chance) = world.strikes(Fault::Crash, place) {
            return Some((End::Crash, chance.u32(1..POLLS)));
        }
        let mut chance = world.strikes(Fault::StandStill, place)?;
        let polls = chance.u32(1..POLLS);
        match host.hosting.polls {
            // Nothing ends a process that stands still. It goes on when its leases are long over.
            true => {
                let pause = Duration::from_secs(chance.u64(5..180));
                Some((End::Pause(pause), polls))
            }
            false => Some((End::Freeze, polls)),
        }
    }

    fn note_end(&self, host: &Host, end: End) {
        let world = &host.world;
        world.ledger().lose_process(&self.name);
        // What it holds may be over when it goes on.
        self.trouble.tell(Service::Store);
        self.trouble.tell(Service::Queue);
        world.note_fault(&self.name, &self.name, [], || match end {
            End::Crash => "crashes".to_owned(),
            End::Freeze => "stands still until its timeout".to_owned(),
            End::Pause(pause) => format!("stands still for {} s", pause.as_secs()),
        });
    }

    /// A process that polls is told that it is replaced, and killed after its grace period.
    async fn be_replaced(&self, host: &Host, told: &watch::Sender<Option<Grace>>) {
        while self.deployment == host.world.deployment() {
            sleep(Duration::from_secs(7)).await;
        }
        let from = self.system.now();
        let until = from + GRACE;
        told.send_replace(Some(Grace { from, until }));
        sleep(GRACE).await;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Crash,
    Freeze,
    Pause(Duration),
}

/// Work that ends at one of its awaits: with nothing if it crashes, never if it stands still.
pub(super) struct Mortal<'a, Answer, OnEnd> {
    pub(super) work: BoxFuture<'a, Answer>,
    /// How, and after how many polls.
    pub(super) end: Option<(End, u32)>,
    /// Until when it stands still.
    pub(super) pause: Option<Pin<Box<Sleep>>>,
    pub(super) on_end: OnEnd,
}

impl<Answer, OnEnd: Fn(End) + Unpin> Future for Mortal<'_, Answer, OnEnd> {
    type Output = Option<Answer>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Answer>> {
        if let Some((end, polls)) = self.end {
            self.end = Some((end, polls.saturating_sub(1)));
            match (end, polls) {
                (_, 2..) => {}
                (End::Freeze, 0) => return Poll::Pending,
                (end, 1) => {
                    (self.on_end)(end);
                    match end {
                        End::Crash => return Poll::Ready(None),
                        End::Freeze => return Poll::Pending,
                        End::Pause(pause) => self.pause = Some(Box::pin(sleep(pause))),
                    }
                }
                _ => {}
            }
        }
        if let Some(pause) = &mut self.pause {
            if pause.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.pause = None;
        }
        self.work.as_mut().poll(context).map(Some)
    }
}
