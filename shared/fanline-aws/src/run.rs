//! A worker's `main`: in Lambda or as a process of its own, as the environment says.

use std::{sync::Arc, time::Duration};

use aws_config::timeout::TimeoutConfig;
use fanline::{Outcome, Processor, Report, RetryPlan, Worker};

use crate::{
    DynamoStore, Environment, Error, Poller, RealSystem, SqsQueue,
    environment::{DEDUP_TABLE, DESCRIBE, DLQ_URL, QUEUE_URL, RETRY_DELAYS},
    lambda::{self, Queues},
    payloads::PayloadSettings,
    sdk_config,
};

const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// Requests to DynamoDB take milliseconds; one that takes longer has met a dead connection.
const STORE_TIMEOUT: Duration = Duration::from_secs(10);

/// Longer than the longest poll.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs the worker until its process ends: in Lambda, or outside it on the queue that
/// `FANLINE_QUEUE_URL` names.
///
/// Reads `FANLINE_DEDUP_TABLE` (the dedup table, required), `FANLINE_DLQ_URL` (where dead letters go;
/// without it SQS moves them by the queue's redrive policy, and they do not say why),
/// `FANLINE_RETRY_DELAYS` (seconds separated by commas, in place of the worker's retry plan),
/// `FANLINE_PAYLOAD_BUCKET` or `FANLINE_PAYLOAD_TABLE` (where data is that was too large for its topic; a
/// quarter of the function's memory is for that of one batch) and `RUST_LOG` (default `info`). Logs go
/// to stderr as JSON lines, one line of CloudWatch metrics per batch to stdout.
///
/// **In Lambda** (where `AWS_LAMBDA_RUNTIME_API` is set) it makes no network call before the first event;
/// `AWS_LAMBDA_FUNCTION_NAME` is the consumer's name unless the worker has its own.
/// The function must be invoked by an SQS event source mapping with
/// `ReportBatchItemFailures` (without it SQS deletes what failed) or directly by SNS. Then a failure
/// is returned as a function error; Lambda tries the event twice more and drops it, unless the
/// function has an on-failure destination or a dead-letter queue. `Attempt` is always 1 there.
///
/// **Outside** it is a [`Poller`] that ends on SIGTERM or Ctrl-C. `FANLINE_CONSUMER` is the consumer's name
/// unless the worker has its own (for a worker that moves here from Lambda, the function's name: under
/// another it remembers nothing), `FANLINE_RECEIVERS` how many receivers there are (default 4), and
/// `FANLINE_GRACE_SECONDS` how long handlers may go on after SIGTERM (default 25; less than what the
/// platform grants, which is 30 s on ECS and Kubernetes).
///
/// With `FANLINE_DESCRIBE=1` it does none of this: it prints a line of JSON that says what the worker is
/// ([`WorkerDescription`](fanline::WorkerDescription)) and ends. Of Fanline's variables only
/// `FANLINE_RETRY_DELAYS` then counts, since it changes the attempts. `fanline check` asks so.
///
/// # Errors
/// If the environment or the worker is not valid, Lambda's runtime API is lost, or the queue does not
/// exist or may not be read.
pub async fn run<S>(mut worker: Worker<S>) -> Result<(), Error>
where
    S: Clone + Send + Sync + 'static,
{
    start_logging();
    let mut environment = Environment::read();
    if let Some(delays) = environment.seconds(RETRY_DELAYS) {
        worker = worker.retry_plan(RetryPlan::new(delays));
    }
    if environment.is_set(DESCRIBE) {
        environment.check()?;
        println!("{}", serde_json::to_string(&worker.describe()?)?);
        return Ok(());
    }
    let table = environment.required(DEDUP_TABLE);
    let dead_letter_url = environment.optional(DLQ_URL);
    let payloads = PayloadSettings::read(&mut environment);
    let is_lambda = environment.optional(RUNTIME_API).is_some();
    let (consumer, poller) = match is_lambda {
        true => (environment.required("AWS_LAMBDA_FUNCTION_NAME"), None),
        false => {
            let settings = PollerSettings::read(&mut environment);
            let consumer = environment.optional("FANLINE_CONSUMER");
            (consumer.unwrap_or_default(), Some(settings))
        }
    };
    environment.check()?;
    let config = sdk_config().await?;
    let dynamodb = aws_sdk_dynamodb::config::Builder::from(&config);
    let dynamodb = dynamodb.timeout_config(timeout(STORE_TIMEOUT)).build();
    let dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb);
    let sqs = aws_sdk_sqs::config::Builder::from(&config);
    let sqs = sqs.timeout_config(timeout(QUEUE_TIMEOUT)).build();
    let sqs = aws_sdk_sqs::Client::from_conf(sqs);
    let system = Arc::new(RealSystem);
    let store = Arc::new(DynamoStore::new(dynamodb, table, Arc::clone(&system) as _));
    let processor = Processor::new(worker, &consumer, store, system)
        .map_err(|error| Error::new(format!("{error}{}", hint(is_lambda, &consumer))))?;
    let processor = payloads.give_to(processor, &config);
    if dead_letter_url.is_none() {
        tracing::info!(
            "{DLQ_URL} is not set: dead letters are left to the queue's redrive policy and will not say why"
        );
    }
    match poller {
        None => lambda::serve(&processor, &Queues::new(sqs, dead_letter_url)).await,
        Some(settings) => {
            let ended = told_to_end()?;
            let queue = SqsQueue::new(sqs, settings.queue_url, dead_letter_url);
            let poller = Poller::new(processor, queue)
                .receivers(settings.receivers)
                .grace_period(settings.grace_period);
            poller.run_until(ended).await
        }
    }
}

