//! Fanline on AWS: a worker's `main`, in Lambda or outside it, and the adapters for SQS, SNS, DynamoDB and S3.
//!
//! The only crate of the framework that names an AWS crate. [`run`] is a worker's `main`;
//! [`Tx`] makes a handler effectively-once; [`Publisher`] sends events to a topic.

mod attribute;
mod clients;
mod describe;
pub mod dynamodb;
mod environment;
mod error;
pub mod http;
mod lambda;
pub mod outbox;
pub mod payloads;
mod poller;
mod publisher;
mod queue;
mod run;
mod system;

pub use attribute::{attribute_to_send, received_attributes};
pub use aws_config::SdkConfig;
pub use clients::{sdk_config, sdk_config_for};
pub use describe::describe;
pub use dynamodb::{DynamoStore, Tx};
pub use environment::{Environment, InvalidEnvironment};
pub use error::Error;
pub use fanline::publish::{DEFAULT_SIZE_LIMIT, PublishError, RefusedEvent};
pub use poller::Poller;
pub use publisher::Publisher;
pub use queue::SqsQueue;
pub use run::run;
pub use system::RealSystem;

/// The README's example, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// That guide's examples, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/effects.md")]
struct Effects;

/// That guide's example, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/large-events.md")]
struct LargeEvents;

/// That guide's examples, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/testing.md")]
struct Testing;
