//! The in-memory payload store keeps the contract.

use std::sync::Arc;

use fanline_testing::{MemoryPayloads, contract};

#[tokio::test]
async fn keeps_the_contract() {
    contract::payload_store(Arc::new(MemoryPayloads::default()), "run").await;
}
