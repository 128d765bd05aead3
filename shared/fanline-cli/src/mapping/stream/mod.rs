//! The event source mapping on a table's stream: reads its shards, invokes a function with changes
//! in their order, and tries again what it did not handle, as AWS documents it.
//!
//! The one thing to get wrong: starting a shard before its parent is read to the end. Changes of
//! one item would then overtake each other. With `LATEST`, shards that were closed before the start
//! hold nothing to wait for: their children are read from now on, at once.

mod destination;
mod lane;
mod record;
mod shard;
mod spec;
mod worker;

pub use spec::{OnFailure, Retries, StreamSpec};

use super::fed::Fed;
use super::filter::{Filter, InvalidPattern};
use crate::lambda::Function;
use aws_config::SdkConfig;
use aws_sdk_dynamodbstreams::types::Shard;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// Between two looks for new shards.
const LOOK: Duration = Duration::from_secs(5);

/// What a stop allows beyond the function's timeout.
const STOP_MARGIN: Duration = Duration::from_secs(20);

/// A running mapping. Dropping it stops it at once.
pub struct StreamMapping {
    stopping: watch::Sender<bool>,
    task: JoinHandle<()>,
    longest: Duration,
}

/// What every part of a mapping needs.
struct Context {
    spec: StreamSpec,
    filter: Filter,
    function: Arc<Function>,
    events: mpsc::UnboundedSender<Fed>,
    dynamodb: aws_sdk_dynamodb::Client,
    streams: aws_sdk_dynamodbstreams::Client,
    sqs: aws_sdk_sqs::Client,
    sns: aws_sdk_sns::Client,
}

impl Context {
    /// Tells the reporter, if there still is one.
    fn tell(&self, event: impl FnOnce(Arc<str>) -> Fed) {
        let _ = self
            .events
            .send(event(self.function.spec().name.as_str().into()));
    }

    fn problem(&self, text: String) {
        self.tell(|_| Fed::Problem { text });
    }
}

impl StreamMapping {
    /// Starts reading.
    ///
    /// # Errors
    /// A filter pattern, counted from 1, that cannot be understood.
    pub fn start(
        spec: StreamSpec,
        config: &SdkConfig,
        function: Arc<Function>,
        events: mpsc::UnboundedSender<Fed>,
    ) -> Result<Self, (usize, InvalidPattern)> {
        let longest = function.spec().timeout + STOP_MARGIN;
        let context = Arc::new(Context {
            filter: Filter::new(&spec.filter_patterns)?,
            spec,
            function,
            events,
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            streams: aws_sdk_dynamodbstreams::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
            sns: aws_sdk_sns::Client::new(config),
        });
        let (stopping, stopped) = watch::channel(false);
        Ok(Self {
            stopping,
            task: tokio::spawn(run(context, stopped)),
            longest,
        })
    }

    /// Stops reading and waits for the invocations that run.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        // What takes longer is given up with the mapping; the stream still has its changes.
        let _ = timeout(self.longest, &mut self.task).await;
    }
}

impl Drop for StreamMapping {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run(context: Arc<Context>, stopped: watch::Receiver<bool>) {
    let mut running = JoinSet::new();
    let mut started = BTreeSet::new();
    let mut finished = BTreeSet::new();
    let mut is_first_look = true;
    while !*stopped.borrow() {
        match shards(&context).await {
            Ok((stream, shards)) => {
                if is_first_look && !context.spec.from_the_beginning {
                    started = closed(&shards);
                    finished = closed(&shards);
                }
                for id in ready(&shards, &finished) {
                    if started.insert(id.clone()) {
                        // Shards that appear later are read whole: nothing before them was missed.
                        let whole = context.spec.from_the_beginning || !is_first_look;
                        let shard = shard::read(
                            Arc::clone(&context),
                            stream.clone(),
                            id.clone(),
                            whole,
                            stopped.clone(),
                        );
                        running.spawn(async move {
                            shard.await;
                            id
                        });
                    }
                }
                is_first_look = false;
            }
            Err(problem) => context.problem(problem),
        }
        tokio::select! {
            Some(Ok(id)) = running.join_next() => {
                finished.insert(id);
            }
            () = sleep(LOOK) => {}
            () = stop_requested(stopped.clone()) => {}
        }
    }
    while running.join_next().await.is_some() {}
}

/// The shards of a stream with their parents.
type Shards = BTreeMap<String, Option<String>>;

/// The shards that may be read: those whose parent is read to its end, or is not there any more.
fn ready(shards: &Shards, finished: &BTreeSet<String>) -> Vec<String> {
    let is_ready = |parent: &Option<String>| {
        let parent = parent
            .as_ref()
            .filter(|parent| shards.contains_key(*parent));
        parent.is_none_or(|parent| finished.contains(parent))
    };
    let ready = shards.iter().filter(|(_, parent)| is_ready(parent));
    ready.map(|(id, _)| id.clone()).collect()
}

/// The shards that take no more changes, because they have children: with `LATEST` there is nothing
/// in them to read. Their ending sequence number would say so on AWS; dynoxide gives open shards one.
fn closed(shards: &Shards) -> BTreeSet<String> {
    shards.values().flatten().cloned().collect()
}

/// The table's stream and its shards with their parents.
async fn shards(context: &Context) -> Result<(String, Shards), String> {
    let table = &context.spec.table;
    let trouble = |what: &str, reason: String| {
        format!("the stream of {table}: {what}: {reason}; trying again")
    };
    let described = context.dynamodb.describe_table().table_name(table).send();
    let described = described
        .await
        .map_err(|error| trouble("DescribeTable", fanline_aws::describe(&error)))?;
    let stream = described.table.and_then(|table| table.latest_stream_arn);
    let stream = stream.ok_or_else(|| trouble("DescribeTable", "it has no stream".to_owned()))?;
    let mut shards = BTreeMap::new();
    let mut after = None;
    loop {
        let call = context.streams.describe_stream().stream_arn(&stream);
        let described = call.set_exclusive_start_shard_id(after).send().await;
        let described =
            described.map_err(|error| trouble("DescribeStream", fanline_aws::describe(&error)))?;
        let Some(page) = described.stream_description else {
            break;
        };
        let named = |shard: Shard| Some((shard.shard_id?, shard.parent_shard_id));
        shards.extend(
            page.shards
                .unwrap_or_default()
                .into_iter()
                .filter_map(named),
        );
        after = page.last_evaluated_shard_id;
        if after.is_none() {
            break;
        }
    }
    Ok((stream, shards))
}

async fn stop_requested(mut stopped: watch::Receiver<bool>) {
    // An error means the mapping was dropped, which aborts this task too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_waits_for_its_parent() {
        let named = |id: &str, parent: Option<&str>| (id.to_owned(), parent.map(str::to_owned));
        let shards = BTreeMap::from([
            named("child", Some("parent")),
            named("orphan", Some("trimmed away")),
            named("parent", None),
        ]);
        assert_eq!(ready(&shards, &BTreeSet::new()), ["orphan", "parent"]);
        let finished = BTreeSet::from(["parent".to_owned()]);
        assert_eq!(ready(&shards, &finished), ["child", "orphan", "parent"]);
    }

    #[test]
    fn from_the_latest_on_an_open_shard_does_not_wait_for_its_closed_parent() {
        let shards = Shards::from([
            ("child".to_owned(), Some("parent".to_owned())),
            ("parent".to_owned(), None),
        ]);
        let passed_over = closed(&shards);
        assert_eq!(passed_over, BTreeSet::from(["parent".to_owned()]));
        assert!(ready(&shards, &passed_over).contains(&"child".to_owned()));
    }
}
