//! A queue with its DLQ on the engine in virtual time, and a worker that is fed from it as Lambda's
//! event source mapping would: real SDK calls, the real adapter, hours in milliseconds.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use aws_sdk_sqs::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::{Message as SqsMessage, MessageSystemAttributeName},
};
use aws_smithy_runtime_api::client::{
    http::{
        HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use fanline::{
    Attribute, AttributeValue, Batch, Message, Processor, System, Timestamp, Worker,
    dead_letter::{FailureNote, unpack},
    dedup::DedupStore,
};
use fanline_aws::{Poller, SqsQueue};
use fanline_engine::{Config, InProcess, TokioClock};
use fanline_testing::{VirtualSystem, envelope};
use serde_json::json;

/// 2026-02-14T10:30:00Z.
const START: u64 = 1_771_065_000_000;

const URL: &str = "http://127.0.0.1:4566";

/// Of every call: without it, one that is given no time would still be answered.
const LATENCY: Duration = Duration::from_millis(5);

/// What `template.yaml` says.
const RECEIVES: u32 = 5;

/// Where the worker runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Host {
    Lambda,
    Process,
}

pub(crate) struct World {
    pub(crate) system: Arc<VirtualSystem>,
    sqs: Client,
}

impl World {
    /// `orders-queue` with `orders-dlq`, and the same as FIFO queues.
    pub(crate) async fn new() -> Self {
        let engine = InProcess::new(Config {
            clock: Arc::new(TokioClock::starting_at(START)),
            seed: 7,
            ..Config::default()
        });
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(URL)
            .http_client(http_client(&engine.unwrap()))
            .build();
        let world = Self {
            system: Arc::default(),
            sqs: Client::from_conf(config),
        };
        for suffix in ["", ".fifo"] {
            let dead_letters = format!("orders-dlq{suffix}");
            world.create(&dead_letters, None).await;
            world
                .create(&format!("orders-queue{suffix}"), Some(&dead_letters))
                .await;
        }
        world
    }

    async fn create(&self, name: &str, dead_letters: Option<&str>) {
        let mut create = self.sqs.create_queue().queue_name(name);
        // Six times the invocation's timeout, as AWS advises.
        create = create.attributes("VisibilityTimeout".into(), "180");
        if name.ends_with(".fifo") {
            create = create.attributes("FifoQueue".into(), "true");
        }
        if let Some(target) = dead_letters {
            let arn = format!("arn:aws:sqs:us-east-1:000000000000:{target}");
            let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": RECEIVES});
            create = create.attributes("RedrivePolicy".into(), policy.to_string());
        }
        create.send().await.unwrap();
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.system.elapsed()
    }

    pub(crate) fn processor<S>(
        &self,
        worker: Worker<S>,
        store: Arc<dyn DedupStore>,
    ) -> Arc<Processor>
    where
        S: Clone + Send + Sync + 'static,
    {
        let system = Arc::clone(&self.system) as _;
        Arc::new(Processor::new(worker, "consumer", store, system).unwrap())
    }

    /// Sends an event whose data is `{}`.
    pub(crate) async fn send(&self, queue: &str, event_type: &str, event_id: &str) {
        let body = envelope(event_type, event_id, json!({})).to_string();
        self.send_body(queue, body).await;
    }

    pub(crate) async fn send_body(&self, queue: &str, body: String) {
        let mut send = self.sqs.send_message().queue_url(url(queue));
        if queue.ends_with(".fifo") {
            send = send
                .message_group_id("group-1")
                .message_deduplication_id(self.system.fence());
        }
        send.message_body(body).send().await.unwrap();
    }

    /// The queue as its worker knows it.
    pub(crate) fn queue(&self, name: &str) -> SqsQueue {
        let dead_letters = url(&name.replace("-queue", "-dlq"));
        let aws_url = format!("https://sqs.us-east-1.amazonaws.com/000000000000/{name}");
        SqsQueue::new(self.sqs.clone(), aws_url, Some(dead_letters))
    }

    pub(crate) async fn work(
        &self,
        processor: &Arc<Processor>,
        queue: &str,
        time: Duration,
        host: Host,
    ) {
        match host {
            Host::Lambda => self.feed(processor, queue, time).await,
            Host::Process => self.poll(processor, queue, time).await,
        }
    }

    /// Lets the worker read the queue for so long, in a process of its own.
    pub(crate) async fn poll(&self, processor: &Arc<Processor>, queue: &str, time: Duration) {
        let poller = Poller::new(Arc::clone(processor), self.queue(queue));
        poller.run_until(tokio::time::sleep(time)).await.unwrap();
    }

    /// Feeds the worker from the queue for so long, as one of Lambda's pollers does.
    pub(crate) async fn feed(&self, processor: &Processor, queue: &str, time: Duration) {
        let source = self.queue(queue);
        let until = self.elapsed() + time;
        while self.elapsed() < until {
            let messages = self.receive(queue, 20).await;
            if messages.is_empty() {
                continue;
            }
            let receipts: BTreeMap<_, _> = messages
                .iter()
                .map(|message| (message.id.clone(), message.receipt_handle.clone()))
                .collect();
            let batch = Batch {
                source: queue.to_owned(),
                fifo: queue.ends_with(".fifo"),
                request_id: "request-1".to_owned(),
                messages,
            };
            let deadline = self.system.now() + Duration::from_secs(30);
            let report = processor.process(batch, &source, deadline).await.unwrap();
            for (id, outcome) in report.outcomes() {
                if outcome.is_handled() {
                    let delete = self.sqs.delete_message().queue_url(url(queue));
                    delete.receipt_handle(&receipts[id]).send().await.unwrap();
                }
            }
        }
    }

    async fn receive(&self, queue: &str, wait_seconds: i32) -> Vec<Message> {
        let receive = self.sqs.receive_message().queue_url(url(queue));
        let received = receive
            .max_number_of_messages(10)
            .wait_time_seconds(wait_seconds)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await
            .unwrap();
        let messages = received.messages.unwrap_or_default().into_iter();
        messages.map(ours).collect()
    }

    /// Takes everything out of the dead-letter queue.
    pub(crate) async fn take_dead_letters(&self, dlq: &str) -> Vec<(Message, FailureNote)> {
        let mut taken = Vec::new();
        loop {
            let messages = self.receive(dlq, 0).await;
            if messages.is_empty() {
                return taken;
            }
            for message in messages {
                let delete = self.sqs.delete_message().queue_url(url(dlq));
                let delete = delete.receipt_handle(&message.receipt_handle);
                delete.send().await.unwrap();
                let (attributes, note) = unpack(message.attributes.clone());
                let note = note.unwrap_or_else(|| panic!("moved by SQS: {message:?}"));
                taken.push((
                    Message {
                        attributes,
                        ..message
                    },
                    note,
                ));
            }
        }
    }

    /// Messages in a queue: visible, in flight or delayed.
    pub(crate) async fn depth(&self, queue: &str) -> u64 {
        let ask = self.sqs.get_queue_attributes().queue_url(url(queue));
        let answer = ask.attribute_names("All".into()).send().await.unwrap();
        let counts = answer
            .attributes
            .unwrap()
            .into_iter()
            .filter(|(name, _)| name.as_str().starts_with("ApproximateNumberOfMessages"));
        counts.map(|(_, count)| count.parse::<u64>().unwrap()).sum()
    }
}

fn url(queue: &str) -> String {
    format!("{URL}/000000000000/{queue}")
}

fn ours(message: SqsMessage) -> Message {
    let mut system = message.attributes.unwrap_or_default();
    let mut number = |name| system.remove(&name).unwrap().parse::<i64>().unwrap();
    let receive_count = number(MessageSystemAttributeName::ApproximateReceiveCount) as u32;
    let sent_at = number(MessageSystemAttributeName::SentTimestamp);
    let attributes = message.message_attributes.unwrap_or_default().into_iter();
    Message {
        id: message.message_id.unwrap(),
        receipt_handle: message.receipt_handle.unwrap(),
        body: message.body.unwrap(),
        attributes: attributes
            .map(|(name, attribute)| {
                let text = AttributeValue::Text(attribute.string_value.unwrap());
                let data_type = attribute.data_type;
                (
                    name,
                    Attribute {
                        data_type,
                        value: text,
                    },
                )
            })
            .collect(),
        group: system.remove(&MessageSystemAttributeName::MessageGroupId),
        receive_count,
        sent_at: Timestamp::from_millisecond(sent_at).ok(),
    }
}

struct Connector(InProcess);

impl fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the engine in this process")
    }
}

fn http_client(engine: &InProcess) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Connector(engine.clone()));
    http_client_fn(move |_, _| connector.clone())
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let engine = self.0.clone();
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(LATENCY).await;
            let request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?;
            let request =
                request.map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
            let response = engine.call(request).await.map(SdkBody::from);
            HttpResponse::try_from(response).map_err(|error| ConnectorError::user(error.into()))
        })
    }
}
