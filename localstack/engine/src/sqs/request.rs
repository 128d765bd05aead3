//! The calls of SQS as its JSON protocol writes them.
//!
//! Absent members become defaults here and are refused by the operation that needs
//! them, because AWS answers `MissingParameter` and not a parse error.

use super::error::{SqsError, SqsErrorKind};
use super::receipt::ReceiptHandle;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A call to SQS.
#[derive(Debug, Clone)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the variants are AWS's operations")]
pub enum SqsRequest {
    CreateQueue(CreateQueue),
    DeleteQueue(QueueOnly),
    GetQueueUrl(GetQueueUrl),
    ListQueues(ListQueues),
    GetQueueAttributes(GetQueueAttributes),
    SetQueueAttributes(SetQueueAttributes),
    TagQueue(TagQueue),
    UntagQueue(UntagQueue),
    ListQueueTags(QueueOnly),
    SendMessage(SendMessage),
    SendMessageBatch(SendMessageBatch),
    ReceiveMessage(ReceiveMessage),
    DeleteMessage(DeleteMessage),
    DeleteMessageBatch(DeleteMessageBatch),
    ChangeMessageVisibility(ChangeMessageVisibility),
    ChangeMessageVisibilityBatch(ChangeMessageVisibilityBatch),
    PurgeQueue(QueueOnly),
    ListDeadLetterSourceQueues(ListDeadLetterSourceQueues),
    StartMessageMoveTask(StartMessageMoveTask),
    CancelMessageMoveTask(CancelMessageMoveTask),
    ListMessageMoveTasks(ListMessageMoveTasks),
    AddPermission(AddPermission),
    RemovePermission(RemovePermission),
}

impl SqsRequest {
    /// Reads the body of a JSON call.
    ///
    /// # Errors
    /// UnknownOperation, or Serialization naming what does not fit.
    pub fn parse(operation: &str, body: &[u8]) -> Result<Self, SqsError> {
        Ok(match operation {
            "CreateQueue" => Self::CreateQueue(read(body)?),
            "DeleteQueue" => Self::DeleteQueue(read(body)?),
            "GetQueueUrl" => Self::GetQueueUrl(read(body)?),
            "ListQueues" => Self::ListQueues(read(body)?),
            "GetQueueAttributes" => Self::GetQueueAttributes(read(body)?),
            "SetQueueAttributes" => Self::SetQueueAttributes(read(body)?),
            "TagQueue" => Self::TagQueue(read(body)?),
            "UntagQueue" => Self::UntagQueue(read(body)?),
            "ListQueueTags" => Self::ListQueueTags(read(body)?),
            "SendMessage" => Self::SendMessage(read(body)?),
            "SendMessageBatch" => Self::SendMessageBatch(read(body)?),
            "ReceiveMessage" => Self::ReceiveMessage(read(body)?),
            "DeleteMessage" => Self::DeleteMessage(read(body)?),
            "DeleteMessageBatch" => Self::DeleteMessageBatch(read(body)?),
            "ChangeMessageVisibility" => Self::ChangeMessageVisibility(read(body)?),
            "ChangeMessageVisibilityBatch" => Self::ChangeMessageVisibilityBatch(read(body)?),
            "PurgeQueue" => Self::PurgeQueue(read(body)?),
            "ListDeadLetterSourceQueues" => Self::ListDeadLetterSourceQueues(read(body)?),
            "StartMessageMoveTask" => Self::StartMessageMoveTask(read(body)?),
            "CancelMessageMoveTask" => Self::CancelMessageMoveTask(read(body)?),
            "ListMessageMoveTasks" => Self::ListMessageMoveTasks(read(body)?),
            "AddPermission" => Self::AddPermission(read(body)?),
            "RemovePermission" => Self::RemovePermission(read(body)?),
            _ => {
                return Err(SqsErrorKind::UnknownOperation.because(format!(
                    "The operation {operation} is not one this engine knows."
                )));
            }
        })
    }
}

impl SqsRequest {
    /// Whether the call can change anything but messages.
    pub(super) fn changes_definitions(&self) -> bool {
        matches!(
            self,
            Self::CreateQueue(_)
                | Self::DeleteQueue(_)
                | Self::SetQueueAttributes(_)
                | Self::AddPermission(_)
                | Self::RemovePermission(_)
                | Self::TagQueue(_)
                | Self::UntagQueue(_)
                | Self::PurgeQueue(_)
                | Self::StartMessageMoveTask(_)
                | Self::CancelMessageMoveTask(_)
        )
    }
}

