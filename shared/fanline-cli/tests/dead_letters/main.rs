//! `fanline dlq` and `fanline queues`, the binary itself, on the embedded engine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod edit;
mod kills;
mod list;
mod purge;
mod queues;
mod redrive;
mod refusals;
mod rig;
