//! Event source mappings, as AWS documents them: what polls a queue, here, or reads a table's
//! stream, in [`stream`], and invokes a function with what it finds.
//!
//! The one thing to get wrong: taking for handled what was not. [`settle`] decides, alone and
//! without I/O; whatever it cannot read leaves everything where it is.

mod batch;
mod delete;
mod deliver;
mod fed;
mod filter;
mod handle;
mod poller;
mod record;
mod report;
mod settle;
mod spec;
pub mod stream;

pub use fed::Fed;
pub use filter::{Filter, InvalidPattern};
pub use handle::Mapping;
pub use report::{MappingEvent, ReceivedMessage};
pub use settle::{Settlement, settle};
pub use spec::{InvalidMapping, MappingSpec};
