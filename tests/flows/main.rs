//! Flows across crates, as a user would see them: the command, the functions' binaries and the
//! engine, run from outside.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod boundaries;
mod check;
mod cloud;
mod dev;
mod endpoint;
mod engine;
mod events_file;
mod filters;
mod http;
mod lambda_event;
mod order_api;
mod outbox;
mod outside_lambda;
mod scenarios;
mod signups;
mod simulate;
mod topics;
mod web;
