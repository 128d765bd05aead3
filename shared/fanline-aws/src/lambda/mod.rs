//! A worker as a Lambda function: SQS and SNS events in, partial-batch response out.

mod event;

use std::time::Duration;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse};
use fanline::{Batch, BoxError, NoQueue, Processor, Report, SourceQueue, System, Timestamp};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use crate::{Error, RealSystem, SqsQueue, queue::url_of_arn, run::publish};
use event::{Payload, Source};

/// Answers invocations until Lambda ends the process.
pub(crate) async fn serve(processor: &Processor, queues: &Queues) -> Result<(), Error> {
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
pub(crate) struct Queues {
    sqs: aws_sdk_sqs::Client,
    dead_letter_url: Option<String>,
}

impl Queues {
    pub(crate) fn new(sqs: aws_sdk_sqs::Client, dead_letter_url: Option<String>) -> Self {
        Self {
            sqs,
            dead_letter_url,
        }
    }

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
    publish(&report);
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

#[cfg(test)]
mod tests;
