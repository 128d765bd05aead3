//! Batches through the whole pipeline, on the in-memory store.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backpressure;
mod crashes;
mod keys;
mod layers;
mod order;
mod outcomes;
mod properties;
mod renewal;
mod retries;
mod world;
