//! The task that owns one process: accepts its connections, reads its output, ends it when asked,
//! and announces its end.
//!
//! The one thing to get wrong: announcing the end before everything the process had sent is taken
//! in. Its last answer and its last line may still be in a socket or a pipe.

use super::exchange::Exchange;
use super::output::{OutputReader, Stream};
use super::process::{Pipes, Process};
use super::runtime_api::{RuntimeApi, serve};
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

/// What Lambda gives a runtime between the request to end and the kill.
const GRACE: Duration = Duration::from_secs(2);

/// A grandchild that left the process group can hold a pipe open for ever.
const DRAIN: Duration = Duration::from_secs(1);

/// How to end a process.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stop {
    /// Ask, wait, then kill.
    Gracefully,
    /// Kill at once.
    Now,
}

/// Everything the task owns. Dropping it kills the process and closes the port.
pub(super) struct Keeper {
    pub(super) process: Process,
    pub(super) pipes: Pipes,
    pub(super) listener: TcpListener,
    pub(super) api: Arc<RuntimeApi>,
    pub(super) reader: OutputReader,
    pub(super) exchange: watch::Sender<Exchange>,
    pub(super) stops: mpsc::UnboundedReceiver<Stop>,
}

impl Keeper {
    pub(super) async fn run(mut self) {
        let mut output = JoinSet::new();
        if let Some(stdout) = self.pipes.stdout.take() {
            output.spawn(self.reader.clone().read(stdout, Stream::Stdout));
        }
        if let Some(stderr) = self.pipes.stderr.take() {
            output.spawn(self.reader.clone().read(stderr, Stream::Stderr));
        }
        let mut connections = JoinSet::new();
        let mut accepted = 0;
        let mut kill_at = None;

        let ending = loop {
            tokio::select! {
                ending = self.process.wait() => break ending,
                connection = self.listener.accept() => {
                    if let Ok((stream, _)) = connection {
                        accepted += 1;
                        connections.spawn(serve(Arc::clone(&self.api), stream, accepted));
                    }
                }
                Some(_) = connections.join_next() => {}
                Some(stop) = self.stops.recv() => match stop {
                    Stop::Gracefully => {
                        self.process.terminate();
                        kill_at = Some(Instant::now() + GRACE);
                    }
                    Stop::Now => self.process.kill(),
                },
                () = reached(kill_at) => {
                    self.process.kill();
                    kill_at = None;
                }
            }
        };

        // What is still held after this belongs to nobody we know; aborting is all that is left.
        let _ = timeout(DRAIN, async {
            while connections.join_next().await.is_some() {}
        })
        .await;
        let _ = timeout(DRAIN, async { while output.join_next().await.is_some() {} }).await;
        self.exchange.send_modify(|exchange| exchange.ended(ending));
    }
}

async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}
