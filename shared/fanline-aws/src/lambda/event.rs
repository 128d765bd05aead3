//! Lambda's JSON for SQS and SNS events, as batches of messages.
//!
//! Bodies stay text here: decoding is per record and belongs to the core, so that one bad
//! body cannot fail its neighbours.

use std::collections::{BTreeMap, HashMap};

use aws_lambda_events::{sns::SnsMessage, sqs::SqsMessageAttribute};
use fanline::{Attribute, AttributeValue, Batch, Message, Timestamp};
use serde::Deserialize;

/// An event of either kind.
#[derive(Debug, Deserialize)]
pub(super) struct Payload {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

/// Who invoked the function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// An event source mapping that reads the queue with this ARN.
    Sqs { arn: String },
    /// A topic, directly.
    Sns,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    message_id: Option<String>,
    receipt_handle: Option<String>,
    body: Option<String>,
    #[serde(default)]
    attributes: HashMap<String, String>,
    #[serde(default)]
    message_attributes: HashMap<String, SqsMessageAttribute>,
    #[serde(alias = "EventSource")]
    event_source: Option<String>,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: Option<String>,
    #[serde(rename = "Sns")]
    sns: Option<SnsMessage>,
}

impl Payload {
    pub(super) fn into_batch(self, request_id: String) -> Result<(Source, Batch), String> {
        let source = source(self.records.first())?;
        let arn = self.records.first().and_then(Record::source_arn);
        let name = arn
            .and_then(|arn| arn.rsplit(':').next())
            .unwrap_or_default();
        let (fifo, name) = (name.ends_with(".fifo"), name.to_owned());
        let fifo = fifo && source != Source::Sns;
        let messages = self.records.into_iter().map(Record::into_message).collect();
        let batch = Batch {
            source: name,
            fifo,
            request_id,
            messages,
        };
        Ok((source, batch))
    }
}

fn source(record: Option<&Record>) -> Result<Source, String> {
    let name = record.and_then(|record| record.event_source.as_deref());
    match name {
        Some("aws:sqs") => Ok(sqs(record)),
        Some("aws:sns") => Ok(Source::Sns),
        // An empty batch has nothing to lose.
        None if record.is_none() => Ok(sqs(record)),
        other => Err(format!(
            "expected records of eventSource aws:sqs or aws:sns, found {}; a worker is invoked by a queue or a topic",
            other.unwrap_or("none")
        )),
    }
}

fn sqs(record: Option<&Record>) -> Source {
    let arn = record.and_then(|record| record.event_source_arn.clone());
    Source::Sqs {
        arn: arn.unwrap_or_default(),
    }
}

impl Record {
    /// The queue's ARN, or the topic's.
    fn source_arn(&self) -> Option<&str> {
        let topic = self.sns.as_ref().map(|sns| sns.topic_arn.as_str());
        self.event_source_arn.as_deref().or(topic)
    }

    fn into_message(self) -> Message {
        match self.sns {
            Some(sns) => sns_message(sns),
            None => self.into_sqs_message(),
        }
    }

    fn into_sqs_message(mut self) -> Message {
        let milliseconds = self.attributes.get("SentTimestamp");
        let receive_count = self.attributes.get("ApproximateReceiveCount");
        Message {
            // Without an id the batch is refused as a whole.
            id: self.message_id.unwrap_or_default(),
            receipt_handle: self.receipt_handle.unwrap_or_default(),
            body: self.body.unwrap_or_default(),
            receive_count: receive_count
                .and_then(|text| text.parse().ok())
                .unwrap_or(1),
            sent_at: milliseconds
                .and_then(|text| text.parse().ok())
                .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok()),
            group: self.attributes.remove("MessageGroupId"),
            attributes: attributes(self.message_attributes),
        }
    }
}

fn sns_message(sns: SnsMessage) -> Message {
    let attributes = sns.message_attributes.into_iter();
    Message {
        id: sns.message_id,
        receipt_handle: String::new(),
        body: sns.message,
        attributes: attributes
            .map(|(name, attribute)| (name, Attribute::text(attribute.value)))
            .collect(),
        group: None,
        receive_count: 1,
        sent_at: Timestamp::from_millisecond(sns.timestamp.timestamp_millis()).ok(),
    }
}

fn attributes(attributes: HashMap<String, SqsMessageAttribute>) -> BTreeMap<String, Attribute> {
    let attributes = attributes.into_iter().filter_map(|(name, attribute)| {
        let value = match (attribute.string_value, attribute.binary_value) {
            (Some(text), _) => AttributeValue::Text(text),
            (None, Some(bytes)) => AttributeValue::Binary(bytes.0),
            (None, None) => return None,
        };
        let data_type = attribute.data_type.unwrap_or_else(|| "String".to_owned());
        Some((name, Attribute { data_type, value }))
    });
    attributes.collect()
}
