//! The calls of SNS, read from the query protocol.
//!
//! Absent parameters become empty text and are refused by the operation that needs them.

use super::error::{SnsError, SnsErrorKind};
use crate::attribute::{AttributeData, AttributeValue};
use crate::query::Form;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A call to SNS.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "variants and members are AWS's")]
pub enum SnsRequest {
    CreateTopic {
        name: String,
        attributes: BTreeMap<String, String>,
        tags: BTreeMap<String, String>,
    },
    DeleteTopic {
        topic_arn: String,
    },
    ListTopics {
        next_token: Option<String>,
    },
    GetTopicAttributes {
        topic_arn: String,
    },
    SetTopicAttributes {
        topic_arn: String,
        name: String,
        value: String,
    },
    Subscribe {
        topic_arn: String,
        protocol: String,
        endpoint: String,
        attributes: BTreeMap<String, String>,
    },
    Unsubscribe {
        subscription_arn: String,
    },
    ListSubscriptions {
        next_token: Option<String>,
    },
    ListSubscriptionsByTopic {
        topic_arn: String,
        next_token: Option<String>,
    },
    GetSubscriptionAttributes {
        subscription_arn: String,
    },
    SetSubscriptionAttributes {
        subscription_arn: String,
        name: String,
        value: String,
    },
    Publish {
        topic_arn: String,
        message: Publication,
    },
    PublishBatch {
        topic_arn: String,
        entries: Vec<PublishEntry>,
    },
    TagResource {
        resource_arn: String,
        tags: BTreeMap<String, String>,
    },
    UntagResource {
        resource_arn: String,
        keys: Vec<String>,
    },
    ListTagsForResource {
        resource_arn: String,
    },
    Permission {
        topic_arn: String,
    },
}

/// What is published.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(missing_docs, reason = "the members are AWS's")]
pub struct Publication {
    pub message: Arc<str>,
    pub subject: Option<String>,
    pub structure: Option<String>,
    pub attributes: Vec<(String, AttributeValue)>,
    pub group: Option<Arc<str>>,
    pub deduplication: Option<Arc<str>>,
}

/// One entry of PublishBatch.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishEntry {
    /// Chosen by the caller to find the entry's outcome.
    pub id: String,
    /// What is published, or why it cannot be read.
    pub message: Result<Publication, SnsError>,
}

impl SnsRequest {
    /// Reads a call.
    ///
    /// # Errors
    /// InvalidAction, or InvalidParameter for message attributes that cannot be read.
    pub fn parse(form: &Form) -> Result<Self, SnsError> {
        let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
        let attributes = || form.map("Attributes.entry", "key", "value");
        let tags = || form.map("Tags.member", "Key", "Value");
        let (topic_arn, subscription_arn) = (text("TopicArn"), text("SubscriptionArn"));
        let next_token = form.get("NextToken").map(str::to_owned);
        Ok(match form.get("Action").unwrap_or_default() {
            "CreateTopic" => Self::CreateTopic {
                name: text("Name"),
                attributes: attributes(),
                tags: tags(),
            },
            "DeleteTopic" => Self::DeleteTopic { topic_arn },
            "ListTopics" => Self::ListTopics { next_token },
            "GetTopicAttributes" => Self::GetTopicAttributes { topic_arn },
            "SetTopicAttributes" => Self::SetTopicAttributes {
                topic_arn,
                name: text("AttributeName"),
                value: text("AttributeValue"),
            },
            "Subscribe" => Self::Subscribe {
                topic_arn,
                protocol: text("Protocol"),
                endpoint: text("Endpoint"),
                attributes: attributes(),
            },
            "Unsubscribe" => Self::Unsubscribe { subscription_arn },
            "ListSubscriptions" => Self::ListSubscriptions { next_token },
            "ListSubscriptionsByTopic" => Self::ListSubscriptionsByTopic {
                topic_arn,
                next_token,
            },
            "GetSubscriptionAttributes" => Self::GetSubscriptionAttributes { subscription_arn },
            "SetSubscriptionAttributes" => Self::SetSubscriptionAttributes {
                subscription_arn,
                name: text("AttributeName"),
                value: text("AttributeValue"),
            },
            "Publish" => Self::Publish {
                topic_arn: if topic_arn.is_empty() {
                    text("TargetArn")
                } else {
                    topic_arn
                },
                message: publication(form, "")?,
            },
            "PublishBatch" => {
                let entries = form
                    .structures("PublishBatchRequestEntries.member")
                    .into_iter();
                Self::PublishBatch {
                    topic_arn,
                    entries: entries
                        .map(|member| PublishEntry {
                            id: text(&format!("{member}.Id")),
                            message: publication(form, &format!("{member}.")),
                        })
                        .collect(),
                }
            }
            "TagResource" => Self::TagResource {
                resource_arn: text("ResourceArn"),
                tags: tags(),
            },
            "UntagResource" => Self::UntagResource {
                resource_arn: text("ResourceArn"),
                keys: form.list("TagKeys.member"),
            },
            "ListTagsForResource" => Self::ListTagsForResource {
                resource_arn: text("ResourceArn"),
            },
            "AddPermission" | "RemovePermission" => Self::Permission { topic_arn },
            action => {
                return Err(SnsErrorKind::InvalidAction
                    .because(format!("The action {action} is not one this engine knows.")));
            }
        })
    }
}

fn publication(form: &Form, prefix: &str) -> Result<Publication, SnsError> {
    let get = |name: &str| form.get(&format!("{prefix}{name}"));
    let attributes = form
        .structures(&format!("{prefix}MessageAttributes.entry"))
        .into_iter();
    Ok(Publication {
        message: get("Message").unwrap_or_default().into(),
        subject: get("Subject").map(str::to_owned),
        structure: get("MessageStructure").map(str::to_owned),
        attributes: attributes
            .map(|entry| attribute(form, &entry))
            .collect::<Result<_, _>>()?,
        group: get("MessageGroupId").map(Arc::from),
        deduplication: get("MessageDeduplicationId").map(Arc::from),
    })
}

fn attribute(form: &Form, entry: &str) -> Result<(String, AttributeValue), SnsError> {
    let get = |name: &str| form.get(&format!("{entry}.{name}"));
    let name = get("Name").unwrap_or_default().to_owned();
    let data_type = get("Value.DataType").unwrap_or_default();
    let data = match (get("Value.StringValue"), get("Value.BinaryValue")) {
        (Some(text), None) => AttributeData::Text(text.into()),
        (None, Some(text)) => AttributeData::Binary(
            STANDARD
                .decode(text)
                .map_err(|error| {
                    refuse(format!(
                        "The message attribute '{name}' is not base64: {error}."
                    ))
                })?
                .into(),
        ),
        _ => {
            return Err(refuse(format!(
                "The message attribute '{name}' must have exactly one of StringValue and BinaryValue."
            )));
        }
    };
    let value = AttributeValue {
        data_type: data_type.into(),
        data,
    };
    Ok((name, value))
}

fn refuse(reason: String) -> SnsError {
    SnsErrorKind::ParameterValueInvalid.because(reason)
}
