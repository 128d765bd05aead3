//! Reading one shard to its end, and handing its changes to lanes.
//!
//! The one thing to get wrong: losing one's place. An iterator is kept over errors that pass: one
//! from `LATEST`, asked for again before anything was read, would skip what came in between. One
//! that expired is asked for again after the last change that was read.

use super::record::Change;
use super::{Context, stop_requested, worker};
use aws_sdk_dynamodbstreams::error::ProvideErrorMetadata;
use aws_sdk_dynamodbstreams::types::ShardIteratorType;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Between two reads that found nothing. AWS reads a shard four times a second.
const PAUSE: Duration = Duration::from_millis(50);
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// The error for a place in the stream that it no longer keeps.
const TRIMMED: &str = "TrimmedDataAccessException";

/// Changes read ahead of a lane that is busy.
const AHEAD: usize = 10_000;

/// Ends when the shard is at its end and everything in it was handled or given up, or when asked
/// to stop.
pub(super) async fn read(
    context: Arc<Context>,
    stream: String,
    shard: String,
    whole: bool,
    stopped: watch::Receiver<bool>,
) {
    let mut workers = JoinSet::new();
    let lanes = (0..context.spec.parallelization_factor.max(1)).map(|_| {
        let (sender, changes) = mpsc::channel(AHEAD);
        let position = worker::Position {
            stream: stream.clone(),
            shard: shard.clone(),
        };
        workers.spawn(worker::run(
            Arc::clone(&context),
            position,
            changes,
            stopped.clone(),
        ));
        sender
    });
    let mut reader = Reader {
        lanes: lanes.collect(),
        context: &context,
        stream: &stream,
        shard: &shard,
        whole,
        last: None,
    };
    tokio::select! {
        () = reader.read_on() => {}
        () = stop_requested(stopped) => {}
    }
    // Without senders the workers end when they have nothing left.
    drop(reader);
    while workers.join_next().await.is_some() {}
}

struct Reader<'a> {
    context: &'a Context,
    stream: &'a str,
    shard: &'a str,
    whole: bool,
    /// The sequence number of the last change that was read.
    last: Option<String>,
    lanes: Vec<mpsc::Sender<Change>>,
}

impl Reader<'_> {
    async fn read_on(&mut self) {
        let mut iterator = None;
        loop {
            if iterator.is_none() {
                iterator = self.iterator().await;
            }
            let Some(at) = iterator.clone() else {
                sleep(PAUSE_AFTER_ERROR).await;
                continue;
            };
            let read = self.context.streams.get_records().shard_iterator(at);
            match read.send().await {
                Ok(answer) => {
                    let records = answer.records.unwrap_or_default();
                    for record in &records {
                        if let Some(change) = Change::new(record, self.stream) {
                            self.last = Some(change.sequence.clone());
                            self.hand_over(change).await;
                        }
                    }
                    match answer.next_shard_iterator {
                        None => return,
                        next => iterator = next,
                    }
                    if records.is_empty() {
                        sleep(PAUSE).await;
                    }
                }
                Err(error) => {
                    match error.code() {
                        Some("ExpiredIteratorException") => iterator = None,
                        Some(TRIMMED) => {
                            self.start_after_what_is_trimmed();
                            iterator = None;
                        }
                        _ => self.problem("GetRecords", &fanline_aws::describe(&error)),
                    }
                    sleep(PAUSE_AFTER_ERROR).await;
                }
            }
        }
    }

    /// A stream keeps changes for 24 hours: what was not read by then is gone, and asking for it
    /// again would block the shard for ever.
    fn start_after_what_is_trimmed(&mut self) {
        self.context.problem(format!(
            "the stream of {}: changes were older than the 24 hours a stream keeps them and are gone; reading on with the oldest that is left",
            self.context.spec.table
        ));
        (self.last, self.whole) = (None, true);
    }

    async fn iterator(&mut self) -> Option<String> {
        let call = self.context.streams.get_shard_iterator();
        let call = call.stream_arn(self.stream).shard_id(self.shard);
        let call = match &self.last {
            Some(last) => call
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .sequence_number(last),
            None if self.whole => call.shard_iterator_type(ShardIteratorType::TrimHorizon),
            None => call.shard_iterator_type(ShardIteratorType::Latest),
        };
        match call.send().await {
            Ok(answer) => answer.shard_iterator,
            Err(error) if error.code() == Some(TRIMMED) => {
                self.start_after_what_is_trimmed();
                None
            }
            Err(error) => {
                self.problem("GetShardIterator", &fanline_aws::describe(&error));
                None
            }
        }
    }

    async fn hand_over(&self, change: Change) {
        use super::Fed;
        if !self.context.filter.accepts(&change.json) {
            return;
        }
        self.context
            .tell(|function| Fed::Given { function, count: 1 });
        let lane = change.partition % self.lanes.len() as u64;
        // Its worker ends early only when the mapping is stopped.
        let _ = self.lanes[lane as usize].send(change).await;
    }

    fn problem(&self, call: &str, reason: &str) {
        self.context.problem(format!(
            "the stream of {}: {call}: {reason}; trying again",
            self.context.spec.table
        ));
    }
}
