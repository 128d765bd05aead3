//! The engine as a server, or as a value inside another program.
//!
//! Shutting down ends waiting receives at once: a client would rather see its connection
//! close than wait 20 seconds for nothing.

use crate::dynamodb::Threads;
use crate::engine::Undelivered;
use crate::http::{State, route};
use crate::in_process::InProcess;
use crate::sns::Invocation;
use crate::sqs::{Counts, Liberties, QueueTotals};
use crate::{Clock, SystemClock};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// How the server behaves.
#[derive(Clone)]
pub struct Config {
    /// The region in ARNs; `us-east-1` by default.
    pub region: String,
    /// The account in ARNs and queue URLs; `000000000000` by default.
    pub account: String,
    /// Whether SNS delivers only where the queue's policy admits the topic, as AWS does.
    pub enforce_queue_policies: bool,
    /// Whether notifications are signed so that the signature verifies, as AWS's are. It costs
    /// about 1.5 ms a message that goes to a subscription without raw delivery, and the key
    /// differs from process to process: a simulation that is to repeat itself switches it off.
    pub sign_notifications: bool,
    /// What AWS leaves open on standard queues; by default nothing is made use of.
    pub liberties: Liberties,
    /// Decides all ids and liberties; random by default.
    pub seed: u64,
    /// Who invokes functions that are subscribed to topics. Without anybody such messages are
    /// undelivered, and go to the subscription's dead-letter queue.
    pub invocations: Option<UnboundedSender<Invocation>>,
    /// Where time comes from; the machine's clock by default.
    pub clock: Arc<dyn Clock>,
    /// A folder that keeps queues, topics, messages and tables over restarts; everything is in
    /// memory by default. Tables then live by the machine's clock, not by `clock`.
    pub data: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            region: "us-east-1".into(),
            account: "000000000000".into(),
            enforce_queue_policies: true,
            sign_notifications: true,
            liberties: Liberties::default(),
            seed: fastrand::u64(..),
            invocations: None,
            clock: Arc::new(SystemClock),
            data: None,
        }
    }
}

/// A running engine.
pub struct Server {
    engine: InProcess,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

/// One queue as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueReport {
    /// Its name.
    pub name: Arc<str>,
    /// Messages by state, now.
    pub counts: Counts,
    /// What happened to its messages since it was created.
    pub totals: QueueTotals,
}

impl Server {
    /// Listens on `address`; port 0 picks a free one.
    ///
    /// # Errors
    /// The port is in use, or the data folder cannot be used.
    pub async fn bind(address: impl ToSocketAddrs, config: Config) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let engine = InProcess::build(config, format!("http://{address}"), Threads::Blocking)?;
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, engine.state().clone(), stopped));
        Ok(Self {
            engine,
            address,
            stop,
            accepting,
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// What to give clients as endpoint URL.
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All queues, in order of their names.
    pub fn queues(&self) -> Vec<QueueReport> {
        self.engine.queues()
    }

    /// Messages that SNS could not deliver to a subscribed queue.
    pub fn undelivered(&self) -> Undelivered {
        self.engine.undelivered()
    }

    /// A function could not be invoked: its message goes to the subscription's dead-letter queue.
    pub fn not_invoked(&self, invocation: Invocation, reason: &str) {
        self.engine.state().not_invoked(invocation, reason);
    }

    /// Closes all connections and frees the port.
    pub async fn shutdown(self) {
        // The task may have ended by itself; then there is nothing left to stop.
        let _ = self.stop.send(true);
        let _ = self.accepting.await;
    }
}

/// Connections served at once; others wait to be accepted. Each may hold a request of 16 MB.
const MOST_CONNECTIONS: usize = 1024;

async fn accept(listener: TcpListener, state: Arc<State>, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // Also ends when the server value is dropped.
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    // Answers are small and awaited: batching them with Nagle costs 40 ms each.
                    let _ = stream.set_nodelay(true);
                    let state = state.clone();
                    connections.spawn(async move {
                        let service = service_fn(move |request| {
                            let state = state.clone();
                            async move { Ok::<_, Infallible>(route(state, request).await) }
                        });
                        let connection = hyper::server::conn::http1::Builder::new()
                            // It would also close idle connections that SDKs keep for reuse.
                            .header_read_timeout(None)
                            .serve_connection(TokioIo::new(stream), service);
                        if let Err(error) = connection.await {
                            tracing::debug!(%error, "a connection ended early");
                        }
                    });
                }
                Err(error) => {
                    // Out of file descriptors, mostly: pausing lets others close.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    connections.shutdown().await;
}
