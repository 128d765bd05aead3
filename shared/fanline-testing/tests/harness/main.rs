//! What users' tests do with the harness.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod deliveries;
mod faults;
mod modes;
mod rig;
