//! What lies between a caller and a service: time, and all that gets lost in it.
//!
//! A request goes its way alone. A caller that dies meanwhile does not call it back: its effect may still come, after
//! somebody else has taken over.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fastrand::Rng;
use futures_util::future::BoxFuture;
use tokio::{sync::oneshot, time::sleep};

use super::{
    dice::Place,
    fault::Fault,
    timeline::Moment,
    world::{Outage, World},
};

/// Whom calls go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// The dedup table, and all other tables.
    Store,
    /// The queues.
    Queue,
    /// The topic.
    Topic,
}

impl fmt::Display for Service {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Store => "dedup store",
            Self::Queue => "queues",
            Self::Topic => "topic",
        })
    }
}

/// What a process could not know of its own calls since it began an invocation.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    store: AtomicBool,
    queue: AtomicBool,
}

impl Trouble {
    pub(super) fn tell(&self, service: Service) {
        match service {
            Service::Store => self.store.store(true, Ordering::Relaxed),
            Service::Queue | Service::Topic => self.queue.store(true, Ordering::Relaxed),
        }
    }

    pub(super) fn with_store(&self) -> bool {
        self.store.load(Ordering::Relaxed)
    }

    pub(super) fn with_queue(&self) -> bool {
        self.queue.load(Ordering::Relaxed)
    }

    pub(super) fn forget(&self) {
        self.store.store(false, Ordering::Relaxed);
        self.queue.store(false, Ordering::Relaxed);
    }
}

/// A call as its caller sees it.
pub(super) struct Call<'a> {
    pub(super) from: &'a str,
    pub(super) service: Service,
    pub(super) what: &'a str,
    pub(super) events: Vec<&'a str>,
    pub(super) trouble: Option<&'a Arc<Trouble>>,
}

impl Call<'_> {
    /// Whoever calls, whichever of its processes it is.
    pub(super) fn place(&self) -> Place {
        let caller = self
            .from
            .split_once('/')
            .map_or(self.from, |(name, _)| name);
        Place::of(&[
            caller,
            self.what,
            self.events.first().copied().unwrap_or_default(),
        ])
    }
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    LostRequest,
    LostResponse,
    NoAnswer { takes_effect: bool },
}

/// An answer that takes longer may come after its caller has stopped waiting for it.
const SLOW: Duration = Duration::from_millis(300);

impl World {
    /// Makes a call. `refuse` is the answer that says why there is no other.
    pub(super) async fn call<Answer: Send + 'static>(
        self: &Arc<Self>,
        call: Call<'_>,
        effect: impl FnOnce() -> BoxFuture<'static, Answer> + Send + 'static,
        refuse: impl Fn(&str) -> Answer + Send + 'static,
    ) -> Answer {
        let place = call.place();
        let mut chance = self.next_call(place);
        let (there, back) = (latency(&mut chance), latency(&mut chance));
        self.begin_outages(call.service, place);
        let fate = self.fate(&call, place);
        if (fate != Fate::Answered || there + back > SLOW)
            && let Some(trouble) = call.trouble
        {
            trouble.tell(call.service);
        }
        let (answer, answered) = oneshot::channel();
        let (world, service, trouble) = (Arc::clone(self), call.service, call.trouble.cloned());
        let is_left_hanging = chance.bool();
        tokio::spawn(async move {
            sleep(there).await;
            if let Some(Outage { hangs, .. }) = world.outage(service) {
                if let Some(trouble) = trouble {
                    trouble.tell(service);
                }
                if !(hangs && is_left_hanging) {
                    let _caller_may_be_gone = answer.send(refuse("it is down"));
                }
                return;
            }
            match fate {
                Fate::LostRequest => {
                    let _ = answer.send(refuse("the connection was reset"));
                }
                Fate::NoAnswer {
                    takes_effect: false,
                } => {}
                Fate::NoAnswer { takes_effect: true } => {
                    effect().await;
                }
                Fate::LostResponse => {
                    effect().await;
                    let _ = answer.send(refuse("the connection was reset"));
                }
                Fate::Answered => {
                    let _ = answer.send(effect().await);
                }
            }
        });
        match answered.await {
            Ok(answer) => {
                sleep(back).await;
                answer
            }
            Err(_) => std::future::pending().await,
        }
    }

    fn fate(&self, call: &Call<'_>, place: Place) -> Fate {
        let fate = if let Some(outage) = self.outage(call.service) {
            let until = Moment(outage.until);
            self.note_fault(
                call.from,
                &call.service.to_string(),
                call.events.iter().copied(),
                || format!("{}: down until {until}", call.what),
            );
            if let Some(trouble) = call.trouble {
                trouble.tell(call.service);
            }
            return Fate::Answered;
        } else if self.strikes(Fault::LostRequest, place).is_some() {
            Fate::LostRequest
        } else if self.strikes(Fault::LostResponse, place).is_some() {
            Fate::LostResponse
        } else if let Some(mut chance) = self.strikes(Fault::NoAnswer, place) {
            Fate::NoAnswer {
                takes_effect: chance.bool(),
            }
        } else {
            return Fate::Answered;
        };
        self.note_fault(
            call.from,
            &call.service.to_string(),
            call.events.iter().copied(),
            || {
                let lost = match fate {
                    Fate::LostRequest => "request lost",
                    Fate::LostResponse => "takes effect, response lost",
                    Fate::NoAnswer { takes_effect: true } => "takes effect, no answer",
                    _ => "no effect, no answer",
                };
                format!("{}: {lost}", call.what)
            },
        );
        fate
    }

    fn begin_outages(&self, service: Service, place: Place) {
        let fault = match service {
            Service::Store => Fault::StoreDown,
            Service::Queue => Fault::QueueDown,
            Service::Topic => return,
        };
        if self.outage(service).is_none()
            && let Some(mut chance) = self.strikes(fault, place)
        {
            let until = self.elapsed() + Duration::from_secs(chance.u64(60..1200));
            self.begin_outage(
                service,
                Outage {
                    until,
                    hangs: chance.bool(),
                },
            );
        }
    }

    /// Which entries of a call with so many are throttled.
    pub(super) fn throttled(&self, entries: usize, place: Place) -> Vec<bool> {
        match self.strikes(Fault::Throttling, place) {
            Some(mut chance) => (0..entries).map(|_| chance.bool()).collect(),
            None => vec![false; entries],
        }
    }
}

/// Some milliseconds, now and then a second.
fn latency(chance: &mut Rng) -> Duration {
    let milliseconds = match chance.u8(..) {
        0..3 => chance.u64(100..2_000),
        _ => chance.u64(1..20),
    };
    Duration::from_millis(milliseconds)
}
