//! Flows across crates, as a user would see them: the command, the functions' binaries and the
//! engine, run from outside.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod boundaries;
mod dev;
mod endpoint;
mod engine;
mod events_file;
mod fifo;
mod lambda_event;
mod signups;
mod topics;
