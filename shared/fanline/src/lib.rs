//! The core of Fanline: what decides whether a message is lost, run twice, run out of order
//! or stuck, free of AWS crates, of I/O and of any clock of its own.
//!
//! An application uses [`Worker`], [`Envelope`], [`Event`], the extractors and [`Failure`];
//! an adapter such as `fanline-aws` brings a [`Batch`], a [`dedup::DedupStore`] and a
//! [`System`], a [`SourceQueue`] for each batch, and gets a [`Report`] from a [`Processor`].

mod attribute;
mod batch;
mod cause;
pub mod claim_check;
pub mod dead_letter;
mod decode;
pub mod dedup;
mod delivery;
mod description;
mod envelope;
mod event;
mod failure;
pub mod filter;
mod handler;
pub mod layers;
mod message;
mod mode;
mod outcome;
pub mod publish;
mod queue;
mod report;
mod retry;
mod service;
mod system;
mod worker;

pub use attribute::{Attribute, AttributeValue};
pub use batch::{Grace, InvalidBatch, Processor, Renewal};
pub use cause::Cause;
pub use decode::{RawEvent, Undecodable};
pub use delivery::{Attempt, Deadline, Delivery, Extract, State};
pub use description::{HandlerDescription, WorkerDescription};
pub use envelope::{Envelope, Metadata};
pub use event::Event;
pub use failure::{BoxError, Failure};
pub use filter::FilterPolicy;
pub use handler::{Handler, Keyed, keyed};
pub use jiff::Timestamp;
pub use message::{Batch, Message};
pub use mode::{AtMostOnce, Mode, at_most_once};
pub use outcome::Outcome;
pub use queue::{DeadLetter, NoQueue, SourceQueue, VisibilityChange};
pub use report::{METRICS_NAMESPACE, Report};
pub use retry::{Planned, RetryPlan, planned};
pub use service::{Call, HandlerService};
pub use system::System;
pub use worker::{InvalidWorker, Unknown, Worker};
