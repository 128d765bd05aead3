//! The dedup table in DynamoDB (design section 6).
//!
//! Partition key `id` (String), TTL attribute `expires_at`. Leases go through
//! BatchExecuteStatement, 25 per call; transactions through TransactWriteItems.

mod item;
mod sequence;
mod size;
mod statements;
mod store;
mod transaction;
mod tx;
mod verdict;

pub use sequence::Sequence;
pub use store::DynamoStore;
pub use transaction::DynamoTransaction;
pub use tx::{Tx, Write};
