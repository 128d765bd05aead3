//! Backpressure (D7): layers for [`Worker::layer`](crate::Worker::layer) that protect what handlers call.
//!
//! Each is a state machine without clock or I/O and a thin tower service around it. What one could get
//! wrong: their state belongs to one process. In Lambda that is one execution environment, of which a
//! queue may have as many as its mapping's `MaximumConcurrency`. Environments do not know of each other:
//! that would take a call to a shared store for every message, and one more thing that can be down.
//!
//! The order: what [`map_failure`](crate::Worker::map_failure) decides first, so that others see it; the
//! breaker last, and so the first to see a call: what it refuses takes no token.
//!
//! ```
//! use std::num::NonZeroU32;
//! use fanline::{Envelope, Failure, Worker, layers::{CircuitBreaker, RateLimit}};
//! # use serde::{Deserialize, Serialize};
//! # #[derive(Serialize, Deserialize)] struct OrderPlaced {}
//! # impl fanline::Event for OrderPlaced { const TYPE: &'static str = "order.placed"; }
//! # async fn charge(_: Envelope<OrderPlaced>) -> Result<(), Failure> { Ok(()) }
//! const PER_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();
//!
//! let worker = Worker::new(())
//!     .on(charge)
//!     .layer(RateLimit::per_second(PER_SECOND))
//!     .layer(CircuitBreaker::new());
//! ```

mod circuit_breaker;
mod rate_limit;

use std::time::Duration;

pub use circuit_breaker::CircuitBreaker;
use jiff::Timestamp;
pub use rate_limit::RateLimit;

/// `wait` after `now`; a wait without end ends with time itself.
fn after(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
