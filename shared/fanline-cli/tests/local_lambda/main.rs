//! The local Lambda service and the event source mappings, run against real processes of the
//! `echo_function` example. No test sleeps to wait for something to have happened: processes
//! report to a gate and wait there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod batches;
mod endings;
mod failures;
mod fake_sqs;
mod invocations;
mod rig;
mod schedules;
mod starts;
mod streams;
mod support;
mod urls;
