//! What a publisher does with events of all sizes.

use std::sync::Arc;

use fanline::{RawEvent, publish::Outgoing};
use fanline_testing::{Fault, MemoryPayloads};

use crate::cloud::{Cloud, report};

#[tokio::test]
async fn only_what_is_too_large_goes_to_the_store() {
    let cloud = Cloud::start().await;
    let topic = cloud.create_topic("reports").await;
    let queue = cloud.subscribe(&topic, "reports-queue", true).await;
    let payloads = MemoryPayloads::default();
    let publisher = cloud.publisher(&topic);
    let large = [publisher.event(report("a", 300_000))];
    let error = publisher.publish(&large).await.unwrap_err();
    assert!(
        error.refused[0]
            .reason
            .ends_with("make it smaller or send a reference")
    );

    let publisher = publisher.claim_check(Arc::new(payloads.clone()));
    let events = [10, 300_000, 200_000, 500_000].map(|size| publisher.event(report("a", size)));
    publisher.publish(&events).await.unwrap();
    // Again, as after an answer that was lost: nothing new is stored.
    publisher.publish(&events[1..2]).await.unwrap();
    assert_eq!(payloads.payloads().len(), 2);
    let messages = cloud.take(&queue).await;
    assert_eq!(messages.len(), 5);
    for message in messages {
        let event = RawEvent::decode(&message).unwrap();
        let index = events
            .iter()
            .position(|sent| sent.id() == event.metadata.event_id);
        let data = match &event.data_ref {
            Some(reference) => payloads.payloads()[reference.key()].clone(),
            None => event.data.get().to_owned(),
        };
        let index = index.unwrap();
        assert_eq!(event.data_ref.is_some(), index % 2 == 1);
        assert_eq!(event.metadata, events[index].metadata);
        assert_eq!(serde_json::to_string(&events[index].data).unwrap(), data);
        assert_eq!(message.attributes["entity"].as_text(), Some("a"));
    }

    let publisher = publisher.claim_check_above(Arc::new(payloads.clone()), 1_000);
    let event = publisher.event(report("b", 2_000));
    publisher.publish(&[event]).await.unwrap();
    assert_eq!(payloads.payloads().len(), 3);
    assert!(cloud.take(&queue).await[0].body.len() < 1_000);
    cloud.server.shutdown().await;
}

#[tokio::test]
async fn what_no_store_takes_and_what_is_no_envelope_is_refused_before_anything_is_sent() {
    let cloud = Cloud::start().await;
    let topic = cloud.create_topic("reports").await;
    let payloads = MemoryPayloads::of_at_most(400_000);
    let publisher = cloud
        .publisher(&topic)
        .claim_check(Arc::new(payloads.clone()));
    let event = publisher.event(report("a", 500_000));
    let too_large = Outgoing::new(&event).unwrap();
    let other = Outgoing {
        body: format!("[{:?}]", "x".repeat(300_000)),
        ..too_large.clone()
    };
    let attributes = vec![("key".to_owned(), "x".repeat(300_000))];
    let keyed = Outgoing {
        attributes,
        ..too_large.clone()
    };
    let error = publisher
        .send(&[too_large, other, keyed])
        .await
        .unwrap_err();
    let [too_large, other, keyed] = error.refused.as_slice() else {
        panic!("{error:?}");
    };
    assert!(error.refused.iter().all(|refused| refused.is_final));
    let store = "bytes of data, the payload store takes 400000; make it smaller";
    assert!(too_large.reason.ends_with(store), "{too_large:?}");
    let topic =
        "bytes with attributes, the topic takes 262144; make it smaller or send a reference";
    assert!(other.reason.ends_with(topic), "{other:?}");
    assert!(
        keyed.reason.starts_with("without its data 300"),
        "{keyed:?}"
    );
    assert_eq!(payloads.calls(), 0);
    cloud.server.shutdown().await;
}

/// What could not be stored may be published later, and until then nothing of its entity overtakes it.
#[tokio::test]
async fn while_the_store_is_away_an_entity_waits_and_others_go_on() {
    let cloud = Cloud::start().await;
    let topic = cloud.create_topic("reports.fifo").await;
    let queue = cloud.subscribe(&topic, "reports.fifo", true).await;
    let payloads = MemoryPayloads::default().with_faults([Fault::None, Fault::Before]);
    let publisher = cloud
        .publisher(&topic)
        .claim_check(Arc::new(payloads.clone()));
    let sizes = [
        ("b", 300_000),
        ("a", 10),
        ("a", 300_000),
        ("a", 10),
        ("a", 300_000),
        ("b", 10),
    ];
    let events = sizes.map(|(entity, size)| publisher.event(report(entity, size)));
    let error = publisher.publish(&events).await.unwrap_err();
    let refused: Vec<_> = error
        .refused
        .iter()
        .map(|event| (event.index, event.reason.as_str(), event.is_final))
        .collect();
    let behind = "an event of the same entity before it was not published";
    assert_eq!(
        refused,
        [
            (2, "its data could not be stored: injected fault", false),
            (3, behind, false),
            (4, behind, false),
        ]
    );
    assert_eq!(cloud.take(&queue).await.len(), 3);
    publisher.publish(&events[2..5]).await.unwrap();
    let ids = cloud.take(&queue).await.into_iter().map(|message| {
        let event = RawEvent::decode(&message).unwrap();
        event.metadata.event_id
    });
    let expected = events[2..5].iter().map(|event| event.id().to_owned());
    assert_eq!(ids.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    cloud.server.shutdown().await;
}
