//! A topic with two queues, tables and clients on the engine.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider},
    types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType},
};
use fanline::{Event, Message};
use fanline_aws::{
    Publisher, RealSystem, SdkConfig, SqsQueue, payloads::DynamoPayloads, received_attributes,
};
use fanline_engine::{Config, Server};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// An event that can have any size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reported {
    pub(crate) entity: String,
    pub(crate) text: String,
}

impl Event for Reported {
    const TYPE: &'static str = "report.finished";

    fn entity(&self) -> Option<String> {
        Some(self.entity.clone())
    }

    fn routing_keys(&self) -> Vec<(&'static str, String)> {
        vec![("entity", self.entity.clone())]
    }
}

/// With so many bytes of text, as JSON.
pub(crate) fn report(entity: &str, bytes: usize) -> Reported {
    Reported {
        entity: entity.to_owned(),
        // Four characters are seven bytes.
        text: "é\"\\ "
            .chars()
            .cycle()
            .take(bytes.div_ceil(7) * 4)
            .collect(),
    }
}

pub(crate) struct Cloud {
    pub(crate) server: Server,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    sqs: aws_sdk_sqs::Client,
    sns: aws_sdk_sns::Client,
}

impl Cloud {
    /// With tables for dedup records, payloads and an outbox.
    pub(crate) async fn start() -> Self {
        let server = Server::bind("127.0.0.1:0", Config::default())
            .await
            .unwrap();
        let config = config(&server.endpoint_url());
        let cloud = Self {
            server,
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
        };
        cloud.create_table("processed-events", &["id"]).await;
        cloud.create_table("payloads", &["id"]).await;
        cloud.create_table("outbox", &["entity", "id"]).await;
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

    pub(crate) fn payloads(&self) -> Arc<DynamoPayloads> {
        let system = Arc::new(RealSystem);
        Arc::new(DynamoPayloads::new(
            self.dynamodb.clone(),
            "payloads",
            system,
        ))
    }

    pub(crate) async fn create_topic(&self, name: &str) -> String {
        let mut create = self.sns.create_topic().name(name);
        if name.ends_with(".fifo") {
            create = create.attributes("FifoTopic", "true");
        }
        create.send().await.unwrap().topic_arn.unwrap()
    }

    pub(crate) fn publisher(&self, topic: &str) -> Publisher {
        Publisher::new(self.sns.clone(), topic, "tests")
    }

    /// A queue without a subscription.
    pub(crate) async fn create_queue(&self, name: &str) -> String {
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:{name}");
        let policy = json!({"Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn,
        }]});
        let mut create = self.sqs.create_queue().queue_name(name);
        if name.ends_with(".fifo") {
            create = create.attributes("FifoQueue".into(), "true");
        }
        let create = create.attributes("Policy".into(), policy.to_string());
        create.send().await.unwrap().queue_url.unwrap()
    }

    pub(crate) async fn subscribe(&self, topic: &str, queue: &str, raw: bool) -> String {
        let url = self.create_queue(queue).await;
        let arn = format!("arn:aws:sqs:us-east-1:000000000000:{queue}");
        let subscribe = self.sns.subscribe().topic_arn(topic).protocol("sqs");
        let subscribe = subscribe.endpoint(arn);
        let subscribe = subscribe.attributes("RawMessageDelivery", raw.to_string());
        subscribe.send().await.unwrap();
        url
    }

    pub(crate) fn queue(&self, url: &str, dead_letter_url: &str) -> SqsQueue {
        SqsQueue::new(self.sqs.clone(), url, Some(dead_letter_url.to_owned()))
    }

    /// Messages in a queue, visible or in flight.
    pub(crate) async fn depth(&self, url: &str) -> u64 {
        let ask = self.sqs.get_queue_attributes().queue_url(url);
        let answer = ask.attribute_names("All".into()).send().await.unwrap();
        let attributes = answer.attributes.unwrap().into_iter();
        let counts =
            attributes.filter(|(name, _)| name.as_str().starts_with("ApproximateNumberOfMessages"));
        counts.map(|(_, count)| count.parse::<u64>().unwrap()).sum()
    }

    /// What is in a queue, taken out of it.
    pub(crate) async fn take(&self, url: &str) -> Vec<Message> {
        let mut taken = Vec::new();
        loop {
            let receive = self.sqs.receive_message().queue_url(url);
            let receive = receive.max_number_of_messages(10);
            let receive = receive.message_attribute_names("All");
            let messages = receive.send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return taken;
            }
            for message in messages {
                let delete = self.sqs.delete_message().queue_url(url);
                let receipt_handle = message.receipt_handle.unwrap();
                delete.receipt_handle(receipt_handle).send().await.unwrap();
                taken.push(Message {
                    id: message.message_id.unwrap(),
                    body: message.body.unwrap(),
                    attributes: received_attributes(message.message_attributes),
                    ..Message::default()
                });
            }
        }
    }
}

pub(crate) fn config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..1200 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}
