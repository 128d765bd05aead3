//! What a queue hands to a worker, free of any AWS crate's types.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::Attribute;

/// One SQS message, as one record of a Lambda event or one receive of the poller.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// SQS's message id: names the record in the batch response. Useless as an idempotency
    /// key, because a redrive mints a new one.
    pub id: String,
    /// Of this receive: names it to the queue when its visibility is changed. Empty if no queue
    /// holds the message.
    pub receipt_handle: String,
    /// The body, untouched.
    pub body: String,
    /// Message attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// FIFO message group.
    pub group: Option<String>,
    /// ApproximateReceiveCount: 1 at the first delivery.
    pub receive_count: u32,
    /// SentTimestamp.
    pub sent_at: Option<Timestamp>,
}

/// The messages of one Lambda invocation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The source's name, for metrics.
    pub source: String,
    /// Whether the source is a FIFO queue: order is then kept within each group.
    pub fifo: bool,
    /// Lambda's request id, for logs and metrics.
    pub request_id: String,
    /// The records, in the order in which they arrived.
    pub messages: Vec<Message>,
}
