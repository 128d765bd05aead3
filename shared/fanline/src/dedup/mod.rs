//! Deduplication (M3): a lease while a message is being handled, a mark once it is done.
//!
//! [`Record`] is the whole of the logic, without I/O; a [`DedupStore`] executes it
//! atomically. The one thing to get wrong is to write without checking the owner: a worker
//! whose lease was taken over must change nothing any more.

mod fingerprint;
mod record;
mod store;

pub(crate) use fingerprint::fingerprint;
pub use record::{Claim, Record, Refusal, Status};
pub use store::{
    ClaimAnswer, CommitAnswer, DedupStore, SettleAnswer, SettleAs, Settlement, Transaction,
};

#[cfg(test)]
mod tests;
