//! The adapter of a source queue, on the engine over HTTP.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::MessageSystemAttributeName,
};
use fanline::{Attribute, AttributeValue, DeadLetter, Message, SourceQueue, VisibilityChange};
use fanline_aws::SqsQueue;
use fanline_engine::{Config, Server};
use fanline_testing::contract::{QueueUnderTest, source_queue};
use futures_util::future::BoxFuture;

fn client(endpoint: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}

struct Queues {
    sqs: Client,
    source: String,
    dead_letters: String,
    queue: SqsQueue,
}

impl Queues {
    async fn start(server: &Server, suffix: &str) -> Self {
        let sqs = client(&server.endpoint_url());
        let mut urls = Vec::new();
        for name in ["orders", "orders-dlq"] {
            let mut create = sqs.create_queue().queue_name(format!("{name}{suffix}"));
            if !suffix.is_empty() {
                create = create.attributes("FifoQueue".into(), "true");
            }
            urls.push(create.send().await.unwrap().queue_url.unwrap());
        }
        let dead_letters = urls.pop().unwrap();
        // As a Lambda function knows it: by the ARN of the event.
        let url = format!("https://sqs.us-east-1.amazonaws.com/000000000000/orders{suffix}");
        Self {
            queue: SqsQueue::new(sqs.clone(), url, Some(dead_letters.clone())),
            source: urls.pop().unwrap(),
            dead_letters,
            sqs,
        }
    }

    async fn take(&self, url: &str) -> Vec<aws_sdk_sqs::types::Message> {
        let mut taken = Vec::new();
        loop {
            let call = self.sqs.receive_message().queue_url(url);
            let call = call
                .max_number_of_messages(10)
                .message_attribute_names("All")
                .message_system_attribute_names(MessageSystemAttributeName::All);
            let messages = call.send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return taken;
            }
            taken.extend(messages);
        }
    }
}

impl QueueUnderTest for Queues {
    fn queue(&self) -> &dyn SourceQueue {
        &self.queue
    }

    fn put(&self, bodies: Vec<String>) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            for body in bodies {
                let call = self.sqs.send_message().queue_url(&self.source);
                call.message_body(body).send().await.unwrap();
            }
        })
    }

    fn receive(&self) -> BoxFuture<'_, Vec<Message>> {
        Box::pin(async move {
            let messages = self.take(&self.source).await.into_iter();
            let messages = messages.map(|message| Message {
                id: message.message_id.unwrap(),
                receipt_handle: message.receipt_handle.unwrap(),
                body: message.body.unwrap(),
                ..Message::default()
            });
            messages.collect()
        })
    }

    fn dead_letters(&self) -> BoxFuture<'_, Vec<DeadLetter>> {
        Box::pin(async move {
            let messages = self.take(&self.dead_letters).await.into_iter();
            let letters = messages.map(|message| DeadLetter {
                message_id: String::new(),
                body: message.body.unwrap(),
                attributes: message
                    .message_attributes
                    .unwrap_or_default()
                    .into_iter()
                    .map(|(name, attribute)| (name, ours(attribute)))
                    .collect(),
                group: None,
            });
            letters.collect()
        })
    }
}

fn ours(attribute: aws_sdk_sqs::types::MessageAttributeValue) -> Attribute {
    let value = match (attribute.string_value, attribute.binary_value) {
        (Some(text), _) => AttributeValue::Text(text),
        (None, bytes) => AttributeValue::Binary(bytes.unwrap().into_inner()),
    };
    Attribute {
        data_type: attribute.data_type,
        value,
    }
}

#[tokio::test]
async fn sqs_queue_keeps_the_contract() {
    let server = Server::bind("127.0.0.1:0", Config::default())
        .await
        .unwrap();
    source_queue(&Queues::start(&server, "").await).await;
    server.shutdown().await;
}

#[tokio::test]
async fn fifo_letter_keeps_its_group_and_is_stored_once() {
    let server = Server::bind("127.0.0.1:0", Config::default())
        .await
        .unwrap();
    let queues = Queues::start(&server, ".fifo").await;
    let letter = DeadLetter {
        message_id: "m-1".to_owned(),
        body: "body".to_owned(),
        attributes: [("a".to_owned(), Attribute::text("b"))].into(),
        group: Some("order-1".to_owned()),
    };
    for _ in 0..2 {
        let answers = queues
            .queue
            .send_dead_letters(std::slice::from_ref(&letter))
            .await;
        assert_eq!(answers, [Ok(())]);
    }
    let stored = queues.take(&queues.dead_letters).await;
    assert_eq!(stored.len(), 1, "the first answer may have been lost");
    let attributes = stored[0].attributes.as_ref().unwrap();
    assert_eq!(
        attributes[&MessageSystemAttributeName::MessageGroupId],
        "order-1"
    );
    server.shutdown().await;
}

#[tokio::test]
async fn queues_that_do_not_answer_refuse_every_entry() {
    let server = Server::bind("127.0.0.1:0", Config::default())
        .await
        .unwrap();
    let sqs = client(&server.endpoint_url());
    let nowhere = "https://sqs.us-east-1.amazonaws.com/000000000000/none";
    let queue = SqsQueue::new(sqs, nowhere, Some(nowhere.to_owned()));
    let letter = DeadLetter {
        message_id: "m-1".to_owned(),
        body: "body".to_owned(),
        attributes: [].into(),
        group: None,
    };
    let change = VisibilityChange {
        message_id: "m-1".to_owned(),
        receipt_handle: "r-1".to_owned(),
        wait: Duration::ZERO,
    };
    let answers = [
        queue.send_dead_letters(&vec![letter; 12]).await,
        queue.change_visibility(&vec![change; 12]).await,
    ];
    for answers in answers {
        assert_eq!(answers.len(), 12);
        for answer in answers {
            let reason = answer.unwrap_err();
            assert!(
                reason.contains("NonExistentQueue") || reason.contains("QueueDoesNotExist"),
                "{reason}"
            );
        }
    }
    server.shutdown().await;
}
