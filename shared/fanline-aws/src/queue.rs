//! The source queue on SQS: dead letters and visibility, in batches of 10.
//!
//! A 200 from SQS does not mean that every entry was taken: each entry's own answer counts, and an
//! entry without an answer was not.

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    error::BuildError,
    operation::receive_message::{ReceiveMessageError, ReceiveMessageOutput},
    types::{
        BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
        DeleteMessageBatchRequestEntry, MessageSystemAttributeName, SendMessageBatchRequestEntry,
    },
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use fanline::{DeadLetter, SourceQueue, VisibilityChange, publish::batches};
use futures_util::{StreamExt, future::BoxFuture, stream};

use crate::{attribute_to_send, describe};

/// Entries of one batch call (SQS API reference).
const MOST_ENTRIES: usize = 10;

/// Bytes of one message and of all messages of one call (SQS developer guide, "message quotas").
const MOST_BYTES: usize = 1024 * 1024;

/// Calls at once: a batch of 10,000 failed records is 1,000 calls.
const CALLS_AT_ONCE: usize = 8;

/// A queue that a worker reads, and the dead-letter queue it sends to.
///
/// Costs one SendMessageBatch per 10 dead letters and one ChangeMessageVisibilityBatch per 10 waits. Needs
/// `sqs:SendMessage` on the dead-letter queue and `sqs:ChangeMessageVisibility` on the queue.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    client: Client,
    url: String,
    dead_letter_url: Option<String>,
}

impl SqsQueue {
    /// The queue with this URL. Without the URL of a dead-letter queue its worker leaves dead
    /// letters to the queue's redrive policy.
    pub fn new(client: Client, url: impl Into<String>, dead_letter_url: Option<String>) -> Self {
        Self {
            client,
            url: url.into(),
            dead_letter_url,
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn is_fifo(&self) -> bool {
        self.url.ends_with(".fifo")
    }

    /// One long poll: up to 10 messages, as soon as there is one. Costs one request, also if none comes.
    /// `attempt` names the receive: on a FIFO queue one that is sent again, because its answer was lost,
    /// brings the same messages instead of finding their groups blocked (API reference, "ReceiveMessage").
    pub(crate) async fn receive(
        &self,
        visibility_timeout: Duration,
        attempt: String,
    ) -> Result<ReceiveMessageOutput, SdkError<ReceiveMessageError, HttpResponse>> {
        const LONGEST_POLL_SECONDS: i32 = 20;
        let attempt = Some(attempt).filter(|_| self.is_fifo());
        let call = self.client.receive_message().queue_url(&self.url);
        call.max_number_of_messages(MOST_ENTRIES as i32)
            .wait_time_seconds(LONGEST_POLL_SECONDS)
            .visibility_timeout(whole_seconds(visibility_timeout))
            .set_receive_request_attempt_id(attempt)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_system_attribute_names(MessageSystemAttributeName::MessageGroupId)
            .send()
            .await
    }

    /// Deletes up to 10 messages, by their receipt handles; one answer each.
    pub(crate) async fn delete(&self, receipt_handles: &[&str]) -> Vec<Result<(), String>> {
        let entries = receipt_handles.iter().enumerate().map(|(index, handle)| {
            DeleteMessageBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(*handle)
                .build()
        });
        let entries: Result<Vec<_>, _> = entries.collect();
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return all_refused(receipt_handles.len(), &error.to_string()),
        };
        let call = self.client.delete_message_batch().queue_url(&self.url);
        match call.set_entries(Some(entries)).send().await {
            Ok(answer) => {
                let taken = answer.successful.iter().map(|entry| entry.id.as_str());
                each(receipt_handles.len(), taken, &answer.failed)
            }
            Err(error) => all_refused(receipt_handles.len(), &describe(&error)),
        }
    }

    /// Sends up to 10 letters, of which some may be refused.
    async fn send(&self, url: &str, letters: &[DeadLetter]) -> Vec<Result<(), String>> {
        let is_fifo = url.ends_with(".fifo");
        let entries = letters.iter().enumerate();
        let entries = entries.map(|(index, letter)| send_entry(index, letter, is_fifo));
        let entries: Result<Vec<_>, _> = entries.collect();
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return all_refused(letters.len(), &error.to_string()),
        };
        let call = self.client.send_message_batch().queue_url(url);
        match call.set_entries(Some(entries)).send().await {
            Ok(answer) => {
                let taken = answer.successful.iter().map(|entry| entry.id.as_str());
                each(letters.len(), taken, &answer.failed)
            }
            Err(error) => all_refused(letters.len(), &describe(&error)),
        }
    }

    async fn change(&self, changes: &[VisibilityChange]) -> Vec<Result<(), String>> {
        let entries: Result<Vec<_>, _> = changes.iter().enumerate().map(change_entry).collect();
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => return all_refused(changes.len(), &error.to_string()),
        };
        let call = self.client.change_message_visibility_batch();
        let call = call.queue_url(&self.url).set_entries(Some(entries));
        match call.send().await {
            Ok(answer) => {
                let taken = answer.successful.iter().map(|entry| entry.id.as_str());
                each(changes.len(), taken, &answer.failed)
            }
            Err(error) => all_refused(changes.len(), &describe(&error)),
        }
    }
}

