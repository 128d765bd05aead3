//! The engine in virtual time: real SDK requests in this process, on tokio's paused clock.
//!
//! Times are exact here: a poll that ends a millisecond late fails its test.

mod liberties;
mod long_polls;
mod move_tasks;
mod redrive;
#[path = "../sdk/mod.rs"]
mod sdk;
mod world;
