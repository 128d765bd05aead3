//! What all connections share: the engine behind its lock, and the waiting receives.
//!
//! A waiter must register before it looks at the queue; looking first would miss the
//! message that arrives in between.

use crate::data::Data;
use crate::dynamodb::DynamoDb;
use crate::engine::Engine;
use crate::identity::uuid;
use crate::sns::{Invocation, SnsError, SnsErrorKind, SnsRequest, SnsResponse};
use crate::sqs::{SqsError, SqsErrorKind, SqsRequest, SqsResponse};
use crate::{Clock, EpochMillis};
use fastrand::Rng;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

const NOBODY_INVOKES: &str = "nobody invokes functions here; `fanline dev` does";

pub(crate) struct State {
    engine: Arc<Mutex<Engine>>,
    /// Locked only while the engine is.
    data: Option<Mutex<Data>>,
    waiters: Mutex<HashMap<Arc<str>, Arc<Notify>>>,
    request_ids: Mutex<Rng>,
    pub(crate) dynamodb: DynamoDb,
    pub(crate) surroundings: Surroundings,
}

/// What an engine is told of where it runs.
pub(crate) struct Surroundings {
    pub(crate) clock: Arc<dyn Clock>,
    /// Who invokes functions that are subscribed to topics.
    pub(crate) invocations: Option<UnboundedSender<Invocation>>,
    pub(crate) account: String,
    /// What queue URLs begin with if a request names no host.
    pub(crate) base_url: String,
    pub(crate) seed: u64,
}

impl State {
    pub(crate) fn new(
        engine: Arc<Mutex<Engine>>,
        data: Option<Data>,
        dynamodb: DynamoDb,
        surroundings: Surroundings,
    ) -> Self {
        Self {
            engine,
            data: data.map(Mutex::new),
            waiters: Mutex::default(),
            request_ids: Mutex::new(Rng::with_seed(surroundings.seed)),
            dynamodb,
            surroundings,
        }
    }

    pub(crate) fn now(&self) -> EpochMillis {
        self.surroundings.clock.now()
    }

    /// The id of an answer. Seeded like everything else, as clients write it into their logs.
    pub(crate) fn request_id(&self) -> String {
        let mut random = self
            .request_ids
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        uuid(&mut random)
    }

    /// The engine, for one step. A panic in an earlier step has already failed that call;
    /// refusing all others would only hide it.
    pub(crate) fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn sqs(&self, base_url: &str, request: SqsRequest) -> Result<SqsResponse, SqsError> {
        let (now, mut engine) = (self.now(), self.engine());
        let step = engine.sqs(now, base_url, request);
        let saved = self.save(&mut engine, now);
        drop(engine);
        self.wake(&step.woken);
        saved.map_err(|reason| SqsErrorKind::InternalFailure.because(reason))?;
        step.answer
    }

    pub(crate) fn sns(&self, base_url: &str, request: SnsRequest) -> Result<SnsResponse, SnsError> {
        let (now, mut engine) = (self.now(), self.engine());
        let published = engine.sns(now, base_url, request);
        let mut woken = published.woken;
        for invocation in published.invocations {
            let refused = match &self.surroundings.invocations {
                Some(sink) => sink.send(invocation).err().map(|refused| refused.0),
                None => Some(invocation),
            };
            if let Some(invocation) = refused {
                woken.extend(engine.not_invoked(now, invocation, NOBODY_INVOKES));
            }
        }
        let saved = self.save(&mut engine, now);
        drop(engine);
        self.wake(&woken);
        saved.map_err(|reason| SnsErrorKind::InternalError.because(reason))?;
        published.answer
    }

    /// As [`Engine::not_invoked`].
    pub(crate) fn not_invoked(&self, invocation: Invocation, reason: &str) {
        let (now, mut engine) = (self.now(), self.engine());
        let woken = engine.not_invoked(now, invocation, reason);
        // Logged where it failed; there is no caller to tell.
        let _ = self.save(&mut engine, now);
        drop(engine);
        self.wake(&woken);
    }

    /// Writes what a step changed, before its caller is told; the engine must still be locked, so
    /// that steps are written in their order.
    fn save(&self, engine: &mut Engine, now: EpochMillis) -> Result<(), String> {
        let Some(data) = &self.data else {
            return Ok(());
        };
        let mut data = data.lock().unwrap_or_else(PoisonError::into_inner);
        data.save(engine, now).map_err(|error| {
            tracing::error!(%error, "a change could not be written to the data folder");
            format!("The change could not be written to the engine's data folder: {error}")
        })
    }

    /// What wakes the receives that wait on a queue.
    pub(crate) fn waiters_of(&self, queue: &Arc<str>) -> Arc<Notify> {
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        waiters.entry(queue.clone()).or_default().clone()
    }

    fn wake(&self, queues: &[Arc<str>]) {
        if queues.is_empty() {
            return;
        }
        let mut waiters = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        for queue in queues {
            if let Some(notify) = waiters.get(queue) {
                notify.notify_waiters();
                if Arc::strong_count(notify) == 1 {
                    waiters.remove(queue);
                }
            }
        }
    }
}
