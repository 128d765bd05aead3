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
use fanline::{Envelope, Event, publish::Outgoing};

use crate::{DEFAULT_SIZE_LIMIT, RealSystem};

pub use lambda::{run_relay, run_sweeper};
pub use relay::{Relay, Relayed, Swept};
pub use row::Row;

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
        }
    }

    /// For a topic whose MaximumMessageSize is not 256 KiB. A row may have 400 KB (DynamoDB).
    #[must_use]
    pub fn size_limit(mut self, bytes: usize) -> Self {
        self.size_limit = bytes;
        self
    }

    /// Wraps data as an event that happens now and follows from what this task handles.
    pub fn event<T: Event>(&self, data: T) -> Envelope<T> {
        Envelope::new(&RealSystem, self.source.as_ref(), data)
    }

    /// The write of one event, for a transaction: [`Tx::put`](crate::Tx::put) or the caller's own.
    /// Costs two write units per KB in it, and one per KB to be deleted.
    ///
    /// # Errors
    /// If the event cannot be serialised or is too large for the topic: it could never be published.
    pub fn put<T: Event>(&self, event: &Envelope<T>) -> Result<Put, OutboxError> {
        let refuse = |problem: String| OutboxError {
            event_id: event.id().to_owned(),
            problem,
        };
        let outgoing = Outgoing::new(event)
            .map_err(|error| refuse(format!("cannot be serialised: {error}")))?;
        if let Some(problem) = crate::publisher::misfit(&outgoing, self.size_limit) {
            return Err(refuse(problem));
        }
        let row = Row::new(outgoing, event.metadata.timestamp);
        Put::builder()
            .table_name(self.table.as_ref())
            .set_item(Some(row.into_item()))
            .build()
            .map_err(|error| refuse(error.to_string()))
    }
}
