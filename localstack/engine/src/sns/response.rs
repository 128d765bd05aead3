//! What SNS answers; `http/sns.rs` writes it as XML.

use std::collections::BTreeMap;

/// The answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "variants and members are AWS's")]
pub enum SnsResponse {
    TopicArn(String),
    Topics {
        arns: Vec<String>,
        next_token: Option<String>,
    },
    SubscriptionArn(String),
    Subscriptions {
        members: Vec<SubscriptionSummary>,
        next_token: Option<String>,
    },
    Attributes(BTreeMap<String, String>),
    Published(Published),
    PublishedBatch {
        successful: Vec<(String, Published)>,
        failed: Vec<FailedPublish>,
    },
    Tags(BTreeMap<String, String>),
    Empty,
}

/// A message that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the members are AWS's")]
pub struct Published {
    pub message_id: String,
    pub sequence_number: Option<String>,
}

/// An entry of PublishBatch that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the members are AWS's")]
pub struct FailedPublish {
    pub id: String,
    pub code: String,
    pub message: String,
    pub sender_fault: bool,
}

/// A subscription in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the members are AWS's")]
pub struct SubscriptionSummary {
    pub subscription_arn: String,
    pub topic_arn: String,
    pub protocol: String,
    pub endpoint: String,
    pub owner: String,
}
