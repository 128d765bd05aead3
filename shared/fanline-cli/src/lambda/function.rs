//! A function: a pool of execution environments behind `invoke`.
//!
//! The one thing to get wrong: giving a process back that is not idle. A caller that goes away in
//! the middle of an invocation leaves a busy process behind; it is killed, not reused.

use super::backoff::Backoff;
use super::error::InvokeError;
use super::exchange::Failure;
use super::keeper::Stop;
use super::output::LogSink;
use super::sandbox::{Ran, Sandbox, StartFailure};
use super::{FunctionSpec, environment};
use bytes::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, TryAcquireError};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// How many processes in a row may die between being chosen and reading their event. One is bad
/// luck; this many means the binary ends as soon as it is idle.
const UNREACHED_LIMIT: usize = 5;

/// A function that can be invoked. Dropping it kills its processes.
pub struct Function {
    spec: FunctionSpec,
    sink: LogSink,
    permits: Semaphore,
    pool: Mutex<Pool>,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Arc<Sandbox>>,
    /// Every process that was started and may still run, busy ones included.
    all: Vec<Weak<Sandbox>>,
    backoff: Backoff,
    closed: bool,
}

impl Function {
    /// A function without any process yet; the first invocation starts one. What its processes
    /// write goes to `log_sink`.
    pub fn new(spec: FunctionSpec, log_sink: LogSink) -> Self {
        // A relative path would be resolved against the task root, the process's working directory.
        let binary = std::path::absolute(&spec.binary).unwrap_or_else(|_| spec.binary.clone());
        let permits = Semaphore::new(spec.concurrency.clamp(1, Semaphore::MAX_PERMITS));
        Self {
            spec: FunctionSpec { binary, ..spec },
            sink: log_sink,
            permits,
            pool: Mutex::default(),
        }
    }

    /// What the function was made from.
    pub fn spec(&self) -> &FunctionSpec {
        &self.spec
    }

    /// The processes that run now: starting, idle or busy.
    pub fn process_ids(&self) -> Vec<u32> {
        let running = self.running();
        running.iter().map(|sandbox| sandbox.process_id()).collect()
    }

    /// Starts a process ahead of the first invocation, so that a function that cannot start is
    /// noticed before messages are taken for it.
    ///
    /// # Errors
    /// If the process does not ask for its first event.
    pub async fn warm(&self) -> Result<(), InvokeError> {
        let sandbox = self.start().await?;
        self.pool().idle.push(sandbox);
        Ok(())
    }

    /// Invokes the function and waits for its response. Waits for a free process when
    /// `concurrency` invocations are running. `request_id` is what logs and metrics call it. Dropping the future kills the process it uses.
    pub async fn invoke(
        &self,
        request_id: &Arc<str>,
        payload: Bytes,
    ) -> Result<Bytes, InvokeError> {
        let _permit = self
            .permits
            .acquire()
            .await
            .map_err(|_| InvokeError::ShutDown)?;
        self.run(request_id, payload).await
    }

    /// As [`invoke`](Self::invoke), but refuses where that would wait for a free process. A function
    /// whose concurrency is 0 has none.
    pub async fn invoke_unless_busy(
        &self,
        request_id: &Arc<str>,
        payload: Bytes,
    ) -> Result<Bytes, InvokeError> {
        let limit = self.spec.concurrency;
        let permit = match self.permits.try_acquire() {
            Ok(permit) => Some(permit).filter(|_| limit > 0),
            Err(TryAcquireError::NoPermits) => None,
            Err(TryAcquireError::Closed) => return Err(InvokeError::ShutDown),
        };
        let _permit = permit.ok_or(InvokeError::Throttled { limit })?;
        self.run(request_id, payload).await
    }

