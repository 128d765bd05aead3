//! What every implementation of a trait must do, as suites that any of them can be put through.

mod dedup_store;

pub use dedup_store::{dedup_store, dedup_store_follows_model};
