//! Large events through the outbox.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use fanline::{RawEvent, System, claim_check::PayloadStore};
use fanline_aws::{
    Publisher, RealSystem,
    outbox::{Outbox, Relay, Swept},
};
use fanline_testing::{Fault, MemoryPayloads};

use crate::cloud::{Cloud, report};

async fn write(cloud: &Cloud, put: Put) {
    let write = cloud.dynamodb.transact_write_items();
    let write = write.transact_items(TransactWriteItem::builder().put(put).build());
    write.send().await.unwrap();
}

async fn sweep(cloud: &Cloud, publisher: Publisher) -> Swept {
    let relay = Relay::new(cloud.dynamodb.clone(), "outbox", publisher);
    let later = RealSystem.now() + Duration::from_secs(60);
    relay.sweep(later).await.unwrap()
}

#[tokio::test]
async fn relay_checks_in_what_a_row_holds_and_a_topic_does_not() {
    let cloud = Cloud::start().await;
    let topic = cloud.create_topic("reports.fifo").await;
    let queue = cloud.subscribe(&topic, "reports.fifo", true).await;
    let payloads = MemoryPayloads::default().with_faults([Fault::Before]);
    let outbox = Outbox::new("outbox", "tests").claim_check_by_relay();
    let event = outbox.event(report("a", 300_000));
    let put = outbox.put(&event).unwrap();
    write(&cloud, put).await;

    let without = sweep(&cloud, cloud.publisher(&topic)).await;
    assert!(
        without.failed[0].contains("refused for good"),
        "{without:?}"
    );
    let publisher = cloud.publisher(&topic);
    let publisher = publisher.claim_check(Arc::new(payloads.clone()));
    let away = sweep(&cloud, publisher.clone()).await;
    assert!(away.failed[0].contains("could not be stored"), "{away:?}");
    assert_eq!(sweep(&cloud, publisher).await.published, 1);
    let messages = cloud.take(&queue).await;
    let reference = RawEvent::decode(&messages[0]).unwrap().data_ref.unwrap();
    let data = payloads.payloads()[reference.key()].clone();
    assert_eq!(data, serde_json::to_string(&event.data).unwrap());

    let error = outbox.put(&outbox.event(report("a", 410_000)));
    let error = error.unwrap_err().to_string();
    let reason =
        "bytes with attributes, an outbox row takes 401408; make it smaller or send a reference";
    assert!(error.ends_with(reason), "{error}");
    cloud.server.shutdown().await;
}

/// The largest event that the outbox lets through makes an item that DynamoDB takes.
#[tokio::test]
async fn largest_row_is_an_item() {
    let cloud = Cloud::start().await;
    let outbox = Outbox::new("outbox", "tests").claim_check_by_relay();
    let entity = "e".repeat(2_000);
    let mut largest = None;
    for size in (380_000..402_000).step_by(500) {
        let mut data = report(&entity, 0);
        data.text = "x".repeat(size);
        largest = outbox.put(&outbox.event(data)).ok().or(largest);
    }
    write(&cloud, largest.unwrap()).await;
    cloud.server.shutdown().await;
}

#[tokio::test]
async fn event_of_any_size_is_a_small_row_whose_relay_needs_no_store() {
    let cloud = Cloud::start().await;
    let topic = cloud.create_topic("reports").await;
    let queue = cloud.subscribe(&topic, "reports-queue", true).await;
    let payloads = MemoryPayloads::of_at_most(4_000_000).with_faults([Fault::Before]);
    let outbox = Outbox::new("outbox", "tests");
    let event = outbox.event(report("a", 2_000_000));
    let refused = outbox.put_with_payload(&event, &payloads).await;
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.ends_with("its data could not be stored: injected fault"),
        "{refused}"
    );
    for event in [event, outbox.event(report("a", 10))] {
        let put = outbox.put_with_payload(&event, &payloads).await.unwrap();
        write(&cloud, put).await;
    }
    assert_eq!(payloads.payloads().len(), 1);
    assert_eq!(sweep(&cloud, cloud.publisher(&topic)).await.published, 2);
    assert_eq!(cloud.take(&queue).await.len(), 2);

    let event = outbox.event(report("a", 4_000_000));
    let error = outbox.put_with_payload(&event, &payloads).await;
    let error = error.unwrap_err().to_string();
    let limit = payloads.size_limit();
    let reason = format!("the payload store takes {limit}; make it smaller");
    assert!(error.ends_with(&reason), "{error}");
    cloud.server.shutdown().await;
}
