//! Publishing events to an SNS topic: batched, checked before sending, every refusal named.

mod claim_check;
mod fifo;

use std::{collections::HashSet, sync::Arc, time::Duration};

use aws_sdk_sns::{
    Client,
    operation::publish_batch::PublishBatchOutput,
    types::{BatchResultErrorEntry, MessageAttributeValue, PublishBatchRequestEntry},
};
use fanline::{
    Envelope, Event, Metadata, System,
    claim_check::PayloadStore,
    publish::{DEFAULT_SIZE_LIMIT, Outgoing, Publish, PublishError, RefusedEvent, batches},
};
use futures_util::{StreamExt, future::BoxFuture, stream};

use crate::{describe, system::SharedSystem};
use claim_check::ClaimCheck;
pub(crate) use claim_check::{NotStored, store};

/// Entries in one PublishBatch (SNS API reference).
const MOST_ENTRIES: usize = 10;

/// PublishBatch calls at once: enough to hide the round trip, few enough not to be throttled.
const CALLS_AT_ONCE: usize = 5;

/// How often an entry is sent that SNS refuses without it being the sender's fault.
const TRIES: u32 = 4;

/// Publishes events of any type to one topic.
///
/// Costs one PublishBatch call per 10 events or 256 KiB, whichever is less; SNS bills each
/// 64 KiB of an event as one request. On a FIFO topic the message group is the event's
/// [entity](fanline::Event::entity) and its deduplication id the event id; the order of each entity is kept,
/// for which an event waits for the answer to the one before it: up to 10 entities share a call.
///
/// With a [claim check](Self::claim_check), an event that is too large costs what its payload store costs to
/// put the data, and then as much as any small event.
#[derive(Clone, Debug)]
pub struct Publisher {
    client: Client,
    topic_arn: String,
    source: String,
    size_limit: usize,
    claim_check: Option<ClaimCheck>,
    system: SharedSystem,
}

impl Publisher {
    /// A publisher for one topic. `source` goes into the metadata of new events.
    pub fn new(client: Client, topic_arn: impl Into<String>, source: impl Into<String>) -> Self {
        Self {
            client,
            topic_arn: topic_arn.into(),
            source: source.into(),
            size_limit: DEFAULT_SIZE_LIMIT,
            claim_check: None,
            system: SharedSystem::default(),
        }
    }

    /// Times and ids of new events, and the length of pauses, from elsewhere than the machine: for tests and
    /// simulation.
    #[must_use]
    pub fn system(mut self, system: Arc<dyn System>) -> Self {
        self.system = SharedSystem(system);
        self
    }

    pub(crate) fn its_system(&self) -> &dyn System {
        &*self.system
    }

    /// For topics whose MaximumMessageSize is not 256 KiB.
    #[must_use]
    pub fn size_limit(mut self, bytes: usize) -> Self {
        self.size_limit = bytes;
        self
    }

    /// Puts the data of events that are too large for the topic into `store` and publishes a reference
    /// ([`fanline::claim_check`]). Workers that get them need the same store.
    #[must_use]
    pub fn claim_check(mut self, store: Arc<dyn PayloadStore>) -> Self {
        self.claim_check = Some(ClaimCheck { store, above: None });
        self
    }

    /// Does so for all events above this size, not only for those that the topic would not take: SNS bills
    /// 64 KiB of an event as one request, and once more for each subscriber.
    #[must_use]
    pub fn claim_check_above(mut self, store: Arc<dyn PayloadStore>, bytes: usize) -> Self {
        let above = Some(bytes);
        self.claim_check = Some(ClaimCheck { store, above });
        self
    }

    /// Wraps data as an event that happens now.
    pub fn event<T: Event>(&self, data: T) -> Envelope<T> {
        Envelope::new(self.its_system(), &self.source, data)
    }

    /// Publishes events of one type.
    ///
    /// # Errors
    /// If any was not published. Publishing it again with the same event id is safe.
    pub async fn publish<T: Event>(&self, events: &[Envelope<T>]) -> Result<(), PublishError> {
        let publisher: &dyn Publish = self;
        publisher.publish(events).await
    }

    /// Publishes events of any types, already serialised.
    ///
    /// # Errors
    /// If any was not published.
    pub async fn send(&self, events: &[Outgoing]) -> Result<(), PublishError> {
        let mut refused = Vec::new();
        let mut fitting = Vec::with_capacity(events.len());
        let mut waiting_entities = HashSet::new();
        let checked_in = claim_check::check_in(self, events).await;
        for (index, checked_in) in checked_in.iter().enumerate() {
            let entity = events[index].entity.as_str();
            let event = match checked_in {
                Ok(event) => event.as_ref(),
                Err(not_stored) => {
                    if !not_stored.is_final {
                        waiting_entities.insert(entity);
                    }
                    refused.push(not_stored.clone());
                    continue;
                }
            };
            if self.is_fifo() && waiting_entities.contains(entity) {
                refused.push(refuse((index, event), BEHIND_ANOTHER, false));
            } else if let Some(reason) = event.misfit(self.size_limit, "the topic") {
                refused.push(refuse((index, event), &reason, true));
            } else {
                fitting.push((index, event));
            }
        }
        refused.extend(match self.is_fifo() {
            true => fifo::send(self, &fitting).await,
            false => self.send_in_any_order(&fitting).await,
        });
        refused.sort_by_key(|event| event.index);
        match refused.is_empty() {
            true => Ok(()),
            false => Err(PublishError {
                published: events.len() - refused.len(),
                refused,
            }),
        }
    }

