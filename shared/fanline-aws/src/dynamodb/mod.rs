//! The dedup table in DynamoDB (design section 6).
//!
//! Partition key `id` (String), TTL attribute `expires_at`. Leases go through
//! BatchExecuteStatement, 25 per call; transactions through TransactWriteItems.

mod item;
mod statements;
mod store;
mod transaction;

pub use store::DynamoStore;
pub use transaction::{DynamoTransaction, Tx};
