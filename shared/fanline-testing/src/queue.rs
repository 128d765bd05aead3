//! A source queue with its dead-letter queue in memory.

use std::{
    collections::{BTreeMap, VecDeque},
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use fanline::{DeadLetter, Message, SourceQueue, VisibilityChange};
use futures_util::future::BoxFuture;

use crate::Fault;

/// What SQS takes as one message (developer guide, "message quotas").
const MOST_BYTES: usize = 1024 * 1024;

/// Messages, dead letters and waits in memory. Clones share them. Time does not pass in it.
#[derive(Clone, Debug)]
pub struct MemoryQueue {
    has_dead_letter_queue: bool,
    contents: Arc<Mutex<Contents>>,
}

#[derive(Debug, Default)]
struct Contents {
    messages: Vec<Held>,
    receives: u64,
    dead_letters: Vec<DeadLetter>,
    waits: BTreeMap<String, Duration>,
    faults: VecDeque<Fault>,
}

#[derive(Debug)]
struct Held {
    message: Message,
    is_visible: bool,
}

impl MemoryQueue {
    /// A queue whose worker sends dead letters itself.
    pub fn new() -> Self {
        Self {
            has_dead_letter_queue: true,
            contents: Arc::default(),
        }
    }

    /// A queue whose worker leaves them to SQS.
    pub fn without_dead_letter_queue() -> Self {
        Self {
            has_dead_letter_queue: false,
            ..Self::new()
        }
    }

    /// The next calls meet these faults, the first the first.
    #[must_use]
    pub fn with_faults(self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.lock().faults.extend(faults);
        self
    }

    /// Puts messages into it.
    pub fn put(&self, messages: impl IntoIterator<Item = Message>) {
        let held = messages.into_iter().map(|message| Held {
            message,
            is_visible: true,
        });
        self.lock().messages.extend(held);
    }

    /// Takes all visible messages, each with a receipt handle of this receive.
    pub fn receive(&self) -> Vec<Message> {
        let mut contents = self.lock();
        contents.receives += 1;
        let receive = contents.receives;
        let visible = contents.messages.iter_mut().filter(|held| held.is_visible);
        let received = visible.map(|held| {
            held.is_visible = false;
            held.message.receipt_handle = format!("{}:{receive}", held.message.id);
            held.message.clone()
        });
        received.collect()
    }

    /// What was sent to the dead-letter queue.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.lock().dead_letters.clone()
    }

    /// The wait last set for each message, by message id.
    pub fn waits(&self) -> BTreeMap<String, Duration> {
        self.lock().waits.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call<T>(
        &self,
        entries: &[T],
        effect: impl Fn(&mut Contents, &T) -> Result<(), String>,
    ) -> Vec<Result<(), String>> {
        let fault = self.lock().faults.pop_front().unwrap_or(Fault::None);
        if fault == Fault::HangBefore {
            pending::<()>().await;
        }
        let answers: Vec<_> = match fault {
            Fault::Before => Vec::new(),
            _ => {
                let contents = &mut *self.lock();
                entries
                    .iter()
                    .map(|entry| effect(contents, entry))
                    .collect()
            }
        };
        match fault {
            Fault::HangAfter => pending().await,
            Fault::None => answers,
            _ => vec![Err("injected fault".to_owned()); entries.len()],
        }
    }
}

impl Default for MemoryQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl SourceQueue for MemoryQueue {
    fn has_dead_letter_queue(&self) -> bool {
        self.has_dead_letter_queue
    }

    fn send_dead_letters<'a>(
        &'a self,
        letters: &'a [DeadLetter],
    ) -> BoxFuture<'a, Vec<Result<(), String>>> {
        Box::pin(self.call(letters, |contents, letter| {
            if !self.has_dead_letter_queue {
                return Err("there is no dead-letter queue".to_owned());
            }
            if letter.body.len() > MOST_BYTES {
                return Err("too long".to_owned());
            }
            contents.dead_letters.push(letter.clone());
            Ok(())
        }))
    }

    fn change_visibility<'a>(
        &'a self,
        changes: &'a [VisibilityChange],
    ) -> BoxFuture<'a, Vec<Result<(), String>>> {
        Box::pin(self.call(changes, |contents, change| {
            let mut in_flight = contents.messages.iter_mut().filter(|held| !held.is_visible);
            let held = in_flight
                .find(|held| held.message.receipt_handle == change.receipt_handle)
                .ok_or("no message in flight has this receipt handle")?;
            held.is_visible = change.wait.is_zero();
            let id = held.message.id.clone();
            contents.waits.insert(id, change.wait);
            Ok(())
        }))
    }
}
