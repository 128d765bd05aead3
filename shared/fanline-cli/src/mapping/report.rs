//! What a mapping tells a reporter. Every message that was received appears in exactly one of
//! deleted, filtered and returned, so counts add up.

use crate::lambda::InvokeError;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One step of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MappingEvent {
    /// Messages came out of the queue.
    Received {
        /// The queue.
        queue_arn: Arc<str>,
        /// What came.
        messages: Vec<ReceivedMessage>,
    },
    /// A batch was given to the function.
    Invoked {
        /// The queue.
        queue_arn: Arc<str>,
        /// The function's name.
        function: String,
        /// Lambda's id of the invocation.
        request_id: Arc<str>,
        /// How many messages the batch had.
        batch_size: usize,
        /// Whether the function returned; which messages it returned follows in other events.
        outcome: Result<(), InvokeError>,
        /// From the call to the response, waiting for a free process included.
        duration: Duration,
    },
    /// Messages were handled and are gone from the queue.
    Deleted {
        /// The queue.
        queue_arn: Arc<str>,
        /// Which messages.
        message_ids: Vec<String>,
    },
    /// Messages matched no filter pattern and are gone from the queue.
    Filtered {
        /// The queue.
        queue_arn: Arc<str>,
        /// Which messages.
        message_ids: Vec<String>,
    },
    /// Messages stay in the queue and become visible again when their timeout ends.
    Returned {
        /// The queue.
        queue_arn: Arc<str>,
        /// Which messages.
        message_ids: Vec<String>,
        /// Why, in one line.
        reason: String,
    },
    /// Something the mapping lives with but a person should know.
    Problem {
        /// The queue.
        queue_arn: Arc<str>,
        /// What happened and what the mapping does about it, in one line.
        text: String,
    },
}

/// A message as a reporter needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// SQS's id, the same on each receive.
    pub message_id: String,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// The body as it was sent.
    pub body: String,
    /// Message attributes that are text.
    pub attributes: BTreeMap<String, String>,
}
