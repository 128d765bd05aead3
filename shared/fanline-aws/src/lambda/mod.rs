//! A worker as a Lambda function: SQS and SNS events in, partial-batch response out.

mod event;

use std::{sync::Arc, time::Duration};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse};
use fanline::{
    Batch, BoxError, NoQueue, Outcome, Processor, Report, RetryPlan, SourceQueue, System,
    Timestamp, Worker,
};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use crate::{
    DynamoStore, Environment, Error, RealSystem, SqsQueue,
    environment::{DEDUP_TABLE, DLQ_URL, RETRY_DELAYS},
    queue::url_of_arn,
    sdk_config,
};
use event::{Payload, Source};

/// Runs the worker until Lambda ends the process.
///
/// Reads `FANLINE_DEDUP_TABLE` (the dedup table, required), `FANLINE_DLQ_URL` (where dead letters go;
/// without it SQS moves them by the queue's redrive policy, and they do not say why),
/// `FANLINE_RETRY_DELAYS` (seconds separated by commas, in place of the worker's retry plan),
/// `AWS_LAMBDA_FUNCTION_NAME` (the consumer's name unless the worker has its own) and `RUST_LOG`
/// (default `info`). Makes no
/// network call before the first event. Logs go to stderr as JSON lines, one line of
/// CloudWatch metrics per batch to stdout.
///
/// The function must be invoked by an SQS event source mapping with
/// `ReportBatchItemFailures` (without it SQS deletes what failed) or directly by SNS. Then a failure
/// is returned as a function error; Lambda tries the event twice more and drops it, unless the
/// function has an on-failure destination or a dead-letter queue. `Attempt` is always 1 there.
///
/// # Errors
/// If the environment or the worker is not valid, or Lambda's runtime API is lost.
pub async fn run<S>(mut worker: Worker<S>) -> Result<(), Error>
where
    S: Clone + Send + Sync + 'static,
{
    start_logging();
    let mut environment = Environment::read();
    let table = environment.required(DEDUP_TABLE);
    let function = environment.required("AWS_LAMBDA_FUNCTION_NAME");
    environment.required("AWS_LAMBDA_RUNTIME_API");
    let dead_letter_url = environment.optional(DLQ_URL);
    let delays = environment.seconds(RETRY_DELAYS);
    environment.check().map_err(|error| {
        Error::new(format!(
            "{error}; this is a Lambda function: start it with `cargo fanline dev` or deploy it"
        ))
    })?;
    let system = Arc::new(RealSystem);
    if let Some(delays) = delays {
        worker = worker.retry_plan(RetryPlan::new(delays));
    }
    let config = sdk_config().await?;
    let dynamodb = aws_sdk_dynamodb::Client::new(&config);
    let store = Arc::new(DynamoStore::new(dynamodb, table, Arc::clone(&system) as _));
    let processor = Processor::new(worker, &function, store, system)?;
    let queues = Queues {
        sqs: aws_sdk_sqs::Client::new(&config),
        dead_letter_url,
    };
    if queues.dead_letter_url.is_none() {
        tracing::info!(
            "{DLQ_URL} is not set: dead letters are left to the queue's redrive policy and will not say why"
        );
    }
    let (processor, queues) = (&processor, &queues);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Payload>| async move {
        let deadline = Duration::from_millis(event.context.deadline);
        let (source, batch) = event.payload.into_batch(event.context.request_id)?;
        let queue = queues.of(&source);
        handle(processor, queue.as_ref(), &source, batch, deadline).await
    }))
    .await
    .map_err(Error::new)
}

/// Where the queues of a function's batches are found.
struct Queues {
    sqs: aws_sdk_sqs::Client,
    dead_letter_url: Option<String>,
}

impl Queues {
    fn of(&self, source: &Source) -> Box<dyn SourceQueue> {
        match source {
            Source::Sns => Box::new(NoQueue),
            Source::Sqs { arn } => {
                let dead_letter_url = self.dead_letter_url.clone();
                let queue = SqsQueue::new(self.sqs.clone(), url_of_arn(arn), dead_letter_url);
                Box::new(queue)
            }
        }
    }
}

async fn handle(
    processor: &Processor,
    queue: &dyn SourceQueue,
    source: &Source,
    batch: Batch,
    deadline_since_epoch: Duration,
) -> Result<Value, BoxError> {
    let deadline = Timestamp::UNIX_EPOCH.checked_add(deadline_since_epoch)?;
    let started = RealSystem.now();
    if deadline <= started {
        tracing::warn!("the invocation's deadline has passed before it began; check the clock");
    }
    let report = processor.process(batch, queue, deadline).await?;
    log_failures(&report);
    println!("{}", report.metrics_line());
    answer(source, &report)
}

fn answer(source: &Source, report: &Report) -> Result<Value, BoxError> {
    match source {
        Source::Sqs { .. } => {
            let mut response = SqsBatchResponse::default();
            response.batch_item_failures = report.failures().map(failure).collect();
            Ok(serde_json::to_value(response)?)
        }
        Source::Sns => match report.failures().next() {
            None => Ok(Value::Null),
            Some(_) => Err(sns_failure(report).into()),
        },
    }
}

fn failure(message_id: &str) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = message_id.to_owned();
    failure
}

/// SNS has no partial-batch response: the whole event is retried, and dedup recognises what
/// was already handled.
fn sns_failure(report: &Report) -> String {
    let failed = report
        .outcomes()
        .filter(|(_, outcome)| !outcome.is_handled());
    let reasons: Vec<String> = failed
        .map(|(id, outcome)| format!("{id}: {outcome}"))
        .collect();
    reasons.join("; ")
}

fn log_failures(report: &Report) {
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
}

fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // A subscriber that the application has set before stays.
    let _already_set = tracing_subscriber::fmt()
        .json()
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .try_init();
}

#[cfg(test)]
mod tests;
