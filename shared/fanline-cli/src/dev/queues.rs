//! What the queues and the dedup table themselves say, asked with the SDK.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, Message, QueueAttributeName};
use fanline::dead_letter::{self, FailureNote};

use crate::{Error, aws::call_error};

/// Messages per ReceiveMessage and per batch call (SQS API reference).
const MOST_MESSAGES: i32 = 10;

/// Messages in a queue: visible, in flight and delayed.
///
/// # Errors
/// If the queue cannot be asked.
pub(super) async fn depth(sqs: &aws_sdk_sqs::Client, queue_url: &str) -> Result<u64, Error> {
    let answer = sqs
        .get_queue_attributes()
        .queue_url(queue_url)
        .attribute_names(QueueAttributeName::ApproximateNumberOfMessages)
        .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesNotVisible)
        .attribute_names(QueueAttributeName::ApproximateNumberOfMessagesDelayed)
        .send()
        .await
        .map_err(|error| call_error("sqs GetQueueAttributes", &error))?;
    let counts = answer.attributes.unwrap_or_default();
    Ok(counts
        .values()
        .filter_map(|count| count.parse::<u64>().ok())
        .sum())
}

/// All messages in a dead-letter queue, by the ids that they had in the queue they come from: SQS keeps
/// the id, a worker notes it. They are received and made visible again, so their receive counts go up by
/// one.
///
/// # Errors
/// If the queue cannot be read.
pub(super) async fn dead_messages(
    sqs: &aws_sdk_sqs::Client,
    queue_url: &str,
) -> Result<Vec<String>, Error> {
    let expected = depth(sqs, queue_url).await?;
    let mut ids = Vec::new();
    let mut handles = Vec::new();
    let mut empty_answers = 0;
    // A short poll may miss messages on AWS, so a wait, and more than one empty answer.
    while (ids.len() as u64) < expected && empty_answers < 3 {
        let received = sqs
            .receive_message()
            .queue_url(queue_url)
            .max_number_of_messages(MOST_MESSAGES)
            .visibility_timeout(60)
            .wait_time_seconds(1)
            .message_attribute_names(dead_letter::FAILURE)
            .send()
            .await
            .map_err(|error| call_error("sqs ReceiveMessage", &error))?;
        let messages = received.messages.unwrap_or_default();
        empty_answers = if messages.is_empty() {
            empty_answers + 1
        } else {
            0
        };
        for message in messages {
            let note = noted(&message);
            ids.extend(note.map(|note| note.message_id).or(message.message_id));
            handles.extend(message.receipt_handle);
        }
    }
    for chunk in handles.chunks(MOST_MESSAGES as usize) {
        let entries: Result<Vec<_>, _> = chunk.iter().enumerate().map(visible).collect();
        let entries = entries.map_err(|error| Error::new(error.to_string()))?;
        // Whoever looks next finds them in a minute at the latest; not worth failing a report.
        let _best_effort = sqs
            .change_message_visibility_batch()
            .queue_url(queue_url)
            .set_entries(Some(entries))
            .send()
            .await;
    }
    Ok(ids)
}

fn noted(message: &Message) -> Option<FailureNote> {
    let note = message.message_attributes()?.get(dead_letter::FAILURE)?;
    serde_json::from_str(note.string_value()?).ok()
}

fn visible(
    (index, handle): (usize, &String),
) -> Result<ChangeMessageVisibilityBatchRequestEntry, aws_sdk_sqs::error::BuildError> {
    ChangeMessageVisibilityBatchRequestEntry::builder()
        .id(index.to_string())
        .receipt_handle(handle)
        .visibility_timeout(0)
        .build()
}

/// The keys that a consumer has completed, read from its dedup table.
///
/// # Errors
/// If the table cannot be read.
pub(super) async fn completed_keys(
    dynamodb: &aws_sdk_dynamodb::Client,
    table: &str,
    consumer: &str,
) -> Result<BTreeSet<String>, Error> {
    let prefix = format!("{consumer}#");
    let mut keys = BTreeSet::new();
    let mut pages = dynamodb
        .scan()
        .table_name(table)
        .consistent_read(true)
        .projection_expression("id")
        .filter_expression("#status = :done AND begins_with(id, :prefix)")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":done", AttributeValue::S("DONE".to_owned()))
        .expression_attribute_values(":prefix", AttributeValue::S(prefix.clone()))
        .into_paginator()
        .items()
        .send();
    while let Some(item) = pages.next().await {
        let item = item.map_err(|error| call_error("dynamodb Scan", &error))?;
        let id = item.get("id").and_then(|id| id.as_s().ok());
        keys.extend(
            id.and_then(|id| id.strip_prefix(&prefix))
                .map(str::to_owned),
        );
    }
    Ok(keys)
}
