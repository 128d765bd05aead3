//! The outbox from the caller's transaction to the queue, on the engine's DynamoDB, SNS and SQS.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use aws_sdk_dynamodb::{
    config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider},
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, Put,
        ScalarAttributeType, TransactWriteItem,
    },
};
use fanline::{Event, System, Timestamp};
use fanline_aws::{
    Publisher, RealSystem, SdkConfig,
    outbox::{Outbox, Relay, Relayed, Row, Swept},
};
use fanline_engine::{Config, Server};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Serialize, Deserialize)]
struct Stepped {
    entity: String,
    number: usize,
    text: String,
}

impl Event for Stepped {
    const TYPE: &'static str = "entity.stepped";

    fn entity(&self) -> Option<String> {
        Some(self.entity.clone())
    }

    fn routing_keys(&self) -> Vec<(&'static str, String)> {
        vec![("entity", self.entity.clone())]
    }
}

fn step(entity: &str, number: usize) -> Stepped {
    Stepped {
        entity: entity.to_owned(),
        number,
        text: String::new(),
    }
}

struct Cloud {
    server: Server,
    dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    sns: aws_sdk_sns::Client,
    topic: String,
    queue: String,
    outbox: Outbox,
}

impl Cloud {
    async fn start() -> Self {
        let server = Server::bind("127.0.0.1:0", Config::default())
            .await
            .unwrap();
        let credentials = Credentials::new("test", "test", None, None, "test");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(server.endpoint_url())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let (sqs, sns) = (
            aws_sdk_sqs::Client::new(&config),
            aws_sdk_sns::Client::new(&config),
        );
        let dynamodb = aws_sdk_dynamodb::Client::new(&config);
        let create = sqs.create_queue().queue_name("steps.fifo");
        let create = create.attributes("FifoQueue".into(), "true");
        let queue = create.send().await.unwrap().queue_url.unwrap();
        let create = sns.create_topic().name("steps.fifo");
        let topic = create.attributes("FifoTopic", "true").send().await.unwrap();
        let topic = topic.topic_arn.unwrap();
        let arn = "arn:aws:sqs:us-east-1:000000000000:steps.fifo";
        let policy = json!({"Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn,
        }]});
        let set = sqs.set_queue_attributes().queue_url(&queue);
        set.attributes("Policy".into(), policy.to_string())
            .send()
            .await
            .unwrap();
        let subscribe = sns
            .subscribe()
            .topic_arn(&topic)
            .protocol("sqs")
            .endpoint(arn);
        subscribe
            .attributes("RawMessageDelivery", "true")
            .send()
            .await
            .unwrap();
        let cloud = Self {
            server,
            sqs,
            sns,
            topic,
            queue,
            outbox: Outbox::new("outbox", "tests"),
            dynamodb,
        };
        cloud.create_table("outbox", &["entity", "id"]).await;
        cloud.create_table("steps", &["id"]).await;
        cloud
    }

    async fn create_table(&self, name: &str, keys: &[&str]) {
        let mut create = self.dynamodb.create_table().table_name(name);
        for (key, kind) in keys.iter().zip([KeyType::Hash, KeyType::Range]) {
            let attribute = AttributeDefinition::builder().attribute_name(*key);
            let attribute = attribute.attribute_type(ScalarAttributeType::S);
            let schema = KeySchemaElement::builder()
                .attribute_name(*key)
                .key_type(kind);
            create = create
                .attribute_definitions(attribute.build().unwrap())
                .key_schema(schema.build().unwrap());
        }
        let create = create.billing_mode(BillingMode::PayPerRequest);
        create.send().await.unwrap();
    }

    fn relay_to(&self, topic: &str) -> Relay {
        let publisher = Publisher::new(self.sns.clone(), topic, "outbox");
        Relay::new(self.dynamodb.clone(), "outbox", publisher)
    }

    fn relay(&self) -> Relay {
        self.relay_to(&self.topic)
    }

    /// As an application writes it: the business item and the event, both or none.
    async fn write(&self, data: Stepped) {
        let business = Put::builder().table_name("steps").item(
            "id",
            AttributeValue::S(format!("{}-{}", data.entity, data.number)),
        );
        let number = data.number as u64;
        let mut event = self.outbox.event(data);
        // Written faster than clocks tick.
        event.metadata.timestamp += Duration::from_millis(number);
        let put = self.outbox.put(&event).unwrap();
        let write = self.dynamodb.transact_write_items();
        write
            .transact_items(
                TransactWriteItem::builder()
                    .put(business.build().unwrap())
                    .build(),
            )
            .transact_items(TransactWriteItem::builder().put(put).build())
            .send()
            .await
            .unwrap();
    }

    async fn rows(&self) -> Vec<Row> {
        let scan = self.dynamodb.scan().table_name("outbox").send().await;
        let items = scan.unwrap().items.unwrap_or_default();
        items
            .iter()
            .map(|item| Row::from_item(item).unwrap())
            .collect()
    }

    /// What arrived, in its order.
    async fn arrived(&self) -> Vec<(String, u64)> {
        let mut arrived = Vec::new();
        loop {
            let receive = self.sqs.receive_message().queue_url(&self.queue);
            let receive = receive
                .max_number_of_messages(10)
                .message_attribute_names("All");
            let messages = receive.send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return arrived;
            }
            for message in messages {
                let event: Value = serde_json::from_str(message.body().unwrap()).unwrap();
                let data = &event["data"];
                let entity = data["entity"].as_str().unwrap().to_owned();
                let attributes = message.message_attributes.unwrap();
                assert_eq!(attributes["entity"].string_value.as_deref(), Some(&*entity));
                assert_eq!(
                    attributes["type"].string_value.as_deref(),
                    Some(Stepped::TYPE)
                );
                arrived.push((entity, data["number"].as_u64().unwrap()));
                let delete = self.sqs.delete_message().queue_url(&self.queue);
                let delete = delete.receipt_handle(message.receipt_handle.unwrap());
                delete.send().await.unwrap();
            }
        }
    }
}

