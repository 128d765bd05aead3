//! The notice of changes that were given up, for the destination on failure.
//!
//! It says where the changes stand in the stream and not what they are, as AWS's does: the stream
//! keeps them for 24 hours.

use super::Context;
use super::lane::GivenUp;
use super::record::Change;
use super::spec::OnFailure;
use super::worker::Position;
use crate::lambda::since_epoch;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// What is told.
pub(super) struct Notice<'a> {
    pub(super) position: &'a Position,
    pub(super) function_arn: &'a str,
    pub(super) condition: GivenUp,
    /// Of the last invocation; none if the changes were too old before there was one.
    pub(super) request_id: Option<Arc<str>>,
    pub(super) invocations: u32,
    pub(super) changes: &'a [Change],
}

impl Notice<'_> {
    /// In the form AWS documents for DynamoDB streams.
    fn document(&self) -> Value {
        let (first, last) = (self.changes.first(), self.changes.last());
        let sequence = |change: Option<&Change>| change.map(|change| change.sequence.clone());
        json!({
            "requestContext": {
                "requestId": self.request_id.as_deref(),
                "functionArn": self.function_arn,
                "condition": format!("{:?}", self.condition),
                "approximateInvokeCount": self.invocations,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "version": "1.0",
            "timestamp": time(since_epoch()),
            "DDBStreamBatchInfo": {
                "shardId": self.position.shard,
                "startSequenceNumber": sequence(first),
                "endSequenceNumber": sequence(last),
                "approximateArrivalOfFirstRecord": first.map(|change| time(change.at)),
                "approximateArrivalOfLastRecord": last.map(|change| time(change.at)),
                "batchSize": self.changes.len(),
                "streamArn": self.position.stream,
            },
        })
    }
}

fn time(since_epoch: Duration) -> String {
    let milliseconds = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(milliseconds).map_or_else(|_| String::new(), |at| at.to_string())
}

/// Sends the notice; says what became of it.
pub(super) async fn send(context: &Context, notice: &Notice<'_>) -> String {
    let document = notice.document().to_string();
    match &context.spec.on_failure {
        None => "no destination on failure: they are skipped".to_owned(),
        Some(OnFailure::Queue(url)) => {
            let call = context.sqs.send_message().queue_url(url);
            match call.message_body(document).send().await {
                Ok(_) => format!("a notice is in {url}"),
                Err(error) => format!("no notice in {url}: {}", fanline_aws::describe(&error)),
            }
        }
        Some(OnFailure::Topic(arn)) => {
            let call = context.sns.publish().topic_arn(arn);
            match call.message(document).send().await {
                Ok(_) => format!("a notice went to {arn}"),
                Err(error) => format!("no notice to {arn}: {}", fanline_aws::describe(&error)),
            }
        }
    }
}
