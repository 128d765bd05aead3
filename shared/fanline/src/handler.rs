//! What can handle an event: an async function of an envelope and extractors.

use std::future::Future;

use crate::{Delivery, Envelope, Event, Extract, Failure, Mode, RetryPlan};

/// An async function `(Envelope<E>, extractors…) -> Result<(), Failure>`.
///
/// Implemented for functions and closures with up to four extractors. `Arguments` only tells
/// the implementations apart; it is never named by hand.
#[diagnostic::on_unimplemented(
    message = "this is not a Fanline handler for a worker whose state is `{S}`",
    label = "not a handler",
    note = "a handler is `async fn name(event: Envelope<YourEvent>, State(app): State<{S}>) -> Result<(), Failure>`: the envelope first, then extractors, all owned",
    note = "the event type implements `fanline::Event`; extractors are `State<{S}>`, `Metadata`, `Attempt`, `Deadline` and, with fanline-aws, `Tx`",
    note = "its future must be Send: hold no Rc, RefCell or std MutexGuard across an await"
)]
pub trait Handler<S, Arguments>: Clone + Send + Sync + 'static {
    /// The event it handles.
    type Event: Event;

    /// Whether one of its extractors wants a transaction.
    const TRANSACTIONAL: bool;

    /// Runs it.
    fn call(
        self,
        event: Envelope<Self::Event>,
        state: S,
        delivery: Delivery,
    ) -> impl Future<Output = Result<(), Failure>> + Send + 'static;

    /// The idempotency key for this event, if not the event id.
    fn key(&self, event: &Envelope<Self::Event>) -> Option<String> {
        let _ = event;
        None
    }

    /// Its own retry plan, if not the worker's.
    fn retry_plan(&self) -> Option<&RetryPlan> {
        None
    }

    /// How it is deduplicated.
    fn mode(&self) -> Mode {
        match Self::TRANSACTIONAL {
            true => Mode::EffectivelyOnce,
            false => Mode::AtLeastOnce,
        }
    }
}

/// Deduplicates by a business key of the event in place of its id: two events with the same
/// key have their effect once.
///
/// ```
/// use fanline::{Envelope, Failure, Worker, keyed};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)] struct Invoice { number: String }
/// # impl fanline::Event for Invoice { const TYPE: &'static str = "invoice.issued"; }
/// async fn book(event: Envelope<Invoice>) -> Result<(), Failure> { Ok(()) }
///
/// let worker = Worker::new(()).on(keyed(book, |invoice: &Invoice| invoice.number.clone()));
/// ```
pub fn keyed<H, K>(handler: H, key: K) -> Keyed<H, K> {
    Keyed { handler, key }
}

/// A handler with a business key, made by [`keyed`].
#[derive(Clone, Debug)]
pub struct Keyed<H, K> {
    handler: H,
    key: K,
}

impl<S, Arguments, H, K> Handler<S, Arguments> for Keyed<H, K>
where
    H: Handler<S, Arguments>,
    K: Fn(&H::Event) -> String + Clone + Send + Sync + 'static,
{
    type Event = H::Event;

    const TRANSACTIONAL: bool = H::TRANSACTIONAL;

    fn call(
        self,
        event: Envelope<Self::Event>,
        state: S,
        delivery: Delivery,
    ) -> impl Future<Output = Result<(), Failure>> + Send + 'static {
        self.handler.call(event, state, delivery)
    }

    fn key(&self, event: &Envelope<Self::Event>) -> Option<String> {
        Some((self.key)(&event.data))
    }

    fn retry_plan(&self) -> Option<&RetryPlan> {
        self.handler.retry_plan()
    }

    fn mode(&self) -> Mode {
        self.handler.mode()
    }
}

macro_rules! handler_of {
    ($($extractor:ident)*) => {
        impl<S, E, F, Fut, $($extractor,)*> Handler<S, (E, $($extractor,)*)> for F
        where
            S: Send + Sync + 'static,
            E: Event,
            F: Fn(Envelope<E>, $($extractor,)*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = Result<(), Failure>> + Send + 'static,
            $($extractor: Extract<S> + 'static,)*
        {
            type Event = E;

            const TRANSACTIONAL: bool = false $(|| $extractor::TRANSACTIONAL)*;

            async fn call(self, event: Envelope<E>, state: S, delivery: Delivery) -> Result<(), Failure> {
                // A handler without extractors needs neither.
                let _for_extractors = (&state, &delivery);
                self(event, $($extractor::extract(&state, &delivery)?,)*).await
            }
        }
    };
}

handler_of!();
handler_of!(A);
handler_of!(A B);
handler_of!(A B C);
handler_of!(A B C D);
