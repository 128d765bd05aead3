//! The rate limit as a tower service: a line of calls, of which the first waits for its token.

use std::{
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tower::Service;

use super::bucket::Bucket;
use crate::{Call, Delivery, Failure, delivery::remaining, layers::after};

/// What [`RateLimit`](super::RateLimit) makes of what it wraps.
#[derive(Clone, Debug)]
pub struct RateLimitService<Inner> {
    pub(super) inner: Inner,
    pub(super) line: Arc<Line>,
    pub(super) margin: Duration,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) bucket: Mutex<Bucket>,
    /// Held by who is first, while waiting; tokio's mutex lets in by order of arrival.
    first: tokio::sync::Mutex<()>,
}

impl<Inner> Service<Call> for RateLimitService<Inner>
where
    Inner: Service<Call, Response = (), Error = Failure> + Clone + Send + 'static,
    Inner::Future: Send + 'static,
{
    type Response = ();
    type Error = Failure;
    type Future = BoxFuture<'static, Result<(), Failure>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        // The one that was asked whether it is ready is the one to call.
        let unasked = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, unasked);
        let (line, margin) = (Arc::clone(&self.line), self.margin);
        Box::pin(async move {
            line.token(&call.delivery, margin).await?;
            inner.call(call).await
        })
    }
}

impl Line {
    pub(super) fn new(bucket: Bucket) -> Self {
        Self {
            bucket: Mutex::new(bucket),
            first: tokio::sync::Mutex::new(()),
        }
    }

    /// Waits for a token, unless it would come too late.
    async fn token(&self, delivery: &Delivery, margin: Duration) -> Result<(), Failure> {
        let now = delivery.system.now();
        let _place = self.join(now, delivery.deadline, margin)?;
        let _first = self.first.lock().await;
        let mut now = delivery.system.now();
        loop {
            let taken = self.bucket().take(now);
            let Err(at) = taken else { return Ok(()) };
            tokio::time::sleep(remaining(at, now)).await;
            // Having slept counts, also where a clock stands still, as in tests.
            now = at.max(delivery.system.now());
        }
    }

    fn join(
        &self,
        now: Timestamp,
        deadline: Timestamp,
        margin: Duration,
    ) -> Result<Place<'_>, Failure> {
        let mut bucket = self.bucket();
        let token_at = bucket.next_free(now);
        if now < token_at && deadline < after(token_at, margin) {
            let wait = remaining(token_at, now);
            return Err(Failure::retry_after(wait, NoToken { wait }));
        }
        bucket.join();
        Ok(Place { line: self })
    }

    // Nothing inside leaves it half changed.
    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the line; whoever gives up waiting is no longer in the others' way.
struct Place<'line> {
    line: &'line Line,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.line.bucket().leave();
    }
}

/// Why a call was not run; the breaker knows it by this, since it tells nothing about what is called.
#[derive(Debug)]
pub(crate) struct NoToken {
    wait: Duration,
}

impl fmt::Display for NoToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.wait.as_secs_f64();
        write!(
            formatter,
            "rate limit: the next token comes in {seconds:.1} s, too late for this invocation"
        )
    }
}

impl std::error::Error for NoToken {}
