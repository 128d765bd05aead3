//! The engine's SNS and SQS as this world's services: a topic, and a queue with its dead-letter queue for each
//! consumer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use fanline::{
    Attribute, AttributeValue as Value, DeadLetter, Message, Timestamp, publish::Outgoing,
};
use fanline_engine::{
    Engine, EngineOptions,
    attribute::AttributeValue,
    sns::{Publication, PublishEntry, SnsRequest, SnsResponse},
    sqs::{
        ChangeMessageVisibility, CreateQueue, DeleteMessage, Liberties, ReceiveMessage,
        ReceivedMessage, SendMessage, SqsRequest, SqsResponse, Wait, WireAttribute,
    },
};
use tokio::sync::{Notify, futures::Notified};

use super::world::lock;

const BASE: &str = "http://sqs";
const ACCOUNT: &str = "000000000000";
const REGION: &str = "us-east-1";

/// What AWS's services hold in this run.
pub(super) struct Cloud {
    engine: Arc<Mutex<Engine>>,
    /// Told when a queue has something new.
    changed: Notify,
    fifo: bool,
}

/// A queue as its template would declare it.
#[derive(Clone, Debug)]
pub(super) struct QueueSettings {
    pub(super) name: String,
    pub(super) visibility_seconds: u64,
    pub(super) receives: u32,
    pub(super) filter_policy: String,
    pub(super) filters_bodies: bool,
}

/// What a receive found.
pub(super) struct Received {
    pub(super) messages: Vec<Message>,
    /// When something may be there, if there was nothing.
    pub(super) next_visible: Option<u64>,
}

impl Cloud {
    pub(super) fn new(seed: u64, fifo: bool, any_order: bool) -> Self {
        let liberties = Liberties {
            any_order,
            partial_receives: any_order,
            ..Liberties::default()
        };
        let engine = Engine::new(EngineOptions {
            enforce_queue_policies: false,
            liberties,
            seed,
            ..EngineOptions::default()
        });
        Self {
            engine: Arc::new(Mutex::new(engine)),
            changed: Notify::new(),
            fifo,
        }
    }

    /// Creates the topic.
    pub(super) fn create_topic(&self, now: u64) {
        let fifo = ("FifoTopic".to_owned(), "true".to_owned());
        let attributes = self.fifo.then_some(fifo).into_iter().collect();
        self.sns(
            now,
            SnsRequest::CreateTopic {
                name: self.fifo_name("events"),
                attributes,
                tags: BTreeMap::new(),
            },
        );
    }

    /// Creates a queue with its dead-letter queue, and subscribes it.
    pub(super) fn create_queue(&self, now: u64, settings: &QueueSettings) {
        let dead_letters = self.dead_letter_name(&settings.name);
        let name = self.fifo_name(&settings.name);
        let target = self.arn(&dead_letters);
        let redrive = serde_json::json!({"deadLetterTargetArn": target, "maxReceiveCount": settings.receives});
        let own = [
            ("VisibilityTimeout", settings.visibility_seconds.to_string()),
            ("RedrivePolicy", redrive.to_string()),
        ];
        for (queue_name, attributes) in
            [(dead_letters.clone(), &own[..0]), (name.clone(), &own[..])]
        {
            let mut attributes: BTreeMap<String, String> = attributes
                .iter()
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect();
            if self.fifo {
                attributes.insert("FifoQueue".to_owned(), "true".to_owned());
            }
            self.sqs(
                now,
                SqsRequest::CreateQueue(CreateQueue {
                    queue_name,
                    attributes,
                    ..CreateQueue::default()
                }),
            );
        }
        let scope = if settings.filters_bodies {
            "MessageBody"
        } else {
            "MessageAttributes"
        };
        let attributes = [
            ("RawMessageDelivery", "true"),
            ("FilterPolicyScope", scope),
            ("FilterPolicy", settings.filter_policy.as_str()),
        ];
        self.sns(
            now,
            SnsRequest::Subscribe {
                topic_arn: self.topic_arn(),
                protocol: "sqs".to_owned(),
                endpoint: self.arn(&name),
                attributes: attributes
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .into(),
            },
        );
    }

    /// Publishes an event; false if the topic refuses it.
    pub(super) fn publish(&self, now: u64, event: &Outgoing, body: &str) -> bool {
        let message = Publication {
            message: body.into(),
            attributes: event
                .attributes
                .iter()
                .map(|(name, value)| (name.clone(), AttributeValue::string(value)))
                .collect(),
            group: self.fifo.then(|| event.entity.as_str().into()),
            deduplication: self.fifo.then(|| event.event_id.as_str().into()),
            ..Publication::default()
        };
        let entries = vec![PublishEntry {
            id: "1".to_owned(),
            message: Ok(message),
        }];
        let answer = self.sns(
            now,
            SnsRequest::PublishBatch {
                topic_arn: self.topic_arn(),
                entries,
            },
        );
        matches!(answer, Some(SnsResponse::PublishedBatch { failed, .. }) if failed.is_empty())
    }

    pub(super) fn receive(
        &self,
        now: u64,
        queue: &str,
        most: usize,
        visibility_seconds: Option<u64>,
    ) -> Received {
        let answer = self.sqs(
            now,
            SqsRequest::ReceiveMessage(ReceiveMessage {
                queue_url: self.url(queue),
                message_system_attribute_names: [
                    "SentTimestamp",
                    "ApproximateReceiveCount",
                    "MessageGroupId",
                ]
                .map(str::to_owned)
                .into(),
                message_attribute_names: vec!["All".to_owned()],
                max_number_of_messages: i64::try_from(most).ok(),
                visibility_timeout: visibility_seconds
                    .and_then(|seconds| i64::try_from(seconds).ok()),
                // Says when to look again; nobody waits here.
                wait_time_seconds: Some(20),
                ..ReceiveMessage::default()
            }),
        );
        match answer {
            Some(SqsResponse::Received(received)) => {
                let Wait { next_visible, .. } = received.wait;
                Received {
                    messages: received.messages.into_iter().map(message).collect(),
                    next_visible,
                }
            }
            _ => Received {
                messages: Vec::new(),
                next_visible: None,
            },
        }
    }

