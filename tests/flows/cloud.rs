//! Queues, topics and tables at an endpoint, whoever imitates them there.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{Message, QueueAttributeName, SendMessageBatchRequestEntry};
use fanline::publish::Outgoing;
use fanline_aws::Publisher;
use fanline_cli::{aws, publish::topic_arn};
use tokio::time::{Instant, sleep};

/// How long anything may take before the test gives up. Runs take some 20 s; on LocalStack five
/// receives alone may take a minute, as its mapping looks at an empty queue only every 10 s.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(100);

/// An item of a table.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Clients for one endpoint.
#[derive(Clone)]
pub(crate) struct Cloud {
    pub(crate) endpoint: String,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) sns: aws_sdk_sns::Client,
}

impl Cloud {
    pub(crate) async fn at(endpoint: &str) -> Self {
        let config = aws::config(Some(endpoint)).await.unwrap();
        Self {
            endpoint: endpoint.to_owned(),
            sqs: aws_sdk_sqs::Client::new(&config),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            sns: aws_sdk_sns::Client::new(&config),
        }
    }

    /// Every local stand-in takes this form, whatever its own URLs look like.
    pub(crate) fn queue_url(&self, queue: &str) -> String {
        format!("{}/{}/{queue}", self.endpoint, aws::LOCAL_ACCOUNT)
    }

    /// Publishes as an application does.
    pub(crate) async fn publish(&self, topic: &str, events: &[Outgoing]) {
        let topic_arn = topic_arn(&self.sns, topic).await.unwrap();
        let publisher = Publisher::new(self.sns.clone(), topic_arn, "tests");
        publisher.send(events).await.unwrap();
    }

    /// Makes a queue that gets, as it is, everything a topic is told; returns the subscription's ARN.
    pub(crate) async fn subscribe_new_queue(&self, topic: &str, queue: &str) -> String {
        let arn = format!("arn:aws:sqs:us-east-1:{}:{queue}", aws::LOCAL_ACCOUNT);
        let policy = serde_json::json!({"Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn,
        }]});
        let create = self.sqs.create_queue().queue_name(queue);
        let create = create.attributes(QueueAttributeName::Policy, policy.to_string());
        create.send().await.unwrap();
        let subscribe = self.sns.subscribe().protocol("sqs").endpoint(arn);
        let subscribe = subscribe
            .topic_arn(topic_arn(&self.sns, topic).await.unwrap())
            .attributes("RawMessageDelivery", "true")
            .return_subscription_arn(true);
        subscribe.send().await.unwrap().subscription_arn.unwrap()
    }

    /// Sends up to 10 messages straight to a queue; returns how many were accepted.
    pub(crate) async fn send(
        &self,
        queue: &str,
        entries: impl IntoIterator<Item = SendMessageBatchRequestEntry>,
    ) -> usize {
        let sent = self
            .sqs
            .send_message_batch()
            .queue_url(self.queue_url(queue))
            .set_entries(Some(entries.into_iter().collect()))
            .send()
            .await;
        sent.unwrap().successful.len()
    }

    /// Up to 10 messages that are visible now, with all attributes, for some seconds.
    pub(crate) async fn receive(&self, queue: &str, seconds: i32) -> Vec<Message> {
        let receive = self
            .sqs
            .receive_message()
            .queue_url(self.queue_url(queue))
            .max_number_of_messages(10)
            .visibility_timeout(seconds)
            .message_attribute_names("All")
            .message_system_attribute_names("All".into());
        receive.send().await.unwrap().messages.unwrap_or_default()
    }

    /// Messages that are visible, in flight or delayed.
    pub(crate) async fn depth(&self, queue: &str) -> u64 {
        let counts = self.counts(queue).await;
        counts.iter().sum()
    }

    /// Messages that somebody has received and not deleted.
    pub(crate) async fn in_flight(&self, queue: &str) -> u64 {
        self.counts(queue).await[1]
    }

    async fn counts(&self, queue: &str) -> [u64; 3] {
        let answer = self
            .sqs
            .get_queue_attributes()
            .queue_url(self.queue_url(queue))
            .attribute_names(QueueAttributeName::All)
            .send()
            .await
            .unwrap();
        let counts = answer.attributes.unwrap();
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        names.map(|name| counts[&name].parse().unwrap())
    }

    /// Waits until nothing is visible, in flight or delayed in the queues, and the dead-letter
    /// queues hold so many.
    pub(crate) async fn wait_for(&self, queues: &[&str], dead_letters: &[(&str, u64)]) {
        let empty = queues.iter().map(|queue| (*queue, 0));
        let expected: Vec<_> = empty.chain(dead_letters.iter().copied()).collect();
        let look = async || {
            let mut found = Vec::new();
            for (queue, _) in &expected {
                found.push((*queue, self.depth(queue).await));
            }
            found
        };
        until("messages in queues", look, |found| *found == expected).await;
    }

    /// The items of a table whose key begins so, by key.
    pub(crate) async fn items(
        &self,
        table: &str,
        key: &str,
        prefix: &str,
    ) -> BTreeMap<String, Item> {
        let mut found = BTreeMap::new();
        let mut scan = self.dynamodb.scan().table_name(table).consistent_read(true);
        if !prefix.is_empty() {
            scan = scan
                .filter_expression("begins_with(#key, :prefix)")
                .expression_attribute_names("#key", key)
                .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()));
        }
        let mut items = scan.into_paginator().items().send();
        while let Some(item) = items.next().await {
            let item = item.unwrap();
            found.insert(item[key].as_s().unwrap().clone(), item);
        }
        found
    }

    /// A number attribute of every item of a table, by key.
    pub(crate) async fn numbers(
        &self,
        table: &str,
        key: &str,
        attribute: &str,
    ) -> BTreeMap<String, u64> {
        let items = self.items(table, key, "").await;
        let numbers = items.into_iter().map(|(key, item)| {
            let number = number(&item, attribute);
            (key, number.unwrap_or_else(|| panic!("{item:?}")))
        });
        numbers.collect()
    }
}

/// A number of an item, if it has it.
pub(crate) fn number(item: &Item, attribute: &str) -> Option<u64> {
    item.get(attribute)?.as_n().ok()?.parse().ok()
}

/// Looks until it is enough and returns that; a failure shows the last look.
pub(crate) async fn until<T: Debug>(
    what: &str,
    look: impl AsyncFn() -> T,
    enough: impl Fn(&T) -> bool,
) -> T {
    let started = Instant::now();
    loop {
        let seen = look().await;
        if enough(&seen) {
            return seen;
        }
        assert!(started.elapsed() < PATIENCE, "{what}: {seen:?}");
        sleep(LOOK).await;
    }
}
