//! Events too large for their topic, on the engine's DynamoDB, SNS and SQS; payloads in S3 on LocalStack.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cloud;
mod contract;
mod outbox;
mod publisher;
mod round_trip;
#[cfg(feature = "s3")]
mod s3;
