//! What every implementation of a trait must do, as suites that any of them can be put through.

mod dedup_store;
mod payload_store;
mod publisher;
mod source_queue;

pub use dedup_store::{dedup_store, dedup_store_follows_model};
pub use payload_store::payload_store;
pub use publisher::{PublisherUnderTest, publisher};
pub use source_queue::{QueueUnderTest, source_queue};
