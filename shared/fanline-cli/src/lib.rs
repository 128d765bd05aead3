//! What the `fanline` command is made of, as a library, so that each part can be tested alone.
//!
//! - [`dev`] runs a template's functions and queues on this machine.
//! - [`check`] compares a template with what its workers say of themselves.
//! - [`engine`] serves SQS, SNS and DynamoDB alone.
//! - [`publish`] sends events to a topic, from the command line or a file.
//! - [`dlq`] looks at dead letters, mends them and brings them back.
//! - [`queues`] shows how full queues are.
//! - [`simulate`] runs workers in worlds that a seed decides.
//! - [`template`] reads `template.yaml` as CloudFormation would.
//! - [`lambda`] runs unmodified function binaries as AWS Lambda would.
//! - [`function_url`] serves functions over HTTP.
//! - [`schedule`] invokes functions by the clock, as EventBridge does.
//! - [`simulate`] has the simulations that need AWS.
//! - [`mapping`] polls queues and invokes functions as Lambda's SQS event source mapping does.

mod advice;
pub mod aws;
mod build;
pub mod check;
pub mod dev;
pub mod dlq;
pub mod engine;
mod error;
pub mod function_url;
mod interrupt;
mod json_text;
pub mod lambda;
pub mod mapping;
mod output;
mod project;
pub mod publish;
mod queue;
pub mod queues;
pub mod schedule;
pub mod simulate;
mod suggest;
mod table;
pub mod template;

pub use error::Error;