fn read<Request: DeserializeOwned>(body: &[u8]) -> Result<Request, SqsError> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body)
        .map_err(|error| SqsErrorKind::Serialization.because(error.to_string()))
}

macro_rules! requests {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $kind:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(rename_all = "PascalCase", default)]
        #[expect(missing_docs, reason = "the members are AWS's")]
        pub struct $name { $($(#[$field_meta])* pub $field: $kind,)* }
    )*};
}

requests! {
    /// A call that names nothing but a queue.
    QueueOnly { queue_url: String, }
    /// CreateQueue.
    CreateQueue {
        queue_name: String,
        attributes: BTreeMap<String, String>,
        #[serde(rename = "tags")]
        tags: BTreeMap<String, String>,
    }
    /// AddPermission.
    AddPermission {
        queue_url: String,
        label: String,
        #[serde(rename = "AWSAccountIds")]
        account_ids: Vec<String>,
        actions: Vec<String>,
    }
    /// RemovePermission.
    RemovePermission { queue_url: String, label: String, }
    /// GetQueueUrl.
    GetQueueUrl {
        queue_name: String,
        #[serde(rename = "QueueOwnerAWSAccountId")]
        queue_owner: Option<String>,
    }
    /// ListQueues.
    ListQueues {
        queue_name_prefix: Option<String>,
        max_results: Option<i64>,
        next_token: Option<String>,
    }
    /// GetQueueAttributes.
    GetQueueAttributes { queue_url: String, attribute_names: Vec<String>, }
    /// SetQueueAttributes.
    SetQueueAttributes { queue_url: String, attributes: BTreeMap<String, String>, }
    /// TagQueue.
    TagQueue { queue_url: String, tags: BTreeMap<String, String>, }
    /// UntagQueue.
    UntagQueue { queue_url: String, tag_keys: Vec<String>, }
    /// A message attribute on the wire.
    WireAttribute {
        data_type: String,
        string_value: Option<String>,
        binary_value: Option<String>,
    }
    /// SendMessage, and a message of a batch, which has an id where this has a queue.
    SendMessage {
        queue_url: String,
        id: String,
        message_body: Arc<str>,
        delay_seconds: Option<i64>,
        message_attributes: BTreeMap<String, WireAttribute>,
        message_system_attributes: BTreeMap<String, WireAttribute>,
        message_deduplication_id: Option<Arc<str>>,
        message_group_id: Option<Arc<str>>,
    }
    /// SendMessageBatch.
    SendMessageBatch { queue_url: String, entries: Vec<SendMessage>, }
    /// ReceiveMessage.
    ReceiveMessage {
        queue_url: String,
        attribute_names: Vec<String>,
        message_system_attribute_names: Vec<String>,
        message_attribute_names: Vec<String>,
        max_number_of_messages: Option<i64>,
        visibility_timeout: Option<i64>,
        wait_time_seconds: Option<i64>,
        receive_request_attempt_id: Option<Arc<str>>,
    }
    /// DeleteMessage.
    DeleteMessage { queue_url: String, receipt_handle: ReceiptHandle, }
    /// DeleteMessageBatch.
    DeleteMessageBatch { queue_url: String, entries: Vec<DeleteEntry>, }
    /// One message to delete.
    DeleteEntry { id: String, receipt_handle: ReceiptHandle, }
    /// ChangeMessageVisibility.
    ChangeMessageVisibility {
        queue_url: String,
        receipt_handle: ReceiptHandle,
        visibility_timeout: Option<i64>,
    }
    /// ChangeMessageVisibilityBatch.
    ChangeMessageVisibilityBatch { queue_url: String, entries: Vec<VisibilityEntry>, }
    /// One change of visibility.
    VisibilityEntry { id: String, receipt_handle: ReceiptHandle, visibility_timeout: Option<i64>, }
    /// StartMessageMoveTask.
    StartMessageMoveTask {
        source_arn: String,
        destination_arn: Option<String>,
        max_number_of_messages_per_second: Option<i64>,
    }
    /// CancelMessageMoveTask.
    CancelMessageMoveTask { task_handle: String, }
    /// ListDeadLetterSourceQueues.
    ListDeadLetterSourceQueues {
        queue_url: String,
        max_results: Option<i64>,
        next_token: Option<String>,
    }
    /// ListMessageMoveTasks.
    ListMessageMoveTasks { source_arn: String, max_results: Option<i64>, }
}
