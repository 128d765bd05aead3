//! The engine as clients see it: unmodified AWS SDKs over HTTP.

mod dynamodb;
mod fixture;
mod protocol;
mod sns;
mod sqs;
mod sqs_fifo;
mod sqs_refusals;
