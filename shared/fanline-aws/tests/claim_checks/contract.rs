//! The payload stores keep the contract, and what only a store of several items can get wrong.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use fanline::claim_check::{DataRef, Fetched, PayloadStore};
use fanline_aws::payloads::DynamoPayloads;
use fanline_testing::{ManualSystem, contract};

use crate::cloud::Cloud;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn dynamodb_keeps_the_contract() {
    let cloud = Cloud::start().await;
    contract::payload_store(cloud.payloads(), "run").await;
    cloud.server.shutdown().await;
}

#[tokio::test]
async fn payload_is_over_when_its_time_is_and_may_be_put_again() {
    let cloud = Cloud::start().await;
    let system = Arc::new(ManualSystem::default());
    let store = DynamoPayloads::new(cloud.dynamodb.clone(), "payloads", Arc::clone(&system) as _);
    let data = "x".repeat(800_000);
    let reference = DataRef::new("e-1", &data);
    let fetch = || store.fetch(reference.key(), reference.bytes());
    store.put(reference.key(), &data).await.unwrap();
    system.advance(DAY * 27);
    assert!(matches!(fetch().await, Ok(Fetched::Found(_))));
    // Published again, it stays for as long as a new one.
    store.put(reference.key(), &data).await.unwrap();
    system.advance(DAY * 27);
    assert!(matches!(fetch().await, Ok(Fetched::Found(_))));
    // Whether or not TTL has deleted anything.
    system.advance(DAY);
    assert_eq!(fetch().await, Ok(Fetched::Missing));
    store.put(reference.key(), &data).await.unwrap();
    assert!(matches!(fetch().await, Ok(Fetched::Found(_))));
    cloud.server.shutdown().await;
}

/// A publisher that is killed while it puts leaves what nobody sees; one whose items expire is gone as a whole.
#[tokio::test]
async fn a_part_of_a_payload_is_no_payload() {
    let cloud = Cloud::start().await;
    let store = cloud.payloads();
    let data = "x".repeat(1_200_000);
    let reference = DataRef::new("e-1", &data);
    for left_out in ["", "#1", "#2", "#3"] {
        store.put(reference.key(), &data).await.unwrap();
        let id = format!("{}{left_out}", reference.key());
        let delete = cloud.dynamodb.delete_item().table_name("payloads");
        let delete = delete.key("id", AttributeValue::S(id));
        delete.send().await.unwrap();
        let fetched = store.fetch(reference.key(), reference.bytes()).await;
        assert_eq!(fetched, Ok(Fetched::Missing), "without {left_out:?}");
    }
    for parts in ["0", "6", "1000000000"] {
        let foreign = cloud.dynamodb.put_item().table_name("payloads");
        let foreign = foreign
            .item("id", AttributeValue::S(reference.key().to_owned()))
            .item("bytes", AttributeValue::N("1200000".to_owned()))
            .item("parts", AttributeValue::N(parts.to_owned()));
        foreign.send().await.unwrap();
        let fetched = store.fetch(reference.key(), reference.bytes()).await;
        let problem = "it is not what a publisher puts into payloads".to_owned();
        assert_eq!(fetched, Ok(Fetched::Damaged(problem)));
    }
    cloud.server.shutdown().await;
}

#[tokio::test]
async fn table_that_is_away_is_an_error_that_names_it() {
    let cloud = Cloud::start().await;
    let system = Arc::new(ManualSystem::default());
    let store = DynamoPayloads::new(cloud.dynamodb.clone(), "not-there", system);
    let error = store.put("e-1/x", "{}").await.unwrap_err();
    assert!(
        error.starts_with("cannot put into not-there: ResourceNotFoundException"),
        "{error}"
    );
    let error = store.fetch("e-1/x", 2).await.unwrap_err();
    assert!(
        error.starts_with("cannot get from not-there: ResourceNotFoundException"),
        "{error}"
    );
    cloud.server.shutdown().await;
}
