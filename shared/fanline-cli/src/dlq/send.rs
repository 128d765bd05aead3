//! Sending dead letters as the messages they were.
//!
//! The one thing to get wrong: a FIFO batch in which one message fails and a later one of its group
//! does not. So no batch has two of one group.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_sqs::{
    Client,
    error::BuildError,
    types::{
        MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
        SendMessageBatchRequestEntry,
    },
};
use fanline::publish::batches;
use fanline_aws::attribute_to_send;

use super::{
    letter::Letter,
    settle::{MOST_ENTRIES, why},
};
use crate::{Error, aws::queue_error, queue::Queue};

/// Bytes of one call. SQS takes 1 MiB, older imitations of it a quarter; no call is saved by more,
/// as it is billed by 64 KiB.
const MOST_BYTES: usize = 256 * 1024;

/// How often an entry is sent that SQS refuses without it being the sender's fault.
const TRIES: u32 = 4;

/// What became of the letters, by their places.
#[derive(Debug, Default)]
#[must_use]
pub(super) struct Sent {
    pub(super) accepted: Vec<usize>,
    /// Not sent, and why.
    pub(super) refused: Vec<(usize, String)>,
    /// A call failed as a whole; what is in neither list may have been sent or not.
    pub(super) failed: Option<Error>,
}

/// A letter and what SQS is to take as the mark of its sending, on FIFO queues.
#[derive(Clone, Debug)]
pub(super) struct Outgoing<'a> {
    pub(super) letter: &'a Letter,
    pub(super) deduplication_id: String,
}

impl<'a> Outgoing<'a> {
    /// Sent as it was. The same dead letter is always sent with the same mark, so that one whose
    /// deletion failed is not sent twice within five minutes; if it fails again, it is a dead
    /// letter with a new message id.
    pub(super) fn unchanged(letter: &'a Letter) -> Self {
        Self {
            letter,
            deduplication_id: format!("redrive-{}", letter.message_id),
        }
    }
}

/// Sends letters to a queue, in order.
pub(super) async fn send(sqs: &Client, to: &Queue, letters: &[Outgoing<'_>]) -> Sent {
    let mut sent = Sent::default();
    let mut blocked: BTreeSet<Option<&str>> = BTreeSet::new();
    for wave in waves(letters, to.fifo) {
        let (open, behind): (Vec<usize>, Vec<usize>) = wave
            .into_iter()
            .partition(|place| !blocked.contains(&group(letters, *place)));
        let reason = "an earlier message of its group could not be sent".to_owned();
        let behind = behind.into_iter().map(|place| (place, reason.clone()));
        sent.refused.extend(behind);
        for batch in batches(&open, MOST_ENTRIES, MOST_BYTES, |place| {
            letters[*place].letter.size()
        }) {
            let refused_before = sent.refused.len();
            send_batch(sqs, to, letters, batch, &mut sent).await;
            if sent.failed.is_some() {
                return sent;
            }
            if to.fifo {
                let refused = sent.refused[refused_before..].iter();
                blocked.extend(refused.map(|(place, _)| group(letters, *place)));
            }
        }
    }
    sent
}

fn group<'a>(letters: &[Outgoing<'a>], place: usize) -> Option<&'a str> {
    letters[place].letter.group.as_deref()
}

/// Places, in order; for a FIFO queue in waves that have one of each group at most.
fn waves(letters: &[Outgoing<'_>], fifo: bool) -> Vec<Vec<usize>> {
    let mut waves: Vec<Vec<usize>> = Vec::new();
    for place in 0..letters.len() {
        let earlier = letters[..place].iter();
        let of_group = earlier.filter(|other| other.letter.group == letters[place].letter.group);
        let wave = if fifo { of_group.count() } else { 0 };
        match waves.get_mut(wave) {
            Some(wave) => wave.push(place),
            None => waves.push(vec![place]),
        }
    }
    waves
}

/// Sends a batch until each of it is accepted or refused for good.
async fn send_batch(
    sqs: &Client,
    to: &Queue,
    letters: &[Outgoing<'_>],
    batch: &[usize],
    sent: &mut Sent,
) {
    let mut open = batch.to_vec();
    for attempt in 1..=TRIES {
        let entries = open.iter().map(|place| entry(*place, &letters[*place], to));
        let entries = match entries.collect::<Result<Vec<_>, _>>() {
            Ok(entries) => entries,
            Err(error) => {
                sent.failed = Some(Error::new(error.to_string()));
                return;
            }
        };
        let call = sqs.send_message_batch().queue_url(&to.url);
        let answer = match call.set_entries(Some(entries)).send().await {
            Ok(answer) => answer,
            Err(error) => {
                sent.failed = Some(queue_error("SendMessageBatch", &to.name, &error));
                return;
            }
        };
        let mut again = Vec::new();
        for place in open {
            let id = place.to_string();
            if answer.successful.iter().any(|entry| entry.id == id) {
                sent.accepted.push(place);
                continue;
            }
            let failed = answer.failed.iter().find(|entry| entry.id == id);
            let is_final = failed.is_some_and(|entry| entry.sender_fault) || attempt == TRIES;
            match is_final {
                true => {
                    let reason = why(place, &answer.failed).to_string();
                    sent.refused.push((place, reason));
                }
                false => again.push(place),
            }
        }
        if again.is_empty() {
            return;
        }
        open = again;
        tokio::time::sleep(Duration::from_millis(100) * 2_u32.pow(attempt)).await;
    }
}

fn entry(
    place: usize,
    outgoing: &Outgoing<'_>,
    to: &Queue,
) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let letter = outgoing.letter;
    let deduplication_id = to.fifo.then(|| outgoing.deduplication_id.clone());
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(place.to_string())
        .message_body(&letter.body)
        // Standard queues have groups, too: for fairness, not for order.
        .set_message_group_id(letter.group.clone())
        .set_message_deduplication_id(deduplication_id);
    for (name, value) in &letter.attributes {
        entry = entry.message_attributes(name, attribute_to_send(value));
    }
    if let Some(trace_header) = &letter.trace_header {
        let value = MessageSystemAttributeValue::builder()
            .data_type("String")
            .string_value(trace_header);
        entry = entry.message_system_attributes(
            MessageSystemAttributeNameForSends::AwsTraceHeader,
            value.build()?,
        );
    }
    entry.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_keep_each_group_in_order_and_have_one_of_each() {
        let letters = ["a", "a", "b", "a", "b"].map(|group| Letter {
            group: Some(group.to_owned()),
            ..Letter::default()
        });
        let outgoing: Vec<_> = letters.iter().map(Outgoing::unchanged).collect();
        assert_eq!(waves(&outgoing, true), [vec![0, 2], vec![1, 4], vec![3]]);
        assert_eq!(waves(&outgoing, false), [vec![0, 1, 2, 3, 4]]);
    }
}
