//! Handlers as a tower service, so that tower layers can wrap them.
//!
//! The order is fixed, outermost first: deadline, dedup, the worker's layers, panic capture,
//! handler. The first two live in [`batch`](crate::batch) and are outside any layer's reach:
//! whatever a layer does, the lease is given back.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    task::{Context, Poll},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Future},
};
use tower::{Service, util::BoxCloneSyncService};

use crate::{Delivery, Failure};

/// One handler call, on its way through the layers.
pub struct Call {
    pub(crate) delivery: Delivery,
    pub(crate) run: Run,
}

/// A handler with its event, waiting for the delivery.
pub(crate) type Run =
    Box<dyn FnOnce(Delivery) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// What the worker's layers wrap.
pub type HandlerService = BoxCloneSyncService<Call, (), Failure>;

impl Call {
    /// What is known of the delivery.
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }
}

/// Runs the handler; a panic becomes a failure that is retried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CapturePanics;

impl Service<Call> for CapturePanics {
    type Response = ();
    type Error = Failure;
    type Future = BoxFuture<'static, Result<(), Failure>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        // The handler's own code runs before its first await too: so it is made inside.
        Box::pin(capture_panics(
            async move { (call.run)(call.delivery).await },
        ))
    }
}

/// Runs a future to its end or its panic.
pub(crate) async fn capture_panics(
    future: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    // What the handler leaves behind is dropped with the future; shared state is the
    // application's, whose mutexes poison themselves.
    AssertUnwindSafe(future)
        .catch_unwind()
        .await
        .unwrap_or_else(|payload| {
            Err(Failure::retry(format!(
                "handler panicked: {}",
                panic_text(payload.as_ref())
            )))
        })
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no message)")
}
