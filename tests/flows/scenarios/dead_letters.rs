//! A run's own messages in a dead-letter queue, among those of others.

use std::collections::BTreeMap;

use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, Message};
use fanline::dead_letter::{FAILURE, FailureNote};

use super::run::Run;
use crate::cloud::{Cloud, until};

/// Seconds for which one look hides what is not the run's own, so that it sees everything once.
const LOOK: i32 = 20;

/// A message that nobody could handle.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DeadLetter {
    /// Of its event.
    pub(super) name: String,
    pub(super) body: String,
    /// Without the note.
    pub(super) attributes: BTreeMap<String, String>,
    /// What its worker says of it.
    pub(super) note: FailureNote,
}

/// Waits until the run has so many dead letters there, takes them out and returns them in their order.
/// More than that are a failure; to be sure of none, ask when others that are as old are there.
pub(super) async fn dead_letters(
    cloud: &Cloud,
    run: &Run<'_>,
    queue: &str,
    expected: usize,
) -> Vec<DeadLetter> {
    let found = std::cell::RefCell::new(Vec::new());
    let look = async || {
        let fresh = take(cloud, &run.id, queue).await;
        found.borrow_mut().extend(fresh);
        found.borrow().clone()
    };
    let what = format!("dead letters in {queue}, {expected} expected");
    let letters = until(&what, look, |letters| letters.len() >= expected).await;
    assert_eq!(letters.len(), expected, "{what}: {letters:?}");
    letters
}

/// The run's own are deleted, the others given back.
async fn take(cloud: &Cloud, run_id: &str, queue: &str) -> Vec<DeadLetter> {
    let url = cloud.queue_url(queue);
    let (mut own, mut others) = (Vec::new(), Vec::new());
    loop {
        let messages = cloud.receive(queue, LOOK).await;
        if messages.is_empty() {
            break;
        }
        for message in messages {
            let receipt = message.receipt_handle.clone().unwrap();
            match letter(message, run_id) {
                Some(letter) => {
                    let delete = cloud.sqs.delete_message().queue_url(&url);
                    delete.receipt_handle(receipt).send().await.unwrap();
                    own.push(letter);
                }
                None => others.push(receipt),
            }
        }
    }
    for receipts in others.chunks(10) {
        let entries = receipts.iter().enumerate().map(|(index, receipt)| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder();
            let entry = entry.id(index.to_string()).receipt_handle(receipt);
            entry.visibility_timeout(0).build().unwrap()
        });
        let give_back = cloud.sqs.change_message_visibility_batch().queue_url(&url);
        let give_back = give_back.set_entries(Some(entries.collect()));
        give_back.send().await.unwrap();
    }
    own
}

/// The message, if an event id of the run is in its body, wrapped by SNS or not.
fn letter(message: Message, run_id: &str) -> Option<DeadLetter> {
    let body = message.body?;
    let id = format!("{run_id}-");
    let name = &body[body.find(&id)? + id.len()..];
    let end = name.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    let attributes = message.message_attributes.unwrap_or_default();
    let texts = attributes
        .into_iter()
        .map(|(name, value)| (name, value.string_value.unwrap_or_default()));
    let mut texts: BTreeMap<String, String> = texts.collect();
    let note = texts.remove(FAILURE);
    let note = note.unwrap_or_else(|| panic!("SQS itself moved {body}"));
    Some(DeadLetter {
        name: name[..end.unwrap_or(name.len())].to_owned(),
        attributes: texts,
        note: serde_json::from_str(&note).unwrap(),
        body,
    })
}
