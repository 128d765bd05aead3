//! Fanline on AWS: the Lambda entry point and the adapters for SQS, SNS and DynamoDB.
//!
//! The only crate of the framework that names an AWS crate. [`run`] is a function's `main`;
//! [`Tx`] makes a handler effectively-once; [`Publisher`] sends events to a topic.

mod clients;
mod describe;
pub mod dynamodb;
mod environment;
mod error;
mod lambda;
mod publisher;
mod queue;
mod system;

pub use aws_config::SdkConfig;
pub use clients::{sdk_config, sdk_config_for};
pub use describe::describe;
pub use dynamodb::{DynamoStore, Tx};
pub use environment::{Environment, InvalidEnvironment};
pub use error::Error;
pub use lambda::run;
pub use publisher::{DEFAULT_SIZE_LIMIT, PublishError, Publisher, RefusedEvent};
pub use queue::SqsQueue;
pub use system::RealSystem;

/// The README's example, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