impl SourceQueue for SqsQueue {
    fn has_dead_letter_queue(&self) -> bool {
        self.dead_letter_url.is_some()
    }

    fn send_dead_letters<'a>(
        &'a self,
        letters: &'a [DeadLetter],
    ) -> BoxFuture<'a, Vec<Result<(), String>>> {
        Box::pin(async move {
            let Some(url) = &self.dead_letter_url else {
                return all_refused(letters.len(), "no dead-letter queue is configured");
            };
            // A letter that is too long is refused by SQS alone, in a call of its own.
            let chunks = batches(letters, MOST_ENTRIES, MOST_BYTES, size);
            let calls: Vec<_> = chunks.iter().map(|chunk| self.send(url, chunk)).collect();
            in_order(calls).await
        })
    }

    fn change_visibility<'a>(
        &'a self,
        changes: &'a [VisibilityChange],
    ) -> BoxFuture<'a, Vec<Result<(), String>>> {
        Box::pin(async move {
            let chunks = changes.chunks(MOST_ENTRIES);
            let calls: Vec<_> = chunks.map(|chunk| self.change(chunk)).collect();
            in_order(calls).await
        })
    }
}

/// Of two letters of one FIFO group the first is sent first: each is sent while its lane waits.
async fn in_order<F: Future<Output = Vec<Result<(), String>>>>(
    calls: Vec<F>,
) -> Vec<Result<(), String>> {
    let calls = stream::iter(calls).buffered(CALLS_AT_ONCE);
    let answers: Vec<Vec<_>> = calls.collect().await;
    answers.into_iter().flatten().collect()
}

fn send_entry(
    index: usize,
    letter: &DeadLetter,
    is_fifo: bool,
) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_body(&letter.body);
    for (name, attribute) in &letter.attributes {
        entry = entry.message_attributes(name, attribute_to_send(attribute));
    }
    if is_fifo {
        // The id of the message that failed: a letter whose answer was lost is not stored twice.
        entry = entry
            .set_message_group_id(letter.group.clone())
            .message_deduplication_id(&letter.message_id);
    }
    entry.build()
}

fn change_entry(
    (index, change): (usize, &VisibilityChange),
) -> Result<ChangeMessageVisibilityBatchRequestEntry, BuildError> {
    ChangeMessageVisibilityBatchRequestEntry::builder()
        .id(index.to_string())
        .receipt_handle(&change.receipt_handle)
        .visibility_timeout(whole_seconds(change.wait))
        .build()
}

/// Rounded up: never sooner than was asked for.
fn whole_seconds(wait: Duration) -> i32 {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

fn size(letter: &DeadLetter) -> usize {
    let attributes = letter.attributes.iter();
    let attributes: usize = attributes
        .map(|(name, attribute)| attribute.size(name))
        .sum();
    letter.body.len() + attributes
}

fn all_refused(count: usize, reason: &str) -> Vec<Result<(), String>> {
    vec![Err(reason.to_owned()); count]
}

/// Entries have their index as id.
fn each<'a>(
    count: usize,
    taken: impl Iterator<Item = &'a str>,
    refused: &[BatchResultErrorEntry],
) -> Vec<Result<(), String>> {
    let mut answers = all_refused(count, "SQS gave no answer for this entry");
    for id in taken {
        if let Some(answer) = id
            .parse()
            .ok()
            .and_then(|index: usize| answers.get_mut(index))
        {
            *answer = Ok(());
        }
    }
    for entry in refused {
        if let Some(answer) = entry
            .id
            .parse()
            .ok()
            .and_then(|index: usize| answers.get_mut(index))
        {
            let message = entry.message.as_deref().unwrap_or_default();
            *answer = Err(format!("{}: {message}", entry.code));
        }
    }
    answers
}

/// The URL of the queue with this ARN, without asking SQS for it (developer guide, "queue and message
/// identifiers"). Stand-ins take it, too: they look at the account and the name alone.
pub(crate) fn url_of_arn(arn: &str) -> String {
    let mut parts = arn.split(':').skip(1);
    let mut part = || parts.next().unwrap_or_default();
    let (partition, _sqs, region, account, name) = (part(), part(), part(), part(), part());
    let domain = match partition {
        "aws-cn" => "amazonaws.com.cn",
        "aws-eusc" => "amazonaws.eu",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        _ => "amazonaws.com",
    };
    format!("https://sqs.{region}.{domain}/{account}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_comes_from_the_arn() {
        assert_eq!(
            url_of_arn("arn:aws:sqs:eu-central-1:123456789012:orders.fifo"),
            "https://sqs.eu-central-1.amazonaws.com/123456789012/orders.fifo"
        );
        assert_eq!(
            url_of_arn("arn:aws-cn:sqs:cn-north-1:123456789012:orders"),
            "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/orders"
        );
    }

    #[test]
    fn waits_are_rounded_up() {
        let seconds = |milliseconds| whole_seconds(Duration::from_millis(milliseconds));
        assert_eq!([0, 1, 1000, 1001].map(seconds), [0, 1, 1, 2]);
    }
}
