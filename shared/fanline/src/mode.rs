//! How often a handler's effect may happen, chosen per handler.
//!
//! What could be got wrong is to expect more of a mode than it can give: [`Mode`] says what each costs and
//! cannot do.

use std::future::Future;

use crate::{Delivery, Envelope, Failure, Handler, RetryPlan};

/// How a handler is deduplicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The default. A lease is taken before the handler runs and completed after it succeeded: it runs
    /// again if the process dies in between, never beside itself, and never once it is done. For
    /// 25 messages 2 calls to the store, 2 write units a message.
    AtLeastOnce,
    /// The handler takes a transaction (in `fanline-aws`, `Tx`). It may run again; its writes happen once.
    /// A call for each message; each item that it writes, the dedup record included, costs 2 write
    /// units. Effects outside the transaction do not take part.
    EffectivelyOnce,
    /// [`at_most_once`]. The event is marked as done before the handler runs: it never runs again, and not
    /// at all if the process dies in between, or the answer to the mark is lost. A call for each message,
    /// 2 write units.
    AtMostOnce,
}

/// Never runs a handler twice for one event: for effects that are worse twice than not at all.
///
/// What fails is not tried again. It goes to the dead-letter queue with its error, to be looked at: brought
/// back from there it is recognised as done, unless it gets another event id.
///
/// ```
/// use fanline::{Envelope, Failure, Worker, at_most_once};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Serialize, Deserialize)] struct PasswordForgotten { phone: String }
/// # impl fanline::Event for PasswordForgotten { const TYPE: &'static str = "password.forgotten"; }
/// async fn text_code(event: Envelope<PasswordForgotten>) -> Result<(), Failure> { Ok(()) }
///
/// let worker = Worker::new(()).on(at_most_once(text_code));
/// ```
pub fn at_most_once<H>(handler: H) -> AtMostOnce<H> {
    AtMostOnce { handler }
}

/// A handler that never runs twice for one event, made by [`at_most_once`].
#[derive(Clone, Debug)]
pub struct AtMostOnce<H> {
    handler: H,
}

impl<S, Arguments, H: Handler<S, Arguments>> Handler<S, Arguments> for AtMostOnce<H> {
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
        self.handler.key(event)
    }

    fn retry_plan(&self) -> Option<&RetryPlan> {
        self.handler.retry_plan()
    }

    fn mode(&self) -> Mode {
        Mode::AtMostOnce
    }
}
