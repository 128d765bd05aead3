//! What the `fanline` command is made of, as a library, so that each part can be tested alone.
//!
//! - [`lambda`] runs unmodified function binaries as AWS Lambda would.
//! - [`mapping`] polls queues and invokes functions as Lambda's SQS event source mapping does.

pub mod lambda;
pub mod mapping;
