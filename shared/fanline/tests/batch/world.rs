//! A worker whose handler does what its event says, and a journal of what it did.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fanline::{
    Batch, Delivery, Envelope, Event, Extract, Failure, Message, Outcome, Processor, Report, State,
    System, Timestamp, Unknown, Worker, claim_check::CheckedIn, dedup::DedupStore,
    publish::Outgoing,
};
use fanline_testing::{
    ManualSystem, MemoryPayloads, MemoryQueue, MemoryStore, MemoryTransaction, envelope, message,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(crate) const INVOCATION: Duration = Duration::from_secs(30);

/// What the handler is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Act {
    Succeed,
    Fail,
    FailFor(u64),
    FindItDown,
    Reject,
    Panic,
    Hang,
    TakeASecond,
}

/// Handled with a lease.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Leased {
    pub(crate) act: Act,
}

impl Event for Leased {
    const TYPE: &'static str = "lease.used";
}

/// Handled in a transaction.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Transacted {
    pub(crate) act: Act,
}

impl Event for Transacted {
    const TYPE: &'static str = "transaction.used";
}

/// What happened, by event id.
#[derive(Clone, Default)]
pub(crate) struct Journal {
    pub(crate) starts: Arc<Mutex<Vec<String>>>,
    pub(crate) effects: Arc<Mutex<Vec<String>>>,
    pub(crate) running: Arc<AtomicUsize>,
    pub(crate) most_running: Arc<AtomicUsize>,
}

impl Journal {
    pub(crate) fn effects_of(&self, event_id: &str) -> usize {
        let effects = self.effects.lock().unwrap();
        effects.iter().filter(|id| *id == event_id).count()
    }

    async fn act(&self, act: Act, event_id: &str) -> Result<(), Failure> {
        self.starts.lock().unwrap().push(event_id.to_owned());
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_running.fetch_max(running, Ordering::SeqCst);
        let _leaves = Leave(Arc::clone(&self.running));
        tokio::task::yield_now().await;
        match act {
            Act::Succeed => Ok(()),
            Act::Fail => Err(Failure::retry("did not work")),
            Act::FailFor(seconds) => {
                let wait = Duration::from_secs(seconds);
                Err(Failure::retry_after(wait, "not before its time"))
            }
            Act::FindItDown => Err(Failure::unavailable("mail server is down")),
            Act::Reject => Err(Failure::reject("will never work")),
            Act::Panic => panic!("a bug"),
            Act::Hang => std::future::pending().await,
            Act::TakeASecond => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok(())
            }
        }
    }
}

struct Leave(Arc<AtomicUsize>);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) async fn leased(
    event: Envelope<Leased>,
    State(journal): State<Journal>,
) -> Result<(), Failure> {
    journal.act(event.data.act, event.id()).await?;
    journal.effects.lock().unwrap().push(event.id().to_owned());
    Ok(())
}

pub(crate) struct Effects(Arc<MemoryTransaction>);

impl<S> Extract<S> for Effects {
    const TRANSACTIONAL: bool = true;

    fn extract(_: &S, delivery: &Delivery) -> Result<Self, Failure> {
        let transaction = delivery.transaction().cloned();
        let transaction = transaction.and_then(|it| it.as_any().downcast().ok());
        transaction
            .map(Self)
            .ok_or_else(|| Failure::reject("no transaction"))
    }
}

pub(crate) async fn transacted(
    event: Envelope<Transacted>,
    State(journal): State<Journal>,
    effects: Effects,
) -> Result<(), Failure> {
    journal.act(event.data.act, event.id()).await?;
    let id = event.id().to_owned();
    effects
        .0
        .add(move || journal.effects.lock().unwrap().push(id));
    Ok(())
}

/// One worker on one store.
pub(crate) struct World {
    pub(crate) system: Arc<ManualSystem>,
    pub(crate) store: MemoryStore,
    pub(crate) queue: MemoryQueue,
    pub(crate) journal: Journal,
}

impl World {
    /// Without a dead-letter queue.
    pub(crate) fn new() -> Self {
        Self::with_queue(MemoryQueue::without_dead_letter_queue())
    }

    pub(crate) fn with_queue(queue: MemoryQueue) -> Self {
        Self {
            queue,
            system: Arc::new(ManualSystem::default()),
            store: MemoryStore::default(),
            journal: Journal::default(),
        }
    }

    pub(crate) fn worker(&self) -> Worker<Journal> {
        Worker::new(self.journal.clone()).on(leased).on(transacted)
    }

    pub(crate) fn processor_with(
        &self,
        worker: Worker<Journal>,
        store: Arc<dyn DedupStore>,
    ) -> Processor {
        Processor::new(worker, "consumer", store, Arc::clone(&self.system) as _).unwrap()
    }

    pub(crate) fn processor(&self) -> Processor {
        self.processor_with(self.worker(), Arc::new(self.store.clone()))
    }

    pub(crate) fn processor_of(&self, concurrency: usize, store: Arc<dyn DedupStore>) -> Processor {
        let concurrency = NonZeroUsize::new(concurrency).unwrap();
        self.processor_with(self.worker().concurrency(concurrency), store)
    }

    pub(crate) fn skipping_processor(&self) -> Processor {
        self.processor_with(
            self.worker().unknown(Unknown::Skip),
            Arc::new(self.store.clone()),
        )
    }

    pub(crate) fn deadline(&self) -> Timestamp {
        self.system.now() + INVOCATION
    }

    pub(crate) async fn process(&self, processor: &Processor, batch: Batch) -> Report {
        let processed = processor.process(batch, &self.queue, self.deadline());
        processed.await.unwrap()
    }
}

pub(crate) fn standard(messages: Vec<Message>) -> Batch {
    Batch {
        request_id: "request-1".to_owned(),
        source: "queue-1".to_owned(),
        messages,
        ..Batch::default()
    }
}

pub(crate) fn leased_message(message_id: &str, event_id: &str, act: Act) -> Message {
    message(
        message_id,
        envelope(Leased::TYPE, event_id, json!({"act": act})),
    )
}

pub(crate) fn transacted_message(message_id: &str, event_id: &str, act: Act) -> Message {
    message(
        message_id,
        envelope(Transacted::TYPE, event_id, json!({"act": act})),
    )
}

/// The same event with its data in the store.
pub(crate) fn by_reference(message: Message, event_id: &str, payloads: &MemoryPayloads) -> Message {
    let outgoing = Outgoing {
        event_id: event_id.to_owned(),
        entity: event_id.to_owned(),
        body: message.body,
        attributes: Vec::new(),
    };
    let checked_in = CheckedIn::new(&outgoing).unwrap();
    payloads.replace(checked_in.reference.key(), &checked_in.data);
    Message {
        body: checked_in.outgoing.body,
        ..message
    }
}

pub(crate) fn outcomes(report: &Report) -> Vec<Outcome> {
    report
        .outcomes()
        .map(|(_, outcome)| outcome.clone())
        .collect()
}
