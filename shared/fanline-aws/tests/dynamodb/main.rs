//! The DynamoDB store against a real DynamoDB implementation, over HTTP, through the SDK.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calls;
mod contract;
mod harness;
mod table;
mod tx;
