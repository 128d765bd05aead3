//! From a publisher to the handlers of two workers, one of whose subscriptions is raw.

use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::types::AttributeValue;
use fanline::{
    Envelope, Failure, Processor, State, Worker, claim_check::DataRef, dead_letter::unpack,
};
use fanline_aws::{DynamoStore, Poller, RealSystem};

use crate::cloud::{Cloud, Reported, report, until};

const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// What handlers got.
#[derive(Clone, Default)]
struct Got(Arc<Mutex<Vec<Envelope<Reported>>>>);

impl Got {
    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

async fn read(event: Envelope<Reported>, State(got): State<Got>) -> Result<(), Failure> {
    if event.data.entity == "poison" {
        return Err(Failure::reject("not to be read"));
    }
    got.0.lock().unwrap().push(event);
    Ok(())
}

fn processor(cloud: &Cloud, name: &str, got: &Got) -> Processor {
    let dynamodb = cloud.dynamodb.clone();
    let store = DynamoStore::new(dynamodb, "processed-events", Arc::new(RealSystem));
    let worker = Worker::new(got.clone()).on(read);
    let processor = Processor::new(worker, name, Arc::new(store), Arc::new(RealSystem)).unwrap();
    processor.payloads(cloud.payloads(), MOST_BYTES)
}

/// Lets a worker read its queue until it is so.
async fn poll(
    cloud: &Cloud,
    processor: Processor,
    queue: (&str, &str),
    what: &str,
    is_so: impl AsyncFn() -> bool,
) {
    let poller = Poller::new(processor, cloud.queue(queue.0, queue.1)).receivers(1);
    // It ends only when what is in work is settled and deleted.
    poller.run_until(until(what, is_so)).await.unwrap();
}

#[tokio::test]
async fn event_of_three_megabytes_reaches_every_worker_once() {
    let cloud = Cloud::start().await;
    let topic = cloud.create_topic("reports").await;
    let raw = cloud.subscribe(&topic, "raw-queue", true).await;
    let wrapped = cloud.subscribe(&topic, "wrapped-queue", false).await;
    let letters = cloud.create_queue("dlq").await;
    let publisher = cloud.publisher(&topic).claim_check(cloud.payloads());
    let event = publisher.event(report("a", 3_000_000));
    assert!(event.to_json().len() > 3_000_000);
    let poison = publisher.event(report("poison", 300_000));
    // Twice, as a publisher does whose answer was lost.
    for _ in 0..2 {
        publisher
            .publish(std::slice::from_ref(&event))
            .await
            .unwrap();
    }
    publisher
        .publish(std::slice::from_ref(&poison))
        .await
        .unwrap();
    for (name, queue) in [("raw", raw), ("wrapped", wrapped)] {
        let got = Got::default();
        let processor = processor(&cloud, name, &got);
        let queue = (queue.as_str(), letters.as_str());
        poll(&cloud, processor, queue, "handled", async || {
            got.count() == 1 && cloud.depth(queue.0).await == 0
        })
        .await;
        assert!(
            *got.0.lock().unwrap() == [event.clone()],
            "{name} got something else"
        );
        let dead_letters = cloud.take(&letters).await;
        let [letter] = dead_letters.as_slice() else {
            panic!("{dead_letters:?}");
        };
        assert!(letter.body.len() < 2_000, "{} bytes", letter.body.len());
        let (_, note) = unpack(letter.attributes.clone());
        let note = note.unwrap();
        assert_eq!(note.event_id.as_deref(), Some(poison.id()));
        assert_eq!(note.error, "not to be read");
    }
    cloud.server.shutdown().await;
}

#[tokio::test]
async fn expired_data_is_a_dead_letter_that_says_so() {
    let cloud = Cloud::start().await;
    let topic = cloud.create_topic("reports").await;
    let queue = cloud.subscribe(&topic, "queue", true).await;
    let letters = cloud.create_queue("dlq").await;
    let publisher = cloud.publisher(&topic).claim_check(cloud.payloads());
    let event = publisher.event(report("a", 300_000));
    publisher
        .publish(std::slice::from_ref(&event))
        .await
        .unwrap();
    // As TTL does it.
    let data = serde_json::to_string(&event.data).unwrap();
    let key = DataRef::new(event.id(), &data).key().to_owned();
    let delete = cloud.dynamodb.delete_item().table_name("payloads");
    let delete = delete.key("id", AttributeValue::S(key));
    delete.send().await.unwrap();
    let got = Got::default();
    let processor = processor(&cloud, "worker", &got);
    let urls = (queue.as_str(), letters.as_str());
    poll(&cloud, processor, urls, "dead letter", async || {
        cloud.depth(&letters).await == 1
    })
    .await;
    assert_eq!(got.count(), 0);
    let letter = cloud.take(&letters).await.remove(0);
    let (_, note) = unpack(letter.attributes);
    let error = note.unwrap().error;
    assert!(error.starts_with("its data has expired"), "{error}");
    cloud.server.shutdown().await;
}
