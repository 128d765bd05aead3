//! Claim checks on AWS: where data waits that is too large for messages, in S3 or DynamoDB.
//!
//! What could be got wrong is how long it waits. Nobody deletes a payload; a bucket needs a lifecycle rule,
//! a table TTL on `expires_at`, and both must keep payloads for as long as a message can be in an outbox, a
//! queue and a dead-letter queue together, and then be redriven.

mod dynamodb;
#[cfg(feature = "s3")]
mod s3;
mod settings;

pub use dynamodb::DynamoPayloads;
#[cfg(feature = "s3")]
pub use s3::S3Payloads;
pub use settings::PayloadSettings;
