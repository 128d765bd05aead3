//! One batch from the invocation to the last delete.

use super::batch::{Batch, PAYLOAD_LIMIT};
use super::delete::{delete, describe_refusal};
use super::record::Record;
use super::report::MappingEvent;
use super::settle::settle;
use super::spec::MappingSpec;
use crate::lambda::{Function, InvokeError, request_id};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// What every step of a mapping needs.
pub(super) struct Context {
    pub(super) spec: MappingSpec,
    pub(super) queue_arn: Arc<str>,
    pub(super) sqs: aws_sdk_sqs::Client,
    pub(super) function: Arc<Function>,
    pub(super) events: mpsc::UnboundedSender<MappingEvent>,
}

impl Context {
    /// Tells the reporter, if there still is one.
    pub(super) fn tell(&self, event: impl FnOnce(Arc<str>) -> MappingEvent) {
        let _ = self.events.send(event(Arc::clone(&self.queue_arn)));
    }

    pub(super) fn problem(&self, text: String) {
        self.tell(|queue_arn| MappingEvent::Problem { queue_arn, text });
    }

    pub(super) fn returned(&self, message_ids: Vec<String>, reason: String) {
        if !message_ids.is_empty() {
            self.tell(|queue_arn| MappingEvent::Returned {
                queue_arn,
                message_ids,
                reason,
            });
        }
    }

    /// Invokes the function with the batch and deletes what it has handled.
    pub(super) async fn deliver(&self, batch: &Batch) {
        let started = Instant::now();
        let payload = batch.payload();
        let request_id = request_id();
        let response = if payload.len() > PAYLOAD_LIMIT {
            Err(InvokeError::FunctionError {
                error_type: "RequestEntityTooLarge".to_owned(),
                message: format!(
                    "the event has {} bytes; Lambda takes {PAYLOAD_LIMIT}",
                    payload.len()
                ),
            })
        } else {
            self.function.invoke(&request_id, payload).await
        };
        self.tell(|queue_arn| MappingEvent::Invoked {
            queue_arn,
            function: self.function.spec().name.clone(),
            request_id,
            batch_size: batch.records().len(),
            outcome: response.as_ref().map(|_| ()).map_err(InvokeError::clone),
            duration: started.elapsed(),
        });
        let settlement = settle(
            &batch.message_ids(),
            self.spec.report_batch_item_failures,
            &response,
        );
        let handled: BTreeSet<&String> = settlement.delete.iter().collect();
        let is_handled = |record: &&Record| handled.contains(&record.message_id);
        let records: Vec<&Record> = batch.records().iter().filter(is_handled).collect();
        self.returned(settlement.keep, settlement.reason);
        let deleted = self.delete(&records).await;
        if !deleted.is_empty() {
            self.tell(|queue_arn| MappingEvent::Deleted {
                queue_arn,
                message_ids: deleted,
            });
        }
    }

    /// Deletes records without the function having seen them.
    pub(super) async fn discard(&self, records: &[Record]) {
        let records: Vec<&Record> = records.iter().collect();
        let deleted = self.delete(&records).await;
        if !deleted.is_empty() {
            self.tell(|queue_arn| MappingEvent::Filtered {
                queue_arn,
                message_ids: deleted,
            });
        }
    }

    /// The ids of what is gone; what SQS refused to delete is reported as returned.
    async fn delete(&self, records: &[&Record]) -> Vec<String> {
        let deletion = delete(&self.sqs, &self.spec.queue_url, records).await;
        for (reason, message_ids) in deletion.refused {
            let text = describe_refusal(message_ids.len(), &reason);
            self.problem(text.clone());
            self.returned(message_ids, text);
        }
        deletion.deleted
    }
}
