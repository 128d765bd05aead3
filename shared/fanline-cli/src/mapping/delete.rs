//! Deleting messages in chunks, entry by entry.
//!
//! The one thing to get wrong: a batch call that succeeds while some of its entries were refused.
//! Those are tried again, and named when they stay refused.

use super::record::Record;
use aws_sdk_sqs::error::ProvideErrorMetadata;
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::sleep;

/// SQS's limit for the entries of one call.
const CHUNK: usize = 10;

/// With the waits between them, a second of trouble is survived; beyond that the message comes
/// back, and the worker's deduplication recognises it.
const ATTEMPTS: u32 = 4;

const FIRST_WAIT: Duration = Duration::from_millis(100);

/// What became of the messages: each id is in exactly one of the two.
#[derive(Debug, Default, PartialEq, Eq)]
#[must_use]
pub(super) struct Deletion {
    pub(super) deleted: Vec<String>,
    /// Message ids by the reason for which they are still in the queue.
    pub(super) refused: BTreeMap<String, Vec<String>>,
}

/// Deletes the records from the queue.
pub(super) async fn delete(
    sqs: &aws_sdk_sqs::Client,
    queue_url: &str,
    records: &[&Record],
) -> Deletion {
    let mut deletion = Deletion::default();
    for chunk in records.chunks(CHUNK) {
        let mut left = chunk.to_vec();
        for attempt in 1..=ATTEMPTS {
            let refusals = attempt_once(sqs, queue_url, &left).await;
            let mut again = Vec::new();
            for (index, record) in left.into_iter().enumerate() {
                match refusals.get(&index) {
                    None => deletion.deleted.push(record.message_id.clone()),
                    Some(refusal) if refusal.is_final || attempt == ATTEMPTS => {
                        let ids = deletion.refused.entry(refusal.reason.clone()).or_default();
                        ids.push(record.message_id.clone());
                    }
                    Some(_) => again.push(record),
                }
            }
            left = again;
            if left.is_empty() {
                break;
            }
            sleep(FIRST_WAIT * 2_u32.pow(attempt - 1)).await;
        }
    }
    deletion
}

struct Refusal {
    reason: String,
    /// Trying again cannot help.
    is_final: bool,
}

/// One call. The entries it did not delete, by their position.
async fn attempt_once(
    sqs: &aws_sdk_sqs::Client,
    queue_url: &str,
    records: &[&Record],
) -> BTreeMap<usize, Refusal> {
    let refuse_all = |reason: &str| {
        let refusal = |index| {
            (
                index,
                Refusal {
                    reason: reason.to_owned(),
                    is_final: false,
                },
            )
        };
        (0..records.len()).map(refusal).collect()
    };
    let mut request = sqs.delete_message_batch().queue_url(queue_url);
    for (index, record) in records.iter().enumerate() {
        let entry = DeleteMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .receipt_handle(&record.receipt_handle)
            .build();
        match entry {
            Ok(entry) => request = request.entries(entry),
            Err(error) => return refuse_all(&error.to_string()),
        }
    }
    let output = match request.send().await {
        Ok(output) => output,
        Err(error) => return refuse_all(&describe(&error)),
    };
    let position = |id: &str| id.parse::<usize>().ok();
    let mut refusals: BTreeMap<usize, Refusal> = refuse_all("SQS did not mention it in its answer");
    for entry in output.successful() {
        position(entry.id()).and_then(|index| refusals.remove(&index));
    }
    for entry in output.failed() {
        let reason = format!(
            "{}: {}",
            entry.code(),
            entry.message().unwrap_or("no message")
        );
        if let Some(refusal) = position(entry.id()).and_then(|index| refusals.get_mut(&index)) {
            *refusal = Refusal {
                reason,
                is_final: entry.sender_fault(),
            };
        }
    }
    refusals
}

/// An SDK error in one line: the service's code and message, or what kept it from answering.
pub(super) fn describe<E, R>(error: &aws_sdk_sqs::error::SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    if let Some(service) = error.as_service_error() {
        let code = service.code().unwrap_or("unknown error");
        return format!("{code}: {}", service.message().unwrap_or("no message"));
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let cause = error.to_string();
        // Some layers repeat their source.
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}

/// What a refusal means to a person.
pub(super) fn describe_refusal(count: usize, reason: &str) -> String {
    format!("{count} handled message(s) could not be deleted and will be received again: {reason}")
}
