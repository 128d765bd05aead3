//! A queue in which time passes, with its dead-letter queue: what SQS does between two deliveries.
//!
//! What could be got wrong is to give out what is in flight, or of a FIFO group what stands behind it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fanline::{DeadLetter, Message, SourceQueue, System, Timestamp, VisibilityChange};
use futures_util::future::BoxFuture;

use super::calls::{Calls, REASON, Step};
use crate::ManualSystem;

/// What SQS takes as one message (developer guide, "message quotas").
const MOST_BYTES: usize = 1024 * 1024;

pub(super) struct TimedQueue {
    pub(super) system: Arc<ManualSystem>,
    pub(super) calls: Calls,
    contents: Mutex<Contents>,
}

#[derive(Default)]
struct Contents {
    /// In the order in which they were put.
    messages: Vec<Held>,
    receives: u64,
    dead_letters: Vec<DeadLetter>,
}

struct Held {
    message: Message,
    visible_at: Timestamp,
}

impl TimedQueue {
    pub(super) fn new(system: Arc<ManualSystem>, calls: Calls) -> Self {
        Self {
            system,
            calls,
            contents: Mutex::default(),
        }
    }

    pub(super) fn put(&self, message: Message) {
        let visible_at = self.system.now();
        self.lock().messages.push(Held {
            message,
            visible_at,
        });
    }

    /// Receives what is visible and `wanted`, for so long. What stands in a FIFO group behind anything
    /// that is not received is not, either.
    pub(super) fn receive(
        &self,
        visibility_timeout: Duration,
        wanted: impl Fn(&Message) -> bool,
    ) -> Vec<Message> {
        let now = self.system.now();
        let mut contents = self.lock();
        contents.receives += 1;
        let receive = contents.receives;
        let mut blocked = BTreeSet::new();
        let mut received = Vec::new();
        for held in &mut contents.messages {
            let message = &mut held.message;
            let is_blocked = message
                .group
                .as_ref()
                .is_some_and(|group| blocked.contains(group));
            if held.visible_at > now || is_blocked || !wanted(message) {
                blocked.extend(message.group.clone());
                continue;
            }
            held.visible_at = later(now, visibility_timeout);
            message.receive_count += 1;
            message.receipt_handle = format!("{}:{receive}", message.id);
            received.push(message.clone());
        }
        received
    }

    /// Deletes those that were received under these handles.
    pub(super) fn delete(&self, receipt_handles: &BTreeSet<&str>) {
        self.lock().messages.retain(|held| {
            let handle = held.message.receipt_handle.as_str();
            handle.is_empty() || !receipt_handles.contains(handle)
        });
    }

    /// How many messages are in it, visible or not.
    pub(super) fn len(&self) -> usize {
        self.lock().messages.len()
    }

    /// How long until anything can be received; None if it is empty.
    pub(super) fn next_wait(&self) -> Option<Duration> {
        let now = self.system.now();
        let contents = self.lock();
        let mut group_waits_until: BTreeMap<&str, Timestamp> = BTreeMap::new();
        let moments = contents.messages.iter().map(|held| {
            let Some(group) = &held.message.group else {
                return held.visible_at;
            };
            let of_group = group_waits_until.entry(group).or_insert(held.visible_at);
            *of_group = held.visible_at.max(*of_group);
            *of_group
        });
        let wait = moments.min()?.duration_since(now);
        Some(Duration::try_from(wait).unwrap_or_default())
    }

    pub(super) fn dead_letters(&self) -> Vec<DeadLetter> {
        self.lock().dead_letters.clone()
    }

    async fn each<Entry>(
        &self,
        step: Step,
        entries: &[Entry],
        effect: impl Fn(&mut Contents, &Entry) -> Result<(), String>,
    ) -> Vec<Result<(), String>> {
        let call = async {
            let mut contents = self.lock();
            let answers = entries.iter().map(|entry| effect(&mut contents, entry));
            answers.collect()
        };
        let lost = || vec![Err(REASON.to_owned()); entries.len()];
        self.calls.make(step, call, lost).await
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SourceQueue for TimedQueue {
    fn has_dead_letter_queue(&self) -> bool {
        true
    }

    fn send_dead_letters<'a>(
        &'a self,
        letters: &'a [DeadLetter],
    ) -> BoxFuture<'a, Vec<Result<(), String>>> {
        Box::pin(
            self.each(Step::SendDeadLetters, letters, |contents, letter| {
                if letter.body.len() > MOST_BYTES {
                    return Err("too long".to_owned());
                }
                contents.dead_letters.push(letter.clone());
                Ok(())
            }),
        )
    }

    fn change_visibility<'a>(
        &'a self,
        changes: &'a [VisibilityChange],
    ) -> BoxFuture<'a, Vec<Result<(), String>>> {
        Box::pin(
            self.each(Step::ChangeVisibility, changes, |contents, change| {
                let now = self.system.now();
                let mut in_flight = contents.messages.iter_mut();
                let held = in_flight
                    .find(|held| {
                        held.message.receipt_handle == change.receipt_handle
                            && held.visible_at > now
                    })
                    .ok_or("no message in flight has this receipt handle")?;
                held.visible_at = later(now, whole_seconds(change.wait));
                Ok(())
            }),
        )
    }
}

/// Rounded up, as the adapter for SQS does.
fn whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        contract::{QueueUnderTest, source_queue},
        message,
    };

    impl QueueUnderTest for TimedQueue {
        fn queue(&self) -> &dyn SourceQueue {
            self
        }

        fn put(&self, bodies: Vec<String>) -> BoxFuture<'_, ()> {
            for body in bodies {
                self.put(message(&body, &body));
            }
            Box::pin(std::future::ready(()))
        }

        fn receive(&self) -> BoxFuture<'_, Vec<Message>> {
            let received = self.receive(Duration::from_secs(30), |_| true);
            Box::pin(std::future::ready(received))
        }

        fn dead_letters(&self) -> BoxFuture<'_, Vec<DeadLetter>> {
            Box::pin(std::future::ready(self.dead_letters()))
        }
    }

    #[tokio::test]
    async fn queue_keeps_the_contract() {
        source_queue(&TimedQueue::new(Arc::default(), Calls::default())).await;
    }

    #[test]
    fn group_waits_for_its_head_and_others_do_not() {
        let queue = TimedQueue::new(Arc::default(), Calls::default());
        for (id, group) in [("m-1", "a"), ("m-2", "a"), ("m-3", "b")] {
            queue.put(Message {
                group: Some(group.to_owned()),
                ..message(id, id)
            });
        }
        let minute = Duration::from_secs(60);
        let ids = |wanted: fn(&Message) -> bool| -> Vec<String> {
            let received = queue.receive(minute, wanted).into_iter();
            received.map(|message| message.id).collect()
        };
        assert_eq!(ids(|message| message.id == "m-1"), ["m-1"]);
        assert_eq!(ids(|_| true), ["m-3"]);
        assert_eq!(queue.next_wait(), Some(minute));
        queue.system.advance(minute);
        assert_eq!(ids(|_| true), ["m-1", "m-2", "m-3"]);
    }
}