    /// Runs an invocation that may run.
    async fn run(&self, request_id: &Arc<str>, payload: Bytes) -> Result<Bytes, InvokeError> {
        for _ in 0..UNREACHED_LIMIT {
            let sandbox = match self.idle_sandbox() {
                Some(sandbox) => sandbox,
                None => self.start().await?,
            };
            match sandbox.run(Arc::clone(request_id), payload.clone()).await {
                Ran::Answered(answer) => {
                    self.pool().idle.push(sandbox);
                    return answer.map_err(
                        |Failure {
                             error_type,
                             message,
                         }| {
                            InvokeError::FunctionError {
                                error_type,
                                message,
                            }
                        },
                    );
                }
                Ran::TimedOut => {
                    return Err(InvokeError::TimedOut {
                        after: self.spec.timeout,
                    });
                }
                Ran::Ended(_) if self.pool().closed => return Err(InvokeError::ShutDown),
                Ran::Ended(ending) => return Err(InvokeError::Crashed { ending }),
                Ran::NeverReached => {}
            }
        }
        Err(InvokeError::InitFailed {
            reason: format!(
                "{UNREACHED_LIMIT} processes in a row ended before they read the event"
            ),
            output: Vec::new(),
        })
    }

    /// Ends all processes: asks them, waits two seconds, kills. Returns when they are gone and all
    /// they wrote has reached the log sink. Invocations that run or wait get
    /// [`ShutDown`](InvokeError::ShutDown), so let them finish first.
    pub async fn shutdown(&self) {
        self.permits.close();
        self.pool().closed = true;
        let mut stopping: JoinSet<()> = self
            .running()
            .into_iter()
            .map(|sandbox| async move { sandbox.stop(Stop::Gracefully).await })
            .collect();
        while stopping.join_next().await.is_some() {}
        self.pool().idle.clear();
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> Vec<Arc<Sandbox>> {
        let is_alive = |sandbox: &Arc<Sandbox>| sandbox.is_alive();
        self.pool()
            .all
            .iter()
            .filter_map(Weak::upgrade)
            .filter(is_alive)
            .collect()
    }

    /// The process that was used last: the others get old and, on Lambda, would be taken away.
    fn idle_sandbox(&self) -> Option<Arc<Sandbox>> {
        let mut pool = self.pool();
        pool.idle.retain(|sandbox| sandbox.is_alive());
        pool.idle.pop()
    }

    async fn start(&self) -> Result<Arc<Sandbox>, InvokeError> {
        let not_before = self.pool().backoff.not_before();
        if let Some(moment) = not_before {
            sleep_until(moment).await;
        }
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let started = {
            let mut pool = self.pool();
            if pool.closed {
                return Err(InvokeError::ShutDown);
            }
            let started =
                listener.and_then(|listener| Sandbox::start(&self.spec, listener, &self.sink));
            started.map(Arc::new).inspect(|sandbox| {
                pool.all.retain(|sandbox| sandbox.strong_count() > 0);
                pool.all.push(Arc::downgrade(sandbox));
            })
        };
        let ready = match started {
            Ok(sandbox) => sandbox.ready().await.map(|()| sandbox),
            Err(error) => Err(self.not_started(&error)),
        };
        let mut pool = self.pool();
        match ready {
            Ok(sandbox) => {
                pool.backoff.succeeded();
                Ok(sandbox)
            }
            Err(_) if pool.closed => Err(InvokeError::ShutDown),
            Err(StartFailure { reason, output }) => {
                pool.backoff.failed(Instant::now());
                Err(InvokeError::InitFailed { reason, output })
            }
        }
    }

    fn not_started(&self, error: &std::io::Error) -> StartFailure {
        let binary = self.spec.binary.display();
        let folder = environment::task_root(&self.spec.binary).display();
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!(
                    "there is no executable {binary}; build the function first (folder {folder})"
                )
            }
            std::io::ErrorKind::PermissionDenied => format!("{binary} is not executable: {error}"),
            _ => format!("{binary} could not be started: {error}"),
        };
        StartFailure {
            reason,
            output: Vec::new(),
        }
    }
}

/// A new id for an invocation: a random UUID, as Lambda's are.
pub fn request_id() -> Arc<str> {
    let id = uuid::Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes());
    id.into_uuid().to_string().into()
}