    fn is_fifo(&self) -> bool {
        self.topic_arn.ends_with(".fifo")
    }

    async fn send_in_any_order(&self, events: &[Numbered<'_>]) -> Vec<RefusedEvent> {
        let size = |(_, event): &Numbered<'_>| event.size();
        let calls: Vec<_> = batches(events, MOST_ENTRIES, self.size_limit, size)
            .into_iter()
            .map(|batch| self.send_batch(batch))
            .collect();
        let refused: Vec<_> = stream::iter(calls).buffered(CALLS_AT_ONCE).collect().await;
        refused.into_iter().flatten().collect()
    }

    /// Sends a batch until every entry is accepted or refused for good; returns the latter. Only
    /// what SNS names as successful counts as published.
    async fn send_batch(&self, batch: &[Numbered<'_>]) -> Vec<RefusedEvent> {
        let mut open = batch.to_vec();
        let mut refused = Vec::new();
        for attempt in 1..=TRIES {
            let answer = match self.call(&open).await {
                Ok(answer) => answer,
                // The SDK has retried the call already.
                Err(reason) => {
                    refused.extend(open.iter().map(|event| refuse(*event, &reason, false)));
                    return refused;
                }
            };
            let mut again = Vec::new();
            for (place, event) in open.into_iter().enumerate() {
                let id = place.to_string();
                if answer
                    .successful()
                    .iter()
                    .any(|entry| entry.id() == Some(id.as_str()))
                {
                    continue;
                }
                let error = answer.failed().iter().find(|entry| entry.id == id);
                match error {
                    Some(error) if error.sender_fault || attempt == TRIES => {
                        refused.push(refuse(event, &entry_reason(error), error.sender_fault));
                    }
                    None if attempt == TRIES => {
                        refused.push(refuse(event, "SNS gave no answer for it", false))
                    }
                    _ => again.push(event),
                }
            }
            if again.is_empty() {
                break;
            }
            open = again;
            tokio::time::sleep(pause(self.its_system(), attempt)).await;
        }
        refused
    }

    /// One PublishBatch; entry ids are positions in `events`.
    async fn call(&self, events: &[Numbered<'_>]) -> Result<PublishBatchOutput, String> {
        let entries: Result<Vec<_>, _> = events
            .iter()
            .enumerate()
            .map(|(place, (_, event))| entry(place, event, self.is_fifo()))
            .collect();
        let entries = entries.map_err(|error| error.to_string())?;
        self.client
            .publish_batch()
            .topic_arn(&self.topic_arn)
            .set_publish_batch_request_entries(Some(entries))
            .send()
            .await
            .map_err(|error| describe(&error))
    }
}

impl Publish for Publisher {
    fn metadata(&self, version: u32) -> Metadata {
        Metadata::new(self.its_system(), &self.source, version)
    }

    fn send<'a>(&'a self, events: &'a [Outgoing]) -> BoxFuture<'a, Result<(), PublishError>> {
        Box::pin(self.send(events))
    }
}

/// An event with its place among those that were given.
type Numbered<'a> = (usize, &'a Outgoing);

fn entry(
    index: usize,
    event: &Outgoing,
    is_fifo: bool,
) -> Result<PublishBatchRequestEntry, aws_sdk_sns::error::BuildError> {
    let mut entry = PublishBatchRequestEntry::builder()
        .id(index.to_string())
        .message(&event.body);
    for (name, value) in &event.attributes {
        let value = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(value)
            .build()?;
        entry = entry.message_attributes(name, value);
    }
    if is_fifo {
        entry = entry
            .message_group_id(&event.entity)
            .message_deduplication_id(&event.event_id);
    }
    entry.build()
}

fn refuse((index, event): Numbered<'_>, reason: &str, is_final: bool) -> RefusedEvent {
    RefusedEvent {
        index,
        event_id: event.event_id.clone(),
        reason: reason.to_owned(),
        is_final,
    }
}

/// Why an event is refused without being looked at.
const BEHIND_ANOTHER: &str = "an event of the same entity before it was not published";

fn entry_reason(error: &BatchResultErrorEntry) -> String {
    match &error.message {
        Some(message) => format!("{}: {message}", error.code),
        None => error.code.clone(),
    }
}

/// Up to 100 ms, doubling, fully jittered.
fn pause(system: &dyn System, attempt: u32) -> Duration {
    let most = 100_u64 << (attempt - 1);
    Duration::from_millis((system.random() % u128::from(most)) as u64)
}