fn timeout(limit: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(limit)
        .build()
}

/// The core knows no environment.
fn hint(is_lambda: bool, consumer: &str) -> &'static str {
    match !is_lambda && consumer.is_empty() {
        true => "; outside Lambda, FANLINE_CONSUMER names it too",
        false => "",
    }
}

struct PollerSettings {
    queue_url: String,
    receivers: usize,
    grace_period: Duration,
}

impl PollerSettings {
    fn read(environment: &mut Environment) -> Self {
        let queue_url = environment.optional(QUEUE_URL).unwrap_or_else(|| {
            environment.problem(format!(
                "neither {RUNTIME_API} nor {QUEUE_URL} is set: start it with `cargo fanline dev`, deploy it as a Lambda function, or name the queue to read"
            ));
            String::new()
        });
        let grace_seconds = environment.number("FANLINE_GRACE_SECONDS", 25, 1..=3600);
        Self {
            queue_url,
            receivers: environment.number("FANLINE_RECEIVERS", 4, 1..=100) as usize,
            grace_period: Duration::from_secs(grace_seconds),
        }
    }
}

/// SIGTERM or Ctrl-C. Caught from this call on, not only once it is waited for.
#[cfg(unix)]
fn told_to_end() -> Result<impl Future<Output = ()>, Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn told_to_end() -> Result<impl Future<Output = ()>, Error> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// What became of a batch: a log line for each record that did not simply succeed, and the metrics.
pub(crate) fn publish(report: &Report) {
    for (message_id, outcome) in report.outcomes() {
        match outcome {
            Outcome::Succeeded | Outcome::Duplicate => {}
            Outcome::Skipped { .. } | Outcome::Busy { .. } | Outcome::Unattempted => {
                tracing::info!(message_id, %outcome, "record not run");
            }
            Outcome::DeadLettered { .. } => {
                tracing::error!(message_id, %outcome, "record given up");
            }
            _ => tracing::warn!(message_id, %outcome, "record reported"),
        }
    }
    println!("{}", report.metrics_line());
}

pub(crate) fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // A subscriber that the application has set before stays.
    let _already_set = tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .try_init();
}
