//! The SQS event source mapping: polls one queue, gathers batches, invokes a function, and deletes
//! what the function has handled, as AWS documents it.
//!
//! The one thing to get wrong: deleting a message that was not handled. [`settle`] decides, alone
//! and without I/O; whatever it cannot read deletes nothing.

mod batch;
mod delete;
mod deliver;
mod filter;
mod handle;
mod poller;
mod record;
mod report;
mod settle;
mod spec;

pub use filter::{Filter, InvalidPattern};
pub use handle::Mapping;
pub use report::{MappingEvent, ReceivedMessage};
pub use settle::{Settlement, settle};
pub use spec::{InvalidMapping, MappingSpec};
