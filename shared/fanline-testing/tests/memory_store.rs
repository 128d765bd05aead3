//! The in-memory store keeps the contract of dedup stores.

use std::sync::Arc;

use fanline_testing::{MemoryStore, contract};
use proptest::prelude::*;

#[tokio::test]
async fn keeps_the_contract() {
    contract::dedup_store(Arc::new(MemoryStore::default()), "run").await;
}

proptest! {
    #[test]
    fn follows_the_model(choices in proptest::collection::vec(any::<u16>(), 0..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = Arc::new(MemoryStore::default());
        runtime.block_on(contract::dedup_store_follows_model(store, "run", &choices));
    }
}