    pub(super) fn delete(&self, now: u64, queue: &str, receipt_handle: &str) -> bool {
        let (queue_url, receipt_handle) = (self.url(queue), receipt_handle.into());
        self.sqs(
            now,
            SqsRequest::DeleteMessage(DeleteMessage {
                queue_url,
                receipt_handle,
            }),
        )
        .is_some()
    }

    pub(super) fn change_visibility(
        &self,
        now: u64,
        queue: &str,
        receipt_handle: &str,
        seconds: u64,
    ) -> bool {
        let call = ChangeMessageVisibility {
            queue_url: self.url(queue),
            receipt_handle: receipt_handle.into(),
            visibility_timeout: i64::try_from(seconds).ok(),
        };
        self.sqs(now, SqsRequest::ChangeMessageVisibility(call))
            .is_some()
    }

    pub(super) fn send_dead_letter(&self, now: u64, queue: &str, letter: &DeadLetter) -> bool {
        let call = SendMessage {
            queue_url: format!("{BASE}/{ACCOUNT}/{}", self.dead_letter_name(queue)),
            message_body: letter.body.as_str().into(),
            message_attributes: letter
                .attributes
                .iter()
                .map(|(name, attribute)| (name.clone(), wire(attribute)))
                .collect(),
            message_group_id: letter.group.as_deref().map(Into::into),
            message_deduplication_id: letter
                .group
                .is_some()
                .then(|| letter.message_id.as_str().into()),
            ..SendMessage::default()
        };
        self.sqs(now, SqsRequest::SendMessage(call)).is_some()
    }

    /// Messages in a queue, received or not.
    pub(super) fn depth(&self, now: u64, queue: &str) -> usize {
        lock(&self.engine)
            .sqs
            .counts(now, &self.fifo_name(queue))
            .map_or(0, |counts| counts.total())
    }

    /// Takes all dead letters of a queue.
    pub(super) fn take_dead_letters(&self, now: u64, queue: &str) -> Vec<Message> {
        let name = format!("{queue}-dlq");
        let mut letters = Vec::new();
        loop {
            let Received { messages, .. } = self.receive(now, &name, 10, Some(43_200));
            if messages.is_empty() {
                return letters;
            }
            for letter in &messages {
                self.delete(now, &name, &letter.receipt_handle);
            }
            letters.extend(messages);
        }
    }

    /// For who speaks to it in another way.
    pub(super) fn engine(&self) -> Arc<Mutex<Engine>> {
        Arc::clone(&self.engine)
    }

    pub(super) fn wake(&self) {
        self.changed.notify_waiters();
    }

    /// Ends when a queue may have something new; to be made before looking at it.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    fn sqs(&self, now: u64, request: SqsRequest) -> Option<SqsResponse> {
        let step = lock(&self.engine).sqs(now, BASE, request);
        if !step.woken.is_empty() {
            self.changed.notify_waiters();
        }
        step.answer.ok()
    }

    fn sns(&self, now: u64, request: SnsRequest) -> Option<SnsResponse> {
        let published = lock(&self.engine).sns(now, BASE, request);
        self.changed.notify_waiters();
        published.answer.ok()
    }

    fn fifo_name(&self, name: &str) -> String {
        if self.fifo {
            format!("{name}.fifo")
        } else {
            name.to_owned()
        }
    }

    fn dead_letter_name(&self, queue: &str) -> String {
        self.fifo_name(&format!("{queue}-dlq"))
    }

    pub(super) fn topic_arn(&self) -> String {
        format!(
            "arn:aws:sns:{REGION}:{ACCOUNT}:{}",
            self.fifo_name("events")
        )
    }

    fn arn(&self, queue: &str) -> String {
        format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")
    }

    fn url(&self, queue: &str) -> String {
        format!("{BASE}/{ACCOUNT}/{}", self.fifo_name(queue))
    }
}

fn message(received: ReceivedMessage) -> Message {
    let system = |name| received.attributes.get(name);
    let sent_at = system("SentTimestamp")
        .and_then(|sent| Timestamp::from_millisecond(sent.parse().ok()?).ok());
    let attributes = received.message_attributes.iter().map(|(name, attribute)| {
        let data_type = attribute.data_type.to_string();
        let value = Value::Text(
            attribute
                .string_value
                .as_deref()
                .unwrap_or_default()
                .to_owned(),
        );
        (name.to_string(), Attribute { data_type, value })
    });
    Message {
        id: received.message_id.to_string(),
        receipt_handle: received.receipt_handle.to_string(),
        body: received.body.to_string(),
        attributes: attributes.collect(),
        group: system("MessageGroupId").cloned(),
        receive_count: system("ApproximateReceiveCount")
            .and_then(|count| count.parse().ok())
            .unwrap_or(1),
        sent_at,
    }
}

fn wire(attribute: &Attribute) -> WireAttribute {
    let data_type = attribute.data_type.clone();
    let string_value = attribute.as_text().map(str::to_owned);
    WireAttribute {
        data_type,
        string_value,
        binary_value: None,
    }
}
