//! Looking through a queue by receiving: each message once, until nothing new comes.
//!
//! All that is received is held, so that the next receive brings others, and given back in the
//! end unless it was deleted. A process that is killed gives nothing back: SQS does, when the
//! hold ends.

use std::collections::{BTreeMap, HashSet};

use aws_sdk_sqs::{Client, types::MessageSystemAttributeName};

use super::{
    letter::Letter,
    settle::{self, MOST_ENTRIES},
};
use crate::{Error, aws::queue_error, interrupt::Stop, queue::Queue};

/// Seconds a receive waits: asked that way, all of SQS's servers look, and none of the messages
/// that are there is missed for long.
const WAIT_SECONDS: i32 = 1;

/// Receives in a row without anything new after which there is nothing more to see, if SQS's own
/// count says otherwise.
const MOST_FRUITLESS: usize = 3;

/// A message in hand.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) letter: Letter,
    /// Deletes it, unless the hold has ended.
    pub(super) handle: String,
}

pub(super) struct Reader<'a> {
    sqs: &'a Client,
    queue: &'a Queue,
    stop: &'a Stop,
    /// For how long a message is held by one receive.
    hold_seconds: i32,
    seen: HashSet<String>,
    /// Receipt handles by message id.
    held: BTreeMap<String, String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        sqs: &'a Client,
        queue: &'a Queue,
        stop: &'a Stop,
        hold_seconds: i32,
    ) -> Self {
        Self {
            sqs,
            queue,
            stop,
            hold_seconds,
            seen: HashSet::new(),
            held: BTreeMap::new(),
        }
    }

    /// Messages seen so far.
    pub(super) fn looked_at(&self) -> u64 {
        self.seen.len() as u64
    }

    /// Some messages that were not seen before; none at the end, or after an interrupt.
    ///
    /// # Errors
    /// If the queue cannot be received from.
    pub(super) async fn next(&mut self, most: usize) -> Result<Vec<Received>, Error> {
        let mut fruitless = 0;
        // Messages whose hold has ended come again, ten at a time, before any new one may.
        while fruitless < MOST_FRUITLESS + self.held.len() / MOST_ENTRIES {
            if self.stop.is_set() {
                return Ok(Vec::new());
            }
            let messages = self.receive(most).await?;
            let is_all_seen = self.looked_at() >= self.queue.waiting;
            if messages.is_empty() && (is_all_seen || fruitless >= MOST_FRUITLESS) {
                break;
            }
            let mut new = Vec::new();
            for received in messages {
                let id = received.letter.message_id.clone();
                self.held.insert(id.clone(), received.handle.clone());
                if self.seen.insert(id) {
                    new.push(received);
                }
            }
            if !new.is_empty() {
                return Ok(new);
            }
            fruitless += 1;
        }
        Ok(Vec::new())
    }

    /// Not cut short by an interrupt: what SQS hands out while nobody listens any more would stay
    /// hidden.
    async fn receive(&self, most: usize) -> Result<Vec<Received>, Error> {
        let call = self
            .sqs
            .receive_message()
            .queue_url(&self.queue.url)
            .max_number_of_messages(i32::try_from(most.clamp(1, MOST_ENTRIES)).unwrap_or(1))
            .visibility_timeout(self.hold_seconds)
            .wait_time_seconds(WAIT_SECONDS)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All);
        let answer = call.send().await;
        let answer =
            answer.map_err(|error| queue_error("ReceiveMessage", &self.queue.name, &error))?;
        let received = answer.messages.unwrap_or_default().into_iter();
        let received = received.filter_map(|message| {
            Some(Received {
                handle: message.receipt_handle.clone()?,
                letter: Letter::new(message),
            })
        });
        Ok(received.collect())
    }

    /// A message that is deleted now, or that somebody else takes care of.
    pub(super) fn forget(&mut self, message_id: &str) {
        self.held.remove(message_id);
    }

    /// Makes all that is held visible again. What cannot be, becomes so by itself.
    pub(super) async fn give_back(&mut self) {
        let held: Vec<String> = std::mem::take(&mut self.held).into_values().collect();
        let (_, error) = settle::show_after(self.sqs, self.queue, &held, 0).await;
        if let Some(error) = error {
            eprintln!(
                "fanline: {error}; what was looked at is visible again in {} s",
                self.hold_seconds
            );
        }
    }
}
