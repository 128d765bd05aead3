//! An engine with queues, dead letters as workers send them, and the command.

use std::{
    collections::{BTreeMap, HashMap},
    process::{Output, Stdio},
};

use aws_sdk_sqs::{
    Client,
    primitives::Blob,
    types::{
        Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName,
        SendMessageBatchRequestEntry,
    },
};
use fanline::{
    Attribute, AttributeValue, Timestamp,
    dead_letter::{FailureNote, Reason, pack},
};
use fanline_engine::{Config, Server};
use serde_json::json;
use tokio::process::Command;

pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) sqs: Client,
}

impl Rig {
    /// Queues orders and payments with dead-letter queues orders-dlq and payments-dlq, and the same
    /// as FIFO queues.
    pub(crate) async fn start() -> Self {
        let server = Server::bind("127.0.0.1:0", Config::default())
            .await
            .unwrap();
        let endpoint = server.endpoint_url();
        let config = fanline_cli::aws::config(Some(&endpoint)).await.unwrap();
        let rig = Self {
            sqs: Client::new(&config),
            server,
        };
        for end in ["", ".fifo"] {
            rig.create(&format!("orders-dlq{end}"), None).await;
            rig.create(&format!("orders{end}"), Some(&format!("orders-dlq{end}")))
                .await;
        }
        rig
    }

    pub(crate) async fn create(&self, name: &str, dead_letters: Option<&str>) {
        let mut create = self.sqs.create_queue().queue_name(name);
        if name.ends_with(".fifo") {
            create = create.attributes(QueueAttributeName::FifoQueue, "true");
        }
        if let Some(dead_letters) = dead_letters {
            let policy = json!({"deadLetterTargetArn": arn(dead_letters), "maxReceiveCount": 3});
            create = create.attributes(QueueAttributeName::RedrivePolicy, policy.to_string());
        }
        create.send().await.unwrap();
    }

    pub(crate) fn url(&self, queue: &str) -> String {
        format!("{}/000000000000/{queue}", self.server.endpoint_url())
    }

    /// Sends dead letters.
    pub(crate) async fn put(&self, queue: &str, letters: &[Letter]) {
        for chunk in letters.chunks(10) {
            let entries = chunk
                .iter()
                .enumerate()
                .map(|(index, letter)| letter.entry(index, queue));
            let send = self.sqs.send_message_batch().queue_url(self.url(queue));
            let answer = send
                .set_entries(Some(entries.collect()))
                .send()
                .await
                .unwrap();
            assert_eq!(answer.successful.len(), chunk.len(), "{answer:?}");
        }
    }

    /// Messages that are visible, in flight or delayed.
    pub(crate) fn depth(&self, queue: &str) -> usize {
        let reports = self.server.queues();
        let report = reports
            .iter()
            .find(|report| &*report.name == queue)
            .unwrap();
        report.counts.total()
    }

    pub(crate) fn in_flight(&self, queue: &str) -> usize {
        let reports = self.server.queues();
        let report = reports
            .iter()
            .find(|report| &*report.name == queue)
            .unwrap();
        report.counts.in_flight
    }

    /// Takes all that is visible out of a queue.
    pub(crate) async fn take_all(&self, queue: &str) -> Vec<Message> {
        let mut taken = Vec::new();
        loop {
            let receive = self.sqs.receive_message().queue_url(self.url(queue));
            let receive = receive
                .max_number_of_messages(10)
                .message_attribute_names("All")
                .message_system_attribute_names(MessageSystemAttributeName::All);
            let messages = receive.send().await.unwrap().messages.unwrap_or_default();
            if messages.is_empty() {
                return taken;
            }
            for message in messages {
                let delete = self.sqs.delete_message().queue_url(self.url(queue));
                let delete = delete.receipt_handle(message.receipt_handle.clone().unwrap());
                delete.send().await.unwrap();
                taken.push(message);
            }
        }
    }

