//! What SQS answers, in the shape of its JSON protocol.
//!
//! Empty lists are left out, as AWS does; a client that insists on `Messages` must be
//! seen to fail here too.

use super::receipt::ReceiptHandle;
use crate::EpochMillis;
use crate::identity::{Md5Of, Md5Sum, MessageId};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The answer to a call.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the variants are AWS's result shapes")]
pub enum SqsResponse {
    #[serde(rename_all = "PascalCase")]
    QueueUrl {
        queue_url: String,
    },
    #[serde(rename_all = "PascalCase")]
    QueueUrls {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        queue_urls: Vec<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_token: Option<String>,
    },
    DeadLetterSources {
        #[serde(rename = "queueUrls")]
        queue_urls: Vec<String>,
        #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
        next_token: Option<String>,
    },
    #[serde(rename_all = "PascalCase")]
    Attributes {
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        attributes: BTreeMap<String, String>,
    },
    #[serde(rename_all = "PascalCase")]
    Tags {
        tags: BTreeMap<String, String>,
    },
    Sent(Sent),
    SentBatch(Batch<SentEntry>),
    Settled(Batch<SettledEntry>),
    Received(Received),
    #[serde(rename_all = "PascalCase")]
    MoveTask {
        task_handle: String,
    },
    #[serde(rename_all = "PascalCase")]
    MoveTaskCancelled {
        approximate_number_of_messages_moved: u64,
    },
    #[serde(rename_all = "PascalCase")]
    MoveTasks {
        results: Vec<MoveTask>,
    },
    Empty {},
}

/// A message that was taken in.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are AWS's")]
pub struct Sent {
    pub message_id: MessageId,
    #[serde(rename = "MD5OfMessageBody")]
    pub md5_of_message_body: Md5Of,
    #[serde(
        rename = "MD5OfMessageAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    pub md5_of_message_attributes: Option<Md5Sum>,
    #[serde(
        rename = "MD5OfMessageSystemAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    pub md5_of_message_system_attributes: Option<Md5Sum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<String>,
}

/// What became of each entry of a batch.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are AWS's")]
pub struct Batch<Entry> {
    pub successful: Vec<Entry>,
    pub failed: Vec<FailedEntry>,
}

/// An entry of SendMessageBatch that was taken in.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the members are AWS's")]
pub struct SentEntry {
    #[serde(rename = "Id")]
    pub id: String,
    #[serde(flatten)]
    pub sent: Sent,
}

/// An entry of a delete or visibility batch that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are AWS's")]
pub struct SettledEntry {
    pub id: String,
}

/// An entry of a batch that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are AWS's")]
pub struct FailedEntry {
    pub id: String,
    pub sender_fault: bool,
    pub code: String,
    pub message: String,
}

/// The answer to ReceiveMessage.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Received {
    /// The messages; may be none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<ReceivedMessage>,
    /// How a front goes on when there is none.
    #[serde(skip)]
    pub wait: Wait,
}

/// What a long poll waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The queue whose wake-up ends the wait.
    pub queue: Arc<str>,
    /// How long the call may wait in all.
    pub seconds: u32,
    /// When a message becomes visible by itself, if nothing else happens.
    pub next_visible: Option<EpochMillis>,
}

/// A message as a consumer sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are AWS's")]
pub struct ReceivedMessage {
    pub message_id: MessageId,
    pub receipt_handle: ReceiptHandle,
    #[serde(rename = "MD5OfBody")]
    pub md5_of_body: Md5Of,
    pub body: Arc<str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<&'static str, String>,
    #[serde(
        rename = "MD5OfMessageAttributes",
        skip_serializing_if = "Option::is_none"
    )]
    pub md5_of_message_attributes: Option<Md5Sum>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub message_attributes: BTreeMap<Arc<str>, AttributeOut>,
}

/// A message attribute in an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are AWS's")]
pub struct AttributeOut {
    pub data_type: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub string_value: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_value: Option<String>,
}

/// A finished or running move task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the members are AWS's")]
pub struct MoveTask {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_handle: Option<String>,
    pub status: String,
    pub source_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_number_of_messages_per_second: Option<u32>,
    pub approximate_number_of_messages_moved: u64,
    pub approximate_number_of_messages_to_move: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    pub started_timestamp: EpochMillis,
}
