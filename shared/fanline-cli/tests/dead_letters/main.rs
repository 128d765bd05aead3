//! `fanline dlq` and `fanline queues`, the binary itself, on the embedded engine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod kills;
mod list;
mod redrive;
mod refusals;
mod rig;
