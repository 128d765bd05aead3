//! What new events follow from: carried along by the task that handles a message or a request.
//!
//! Nothing is lost if it is missing, only the thread from event to event. A task that a handler spawns
//! does not inherit it: take [`Cause::current`] along and [`scope`](Cause::scope) there.

use crate::Metadata;

tokio::task_local! {
    static CURRENT: Cause;
}

/// The thread that new events continue: [`Metadata::new`] reads it.
///
/// Around every handler there is one made of the message it handles; at the edge of the system, where a
/// request comes in, the application makes the first.
///
/// ```
/// # use fanline::{Cause, Metadata, System, Timestamp};
/// # struct Fixed;
/// # impl System for Fixed {
/// #     fn now(&self) -> Timestamp { Timestamp::UNIX_EPOCH }
/// #     fn random(&self) -> u128 { 7 }
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let request = Cause { correlation_id: Some("request-7".into()), ..Cause::default() };
/// let metadata = request.scope(async { Metadata::new(&Fixed, "order-api", 1) }).await;
/// assert_eq!(metadata.correlation_id.as_deref(), Some("request-7"));
/// assert_eq!(Metadata::new(&Fixed, "order-api", 1).correlation_id, None);
/// # });
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// The same for everything that follows from one request.
    pub correlation_id: Option<String>,
    /// Id of the event or command that new events follow from.
    pub causation_id: Option<String>,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

impl Cause {
    /// What follows from an event. Without a correlation id of its own, the event is the first of its thread.
    pub fn of(metadata: &Metadata) -> Self {
        let correlation_id = metadata.correlation_id.clone();
        Self {
            correlation_id: correlation_id.or_else(|| Some(metadata.event_id.clone())),
            causation_id: Some(metadata.event_id.clone()),
            traceparent: metadata.traceparent.clone(),
        }
    }

    /// That of the task that asks; empty outside any.
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_default()
    }

    /// Events that the future makes follow from this.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }
}
