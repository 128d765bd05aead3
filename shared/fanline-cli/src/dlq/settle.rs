//! What is done to messages in hand: deleted, held longer or given back, in batches.
//!
//! The one thing to get wrong: a batch that succeeds while some of its entries were refused.

use aws_sdk_sqs::{
    Client,
    types::{
        BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry,
        DeleteMessageBatchRequestEntry,
    },
};
use futures_util::{StreamExt, stream};

use crate::{Error, aws::queue_error, queue::Queue};

/// Entries of one call (SQS API reference).
pub(super) const MOST_ENTRIES: usize = 10;

/// Calls at once: enough to hide the round trip, few enough not to be throttled.
const CALLS_AT_ONCE: usize = 8;

/// How often a deletion is tried that SQS refuses.
const TRIES: usize = 3;

/// Deletes messages; tells how many are still there, with the last reason.
pub(super) async fn delete(
    sqs: &Client,
    queue: &Queue,
    handles: &[String],
) -> Result<(), (usize, Error)> {
    let mut left = handles.to_vec();
    let mut reason = Error::new("");
    for _ in 0..TRIES {
        let mut again = Vec::new();
        for chunk in left.chunks(MOST_ENTRIES) {
            match delete_once(sqs, queue, chunk).await {
                Ok(refused) => {
                    for (index, why) in refused {
                        again.push(chunk[index].clone());
                        reason = why;
                    }
                }
                Err(why) => {
                    again.extend_from_slice(chunk);
                    reason = why;
                }
            }
        }
        left = again;
        if left.is_empty() {
            return Ok(());
        }
    }
    Err((left.len(), reason))
}

/// The positions of those that were refused, with why.
async fn delete_once(
    sqs: &Client,
    queue: &Queue,
    handles: &[String],
) -> Result<Vec<(usize, Error)>, Error> {
    let entries = handles.iter().enumerate().map(|(index, handle)| {
        DeleteMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .receipt_handle(handle)
            .build()
            .map_err(|error| Error::new(error.to_string()))
    });
    let call = sqs.delete_message_batch().queue_url(&queue.url);
    let call = call.set_entries(Some(entries.collect::<Result<_, _>>()?));
    let answer = call.send().await;
    let answer = answer.map_err(|error| queue_error("DeleteMessageBatch", &queue.name, &error))?;
    let done: Vec<&str> = answer.successful.iter().map(|entry| entry.id()).collect();
    let refused = (0..handles.len()).filter(|index| !done.contains(&&*index.to_string()));
    let refused = refused.map(|index| (index, why(index, &answer.failed)));
    Ok(refused.collect())
}

/// Makes messages visible again after so many seconds; tells how many it could be done for. Those
/// that nobody holds any more are no loss.
pub(super) async fn show_after(
    sqs: &Client,
    queue: &Queue,
    handles: &[String],
    seconds: i32,
) -> (usize, Option<Error>) {
    let calls = handles.chunks(MOST_ENTRIES).map(|chunk| async move {
        let entries = chunk.iter().enumerate().filter_map(|(index, handle)| {
            ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(index.to_string())
                .receipt_handle(handle)
                .visibility_timeout(seconds)
                .build()
                .ok()
        });
        let call = sqs.change_message_visibility_batch().queue_url(&queue.url);
        let call = call.set_entries(Some(entries.collect()));
        match call.send().await {
            Ok(answer) => (answer.successful.len(), None),
            Err(error) => {
                let error = queue_error("ChangeMessageVisibilityBatch", &queue.name, &error);
                (0, Some(error))
            }
        }
    });
    let calls: Vec<_> = calls.collect();
    let answers = stream::iter(calls).buffer_unordered(CALLS_AT_ONCE);
    answers
        .fold((0, None), async |(count, first), (more, error)| {
            (count + more, first.or(error))
        })
        .await
}

/// Why an entry was refused.
pub(super) fn why(index: usize, failed: &[BatchResultErrorEntry]) -> Error {
    let entry = failed.iter().find(|entry| entry.id == index.to_string());
    Error::new(match entry {
        Some(entry) => match &entry.message {
            Some(message) => format!("{}: {message}", entry.code),
            None => entry.code.clone(),
        },
        None => "SQS gave no answer for it".to_owned(),
    })
}