    /// The command with arguments, on this engine.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        command(&self.server.endpoint_url(), arguments)
    }

    /// Runs `fanline dlq` to a good end.
    pub(crate) async fn dlq(&self, arguments: &[&str]) -> Said {
        let said = self.run(&[&["dlq"], arguments].concat()).await;
        assert_eq!(said.code, Some(0), "{said:?}");
        said
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Said {
        Said::from(self.command(arguments).output().await.unwrap())
    }
}

pub(crate) fn command(endpoint: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanline"));
    command
        .args(arguments)
        .env("AWS_ENDPOINT_URL", endpoint)
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// What a command printed, and its exit code.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<i32>,
}

impl Said {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            out: text(output.stdout),
            err: text(output.stderr),
            code: output.status.code(),
        }
    }
}

pub(crate) fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:us-east-1:000000000000:{queue}")
}

/// A dead letter to be.
#[derive(Clone)]
pub(crate) struct Letter {
    pub(crate) id: String,
    pub(crate) event_type: &'static str,
    pub(crate) reason: Option<Reason>,
    pub(crate) source: &'static str,
    pub(crate) group: &'static str,
    pub(crate) attributes: BTreeMap<String, Attribute>,
}

impl Letter {
    pub(crate) fn new(id: impl Into<String>) -> Self {
        let event_type = "order.placed";
        Self {
            id: id.into(),
            event_type,
            reason: Some(Reason::Rejected),
            source: "orders",
            group: "g",
            attributes: [("type".to_owned(), Attribute::text(event_type))].into(),
        }
    }

    pub(crate) fn body(&self) -> String {
        json!({
            "type": self.event_type,
            "data": {"email": format!("{}@example.com", self.id)},
            "metadata": {"eventId": self.id, "timestamp": "2026-02-14T10:30:00Z", "source": "test", "version": 1},
        })
        .to_string()
    }

    fn entry(&self, index: usize, queue: &str) -> SendMessageBatchRequestEntry {
        let attributes = match self.reason {
            Some(reason) => pack(&self.body(), self.attributes.clone(), self.note(reason)),
            None => self.attributes.clone(),
        };
        let attributes: HashMap<_, _> = attributes
            .iter()
            .map(|(name, attribute)| (name.clone(), to_send(attribute)))
            .collect();
        let mut entry = SendMessageBatchRequestEntry::builder()
            .id(index.to_string())
            .message_body(self.body())
            .set_message_attributes(Some(attributes));
        if queue.ends_with(".fifo") {
            entry = entry.message_group_id(self.group);
            entry = entry.message_deduplication_id(&self.id);
        }
        entry.build().unwrap()
    }

    fn note(&self, reason: Reason) -> FailureNote {
        FailureNote {
            reason,
            error: format!("no customer of {}", self.id),
            handler: "orders-service".to_owned(),
            event_type: Some(self.event_type.to_owned()),
            event_id: Some(self.id.clone()),
            correlation_id: Some("c-1".to_owned()),
            attempts: 1,
            first_seen: Some("2026-02-14T10:30:00Z".parse().unwrap()),
            failed_at: "2026-02-14T11:30:00Z".parse::<Timestamp>().unwrap(),
            source: self.source.to_owned(),
            message_id: "m-0".to_owned(),
            request_id: "r-1".to_owned(),
        }
    }
}

fn to_send(attribute: &Attribute) -> MessageAttributeValue {
    let value = MessageAttributeValue::builder().data_type(&attribute.data_type);
    let value = match &attribute.value {
        AttributeValue::Text(text) => value.string_value(text),
        AttributeValue::Binary(bytes) => value.binary_value(Blob::new(bytes.clone())),
    };
    value.build().unwrap()
}

/// So many dead letters with ids e-0, e-1 and so on.
pub(crate) fn letters(count: usize) -> Vec<Letter> {
    let letters = (0..count).map(|number| Letter::new(format!("e-{number}")));
    letters.collect()
}

/// The event ids of messages, in order.
pub(crate) fn ids(messages: &[Message]) -> Vec<String> {
    let ids = messages.iter().map(|message| {
        let body: serde_json::Value = serde_json::from_str(message.body().unwrap()).unwrap();
        body["metadata"]["eventId"].as_str().unwrap().to_owned()
    });
    ids.collect()
}
