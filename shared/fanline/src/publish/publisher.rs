//! Who takes events to be published, so that a handler which publishes needs no AWS to be tested.
//!
//! What could be got wrong is to count as published what is not known to be: an answer that was lost is
//! a refusal, and publishing the event again under its id is safe.

use std::fmt;

use futures_util::future::BoxFuture;

use super::Outgoing;
use crate::{Envelope, Event, Metadata};

/// A topic, as handlers see it: `fanline_aws::Publisher`, in tests `fanline_testing::RecordingPublisher`.
///
/// A worker's state has an `Arc<dyn Publish>`. [`event`](#method.event) and [`publish`](#method.publish) are
/// methods of `dyn Publish`. Implementations keep `fanline_testing::contract::publisher`.
///
/// ```
/// use std::sync::Arc;
/// use fanline::{Envelope, Event, Failure, State, Worker, publish::Publish};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)] struct OrderPlaced { order_id: String }
/// # impl Event for OrderPlaced { const TYPE: &'static str = "order.placed"; }
/// # #[derive(Serialize, Deserialize)] struct InvoiceIssued { order_id: String }
/// # impl Event for InvoiceIssued { const TYPE: &'static str = "invoice.issued"; }
/// #[derive(Clone)]
/// struct App { publisher: Arc<dyn Publish> }
///
/// async fn invoice(event: Envelope<OrderPlaced>, State(app): State<App>) -> Result<(), Failure> {
///     let order_id = event.data.order_id;
///     let issued = app.publisher.event(InvoiceIssued { order_id });
///     app.publisher.publish(&[issued]).await?;
///     Ok(())
/// }
///
/// fn worker(publisher: Arc<dyn Publish>) -> Worker<App> {
///     Worker::new(App { publisher }).on(invoice)
/// }
/// ```
///
/// A handler that is tried again makes a new event, with another id. Whoever must not see two gives it an id
/// of the handled event, or uses `fanline_aws::outbox`.
pub trait Publish: Send + Sync + 'static {
    /// For an event that happens now, of this schema version.
    fn metadata(&self, version: u32) -> Metadata;

    /// Publishes events of any types, already serialised. `Err` names each that was not, or of which this
    /// is not known; all others were.
    fn send<'a>(&'a self, events: &'a [Outgoing]) -> BoxFuture<'a, Result<(), PublishError>>;
}

impl dyn Publish + '_ {
    /// Wraps data as an event that happens now and follows from what this task handles.
    pub fn event<T: Event>(&self, data: T) -> Envelope<T> {
        let metadata = self.metadata(T::VERSION);
        Envelope { data, metadata }
    }

    /// Publishes events of one type.
    ///
    /// # Errors
    /// If any was not published. Publishing it again with the same event id is safe. If one cannot be
    /// serialised, none is published and that one is named.
    pub async fn publish<T: Event>(&self, events: &[Envelope<T>]) -> Result<(), PublishError> {
        let mut outgoing = Vec::with_capacity(events.len());
        for (index, event) in events.iter().enumerate() {
            outgoing.push(Outgoing::new(event).map_err(|error| PublishError {
                refused: vec![RefusedEvent {
                    index,
                    event_id: event.id().to_owned(),
                    reason: format!("cannot be serialised: {error}"),
                    is_final: true,
                }],
                published: 0,
            })?);
        }
        self.send(&outgoing).await
    }
}

/// Some events were not published; all others were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishError {
    /// The events that are not published, with reasons.
    pub refused: Vec<RefusedEvent>,
    /// How many were.
    pub published: usize,
}

/// An event that was not published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedEvent {
    /// Its place among the events that were given.
    pub index: usize,
    /// Its event id.
    pub event_id: String,
    /// Why.
    pub reason: String,
    /// Whether the topic will never take it; else it may be tried again.
    pub is_final: bool,
}

impl fmt::Display for PublishError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.published + self.refused.len();
        write!(
            formatter,
            "{} of {total} events not published",
            self.refused.len()
        )?;
        if let Some(first) = self.refused.first() {
            write!(
                formatter,
                "; the first, {}: {}",
                first.event_id, first.reason
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for PublishError {}
