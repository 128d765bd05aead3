//! The local Lambda service and the event source mapping, run against real processes of the
//! `echo_function` example. No test sleeps: processes report to a gate and wait there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fake_sqs;
mod lambda;
mod mapping;
mod support;
