//! Business write and event in one transaction; a relay publishes what was written.
//!
//! Without it, a crash between the write and the publication loses the event, or publishes what never
//! happened. What could be got wrong: to publish beside the outbox, or to delete a row before its event
//! is published.
//!
//! The table has partition key `entity`, sort key `id`, a stream of new images, and holds only what is not
//! yet published. [`run_relay`] publishes rows from the stream, in the order of each entity;
//! [`run_sweeper`], on a schedule, what the relay did not get to.

mod lambda;
mod relay;
mod row;
mod stream;

use std::sync::Arc;

use aws_sdk_dynamodb::types::Put;
use fanline::{
    Envelope, Event, System,
    claim_check::{CheckedIn, PayloadStore},
    publish::Outgoing,
};

use crate::{
    DEFAULT_SIZE_LIMIT,
    publisher::{NotStored, store},
    system::SharedSystem,
};

pub use lambda::{run_relay, run_sweeper};
pub use relay::{Relay, Relayed, Swept};
pub use row::Row;

/// DynamoDB's 400 KB an item, less 8 KiB: the entity and the id, of up to 3 KiB, stand in it beside the event, and
/// the names of its attributes.
const MOST_ROW_BYTES: usize = 400 * 1024 - 8 * 1024;

/// Makes events and the writes that hold them until they are published.
///
/// ```
/// use aws_sdk_dynamodb::types::TransactWriteItem;
/// use fanline_aws::outbox::Outbox;
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)] struct OrderPlaced { order_id: String }
/// # impl fanline::Event for OrderPlaced {
/// #     const TYPE: &'static str = "order.placed";
/// #     fn entity(&self) -> Option<String> { Some(self.order_id.clone()) }
/// # }
/// let outbox = Outbox::new("outbox", "order-api");
/// let placed = outbox.event(OrderPlaced { order_id: "o-1".into() });
/// let write = TransactWriteItem::builder().put(outbox.put(&placed)?).build();
/// assert_eq!(write.put.unwrap().item["entity"].as_s().unwrap(), "o-1");
/// # Ok::<(), fanline_aws::outbox::OutboxError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Outbox {
    table: Arc<str>,
    source: Arc<str>,
    size_limit: usize,
    limited_by: &'static str,
    system: SharedSystem,
}

/// An event that the outbox cannot hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxError {
    event_id: String,
    problem: String,
}

impl std::fmt::Display for OutboxError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "event {}: {}", self.event_id, self.problem)
    }
}

impl std::error::Error for OutboxError {}

impl Outbox {
    /// An outbox in `table`. `source` goes into the metadata of new events.
    pub fn new(table: impl Into<Arc<str>>, source: impl Into<Arc<str>>) -> Self {
        Self {
            table: table.into(),
            source: source.into(),
            size_limit: DEFAULT_SIZE_LIMIT,
            limited_by: "the topic",
            system: SharedSystem::default(),
        }
    }

    /// Times and ids of new events from elsewhere than the machine: for tests and simulation.
    #[must_use]
    pub fn system(mut self, system: Arc<dyn System>) -> Self {
        self.system = SharedSystem(system);
        self
    }

    /// For a topic whose MaximumMessageSize is not 256 KiB. A row may have 400 KB (DynamoDB).
    #[must_use]
    pub fn size_limit(mut self, bytes: usize) -> Self {
        self.size_limit = bytes;
        self
    }

    /// For a relay and a sweeper that have a payload store: an event may be as large as a row can be, 392 KiB, and
    /// if the topic does not take it, they publish a reference. Larger ones:
    /// [`put_with_payload`](Self::put_with_payload).
    #[must_use]
    pub fn claim_check_by_relay(mut self) -> Self {
        self.size_limit = MOST_ROW_BYTES;
        self.limited_by = "an outbox row";
        self
    }

    /// Wraps data as an event that happens now and follows from what this task handles.
    pub fn event<T: Event>(&self, data: T) -> Envelope<T> {
        Envelope::new(&*self.system, self.source.as_ref(), data)
    }

    /// The write of one event, for a transaction: [`Tx::put`](crate::Tx::put) or the caller's own.
    /// Costs two write units per KB in it, and one per KB to be deleted.
    ///
    /// # Errors
    /// If the event cannot be serialised or is too large for the topic: it could never be published.
    pub fn put<T: Event>(&self, event: &Envelope<T>) -> Result<Put, OutboxError> {
        let outgoing = serialised(event)?;
        match outgoing.misfit(self.size_limit, self.limited_by) {
            Some(problem) => Err(refuse(event, problem)),
            None => self.row(event, outgoing),
        }
    }

    /// As [`put`](Self::put), for an event of any size that the store takes: if it is too large for a row, its data is
    /// stored here and now, before the transaction, and the row has the reference. The relay needs no store
    /// for it. If the transaction does not commit, the store lets the data go in time as any other.
    ///
    /// # Errors
    /// If the event cannot be serialised, is too large for the store, or cannot be stored now.
    pub async fn put_with_payload<T: Event>(
        &self,
        event: &Envelope<T>,
        payloads: &dyn PayloadStore,
    ) -> Result<Put, OutboxError> {
        let outgoing = serialised(event)?;
        let fits = outgoing.misfit(self.size_limit, self.limited_by).is_none();
        let Some(checked_in) = CheckedIn::new(&outgoing).filter(|_| !fits) else {
            return self.put(event);
        };
        if let Some(problem) = checked_in.outgoing.misfit(self.size_limit, self.limited_by) {
            return Err(refuse(event, format!("without its data {problem}")));
        }
        store(payloads, &checked_in)
            .await
            .map_err(|NotStored { reason, .. }| refuse(event, reason))?;
        self.row(event, checked_in.outgoing)
    }

    fn row<T>(&self, event: &Envelope<T>, outgoing: Outgoing) -> Result<Put, OutboxError> {
        let row = Row::new(outgoing, event.metadata.timestamp);
        Put::builder()
            .table_name(self.table.as_ref())
            .set_item(Some(row.into_item()))
            .build()
            .map_err(|error| refuse(event, error.to_string()))
    }
}

fn serialised<T: Event>(event: &Envelope<T>) -> Result<Outgoing, OutboxError> {
    Outgoing::new(event).map_err(|error| refuse(event, format!("cannot be serialised: {error}")))
}

fn refuse<T>(event: &Envelope<T>, problem: String) -> OutboxError {
    OutboxError {
        event_id: event.id().to_owned(),
        problem,
    }
}
