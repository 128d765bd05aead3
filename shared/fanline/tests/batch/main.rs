//! Batches through the whole pipeline, on the in-memory store.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backpressure;
mod claim_checks;
mod crashes;
mod keys;
mod layers;
mod modes;
mod order;
mod outcomes;
mod properties;
mod renewal;
mod retries;
mod stalls;
mod world;
