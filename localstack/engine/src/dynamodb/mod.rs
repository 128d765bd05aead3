//! DynamoDB beside SQS and SNS: dynoxide, embedded, on the engine's clock.
//!
//! dynoxide's calls block on SQLite, so a server runs each on tokio's blocking threads; called
//! on the reactor they would hold up every long poll.

mod dispatch;
mod iterators;
mod names;
mod streams;

use crate::identity::Identity;
use crate::{Clock, EpochMillis};
use dynoxide::{Database, DynoxideError};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// DynamoDB, in memory or in a file.
#[derive(Clone)]
pub(crate) struct DynamoDb {
    database: Database,
    names: Arc<names::Names>,
    threads: Threads,
    clock: Arc<dyn Clock>,
    /// When expired items were last deleted.
    swept: Arc<AtomicU64>,
}

/// AWS deletes expired items "within a few days", so that code must expect to read them; an hour
/// keeps that true without letting them pile up.
const SWEEP: EpochMillis = 60 * 60 * 1000;

/// Which thread a call runs on.
#[derive(Clone, Copy)]
pub(crate) enum Threads {
    /// One of tokio's for blocking work.
    Blocking,
    /// The caller's: in virtual time, other threads would make the order of calls a matter of luck.
    Callers,
}

/// Status and JSON body of an answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl DynamoDb {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        identity: &Identity,
        threads: Threads,
        file: Option<&Path>,
    ) -> Result<Self, DynoxideError> {
        let database = match file {
            // dynoxide has no way to give a database in a file another clock.
            Some(file) => Database::new(&file.to_string_lossy())?,
            None => Database::memory_with_clock(Arc::new(SharedClock(clock.clone())))?,
        };
        Ok(Self {
            database,
            names: Arc::new(names::Names::new(&identity.region, &identity.account)),
            threads,
            swept: Arc::new(AtomicU64::new(clock.now())),
            clock,
        })
    }

    /// Carries out one call.
    pub(crate) async fn call(&self, operation: String, body: bytes::Bytes) -> Answer {
        if let Threads::Callers = self.threads {
            return self.call_blocking(&operation, &body);
        }
        let this = self.clone();
        let work = tokio::task::spawn_blocking(move || this.call_blocking(&operation, &body));
        work.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a DynamoDB call panicked");
            let error = DynoxideError::InternalServerError("Internal server error".into());
            failed("", error)
        })
    }

    fn call_blocking(&self, operation: &str, body: &[u8]) -> Answer {
        let Ok(body) = std::str::from_utf8(body) else {
            return malformed();
        };
        if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(body) {
            tracing::debug!(operation, %error, "a DynamoDB call is not JSON");
            return malformed();
        }
        self.sweep();
        let (body, iterator) = iterators::inwards(operation, body);
        let body = self.names.inwards(operation, &body);
        match dispatch::run(&self.database, operation, &body) {
            Some(Ok(answer)) => {
                let answer = match operation {
                    "GetRecords" => streams::of_changes(answer),
                    "DescribeStream" => streams::with_open_shards(answer),
                    _ => answer,
                };
                let answer = match iterator {
                    Some(prefix) => iterators::outwards(prefix, answer),
                    None => answer,
                };
                Answer {
                    status: 200,
                    body: self.names.outwards(operation, answer),
                }
            }
            Some(Err(error)) => failed(operation, error),
            None => unknown(operation),
        }
    }
}

impl DynamoDb {
    /// Deletes what has expired if it is time to.
    fn sweep(&self) {
        let (now, last) = (self.clock.now(), self.swept.load(Ordering::Relaxed));
        let is_due = now >= last.saturating_add(SWEEP);
        // Of calls that run at once, one does it.
        let is_ours = is_due
            && self
                .swept
                .compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if is_ours && let Err(error) = self.database.sweep_ttl() {
            tracing::warn!(%error, "expired items could not be deleted");
        }
    }
}

fn malformed() -> Answer {
    Answer {
        status: 400,
        body: r#"{"__type":"com.amazon.coral.service#SerializationException"}"#.into(),
    }
}

fn unknown(operation: &str) -> Answer {
    let body = serde_json::json!({
        "__type": "com.amazon.coral.service#UnknownOperationException",
        "message": format!("The operation {operation} is not one this engine knows."),
    });
    Answer {
        status: 400,
        body: body.to_string(),
    }
}

fn failed(operation: &str, error: DynoxideError) -> Answer {
    let error = dispatch::as_sent(operation, error);
    Answer {
        status: error.status_code(),
        body: error.to_json(),
    }
}

struct SharedClock(Arc<dyn Clock>);

impl dynoxide::storage_backend::Clock for SharedClock {
    fn now_unix_secs(&self) -> u64 {
        self.0.now() / 1000
    }

    fn now_unix_secs_f64(&self) -> f64 {
        self.0.now() as f64 / 1000.0
    }
}
