//! The store keeps the same contract as the one in memory.

use std::sync::Arc;

use fanline_aws::{DynamoStore, RealSystem};
use fanline_testing::contract;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::table::Table;

#[tokio::test]
async fn keeps_the_contract() {
    let table = Table::start().await;
    let store = DynamoStore::new(table.client.clone(), Table::NAME, Arc::new(RealSystem));
    contract::dedup_store(Arc::new(store), "run").await;
    table.stop().await;
}

/// Any sequence of calls, answer by answer as the state machine says.
#[tokio::test]
async fn follows_the_model() {
    let table = Table::start().await;
    let store = Arc::new(DynamoStore::new(
        table.client.clone(),
        Table::NAME,
        Arc::new(RealSystem),
    ));
    let mut runner = TestRunner::default();
    let choices = proptest::collection::vec(any::<u16>(), 40);
    for run in 0..30 {
        let choices = choices.new_tree(&mut runner).unwrap().current();
        contract::dedup_store_follows_model(store.clone(), &format!("run-{run}"), &choices).await;
    }
    table.stop().await;
}
