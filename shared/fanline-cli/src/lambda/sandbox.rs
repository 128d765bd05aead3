//! One execution environment: a process that is started, given one invocation after the other, and
//! stopped. The keeper task does the work; this is the handle that waits for what it announces.

use super::environment::log_stream;
use super::exchange::{Answer, Exchange, Failure, Invocation, Progress};
use super::keeper::{Keeper, Stop};
use super::output::{LogSink, OutputReader, Tail};
use super::process::Process;
use super::runtime_api::RuntimeApi;
use super::{Ending, FunctionSpec};
use bytes::Bytes;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// Lambda's limit for the init phase. Also how long an idle process may take to ask for its next
/// event before it is taken for stuck.
pub(super) const INIT_LIMIT: Duration = Duration::from_secs(10);

/// How an invocation left its process.
pub(super) enum Ran {
    /// The process answered and can be used again.
    Answered(Answer),
    /// The process is gone and never read the event.
    NeverReached,
    /// The process ended while it had the event.
    Ended(Ending),
    /// The process had the event for longer than the timeout.
    TimedOut,
}

/// Why a process never asked for its first event.
pub(super) struct StartFailure {
    pub(super) reason: String,
    pub(super) output: Vec<String>,
}

/// A handle to one process. Dropping it kills the process.
pub(super) struct Sandbox {
    process_id: u32,
    timeout: Duration,
    exchange: watch::Sender<Exchange>,
    stops: mpsc::UnboundedSender<Stop>,
    tail: Tail,
    keeper: AbortHandle,
}

impl Sandbox {
    /// Starts the process; [`ready`](Self::ready) tells when it can be used. Synchronous, so that
    /// a caller can hold a lock and no process starts behind the back of a shutdown.
    pub(super) fn start(
        spec: &FunctionSpec,
        listener: TcpListener,
        sink: &LogSink,
    ) -> io::Result<Self> {
        let exchange = watch::Sender::new(Exchange::new());
        let address = listener.local_addr()?.to_string();
        let (process, pipes) = Process::start(spec, &address, &log_stream())?;
        let process_id = process.id().unwrap_or_default();
        let tail = Tail::default();
        let (stops, stop_requests) = mpsc::unbounded_channel();
        let keeper = Keeper {
            process,
            pipes,
            listener,
            api: Arc::new(RuntimeApi {
                exchange: exchange.clone(),
                function_arn: spec.arn(),
                timeout: spec.timeout,
            }),
            reader: OutputReader {
                function: spec.name.as_str().into(),
                process_id,
                exchange: exchange.clone(),
                sink: sink.clone(),
                tail: tail.clone(),
            },
            exchange: exchange.clone(),
            stops: stop_requests,
        };
        let keeper = tokio::spawn(keeper.run()).abort_handle();
        Ok(Self {
            process_id,
            timeout: spec.timeout,
            exchange,
            stops,
            tail,
            keeper,
        })
    }

    pub(super) fn process_id(&self) -> u32 {
        self.process_id
    }

    pub(super) fn is_alive(&self) -> bool {
        self.exchange.borrow().is_alive()
    }

    /// Waits until the process asks for its first event. A process that does not is gone on return.
    pub(super) async fn ready(&self) -> Result<(), StartFailure> {
        let starting = |progress: &Progress| *progress == Progress::Starting;
        let reason = match timeout(INIT_LIMIT, self.after(starting)).await {
            Ok(Progress::Idle) => return Ok(()),
            Ok(Progress::InitFailed(Failure {
                error_type,
                message,
            })) => {
                format!("it reported {error_type}: {message}")
            }
            Ok(Progress::EndedUnreached(ending) | Progress::Ended(ending)) => {
                format!("the process {ending} before it asked for its first event")
            }
            Ok(other) => format!("it is {other:?} instead of idle"),
            Err(_) => format!(
                "it did not ask for an event within {} s",
                INIT_LIMIT.as_secs()
            ),
        };
        self.stop(Stop::Now).await;
        Err(StartFailure {
            reason,
            output: self.tail.lines(),
        })
    }

    /// Runs one invocation. Unless it answered, the process is gone on return.
    pub(super) async fn run(&self, request_id: Arc<str>, payload: Bytes) -> Ran {
        let mut accepted = false;
        self.exchange.send_if_modified(|exchange| {
            accepted = exchange.offer(Invocation {
                request_id,
                payload,
            });
            accepted
        });
        if !accepted {
            self.stop(Stop::Now).await;
            return Ran::NeverReached;
        }
        let fetched = timeout(
            INIT_LIMIT,
            self.after(|progress| *progress == Progress::Offered),
        )
        .await;
        if fetched.is_err() {
            // What comes next sees how it ended: the event may have been fetched at the last moment.
            self.stop(Stop::Now).await;
        }
        let running = |progress: &Progress| *progress == Progress::Running;
        let Ok(progress) = timeout(self.timeout, self.after(running)).await else {
            self.stop(Stop::Now).await;
            return Ran::TimedOut;
        };
        match progress {
            Progress::Answered => self.take_answer().map_or(Ran::NeverReached, Ran::Answered),
            Progress::Ended(ending) => Ran::Ended(ending),
            _ => Ran::NeverReached,
        }
    }

    /// Ends the process and waits until it is gone and its output was read.
    pub(super) async fn stop(&self, stop: Stop) {
        // Refused only when the keeper has finished, and then there is nothing to stop.
        let _ = self.stops.send(stop);
        let mut changes = self.exchange.subscribe();
        // The sender is `self`, so the wait cannot fail.
        let _ = changes.wait_for(|exchange| !exchange.is_alive()).await;
    }

    fn take_answer(&self) -> Option<Answer> {
        let mut answer = None;
        self.exchange.send_if_modified(|exchange| {
            answer = exchange.take_answer();
            answer.is_some()
        });
        answer
    }

    async fn after(&self, passing: impl Fn(&Progress) -> bool) -> Progress {
        let mut changes = self.exchange.subscribe();
        loop {
            let progress = changes.borrow_and_update().progress();
            if !passing(&progress) || changes.changed().await.is_err() {
                return progress;
            }
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}