fn later() -> Timestamp {
    RealSystem.now() + Duration::from_secs(60)
}

#[tokio::test]
async fn what_is_written_is_published_once_in_the_order_of_its_entity_and_leaves_no_row() {
    let cloud = Cloud::start().await;
    for number in 0..7 {
        for entity in ["a", "b", "c"] {
            cloud.write(step(entity, number)).await;
        }
    }
    assert_eq!(cloud.rows().await.len(), 21);
    let swept = cloud.relay().sweep(later()).await.unwrap();
    assert_eq!(
        swept,
        Swept {
            published: 21,
            failed: Vec::new()
        }
    );
    assert!(cloud.rows().await.is_empty());
    let arrived = cloud.arrived().await;
    assert_eq!(arrived.len(), 21);
    for entity in ["a", "b", "c"] {
        let numbers = arrived.iter().filter(|(of, _)| of == entity);
        let numbers: Vec<u64> = numbers.map(|(_, number)| *number).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6], "{entity}");
    }
    // Nothing is old enough for a sweep by the clock.
    cloud.write(step("a", 7)).await;
    let swept = cloud
        .relay()
        .sweep(RealSystem.now() - Duration::from_secs(60))
        .await;
    assert_eq!(swept.unwrap(), Swept::default());
    assert_eq!(cloud.rows().await.len(), 1);
    cloud.server.shutdown().await;
}

/// Killed between publication and deletion, the relay publishes again; SNS and consumers recognise the id.
#[tokio::test]
async fn relay_that_runs_again_publishes_under_the_same_ids() {
    let cloud = Cloud::start().await;
    cloud.write(step("a", 0)).await;
    let rows = cloud.rows().await;
    let relay = cloud.relay();
    assert_eq!(relay.relay(&rows).await, [Relayed::Published]);
    assert_eq!(relay.relay(&rows).await, [Relayed::Published]);
    assert_eq!(cloud.arrived().await, [("a".to_owned(), 0)]);
    cloud.server.shutdown().await;
}

#[tokio::test]
async fn while_the_topic_is_away_rows_stay() {
    let cloud = Cloud::start().await;
    for number in 0..3 {
        cloud.write(step("a", number)).await;
    }
    let nowhere = "arn:aws:sns:us-east-1:000000000000:not-yet.fifo";
    let rows = cloud.rows().await;
    let relayed = cloud.relay_to(nowhere).relay(&rows).await;
    assert_eq!(relayed.len(), 3);
    for relayed in &relayed {
        assert!(matches!(relayed, Relayed::Postponed { .. }), "{relayed:?}");
    }
    assert_eq!(cloud.rows().await.len(), 3);
    let swept = cloud.relay_to(nowhere).sweep(later()).await.unwrap();
    assert_eq!((swept.published, swept.failed.len()), (0, 3));
    assert_eq!(cloud.relay().sweep(later()).await.unwrap().published, 3);
    assert_eq!(cloud.arrived().await.len(), 3);
    cloud.server.shutdown().await;
}

#[tokio::test]
async fn event_that_could_never_be_published_is_refused_before_it_is_written() {
    let outbox = Outbox::new("outbox", "tests");
    let event = outbox.event(Stepped {
        text: "x".repeat(300_000),
        ..step("a", 1)
    });
    let error = outbox.put(&event).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("event {}: 300", event.id()))
            && error.ends_with(
                "bytes with attributes, the topic takes 262144; make it smaller or send a reference"
            ),
        "{error}"
    );
}
