//! Topics as resources.
//!
//! CreateTopic is how clients look a topic up, so repeating it must give the same ARN.

use super::error::{SnsError, invalid};
use super::{SignatureVersion, Sns, SnsResponse, page};
use crate::identity::is_plain_name;
use crate::sqs::deduplication::Deduplication;
use std::collections::BTreeMap;
use std::sync::Arc;

/// SNS's limit unless the topic's MaximumMessageSize says otherwise.
const DEFAULT_LARGEST_MESSAGE: usize = 262_144;

#[derive(Debug)]
pub(crate) struct Topic {
    pub(crate) arn: Arc<str>,
    pub(crate) fifo: bool,
    pub(crate) content_based_deduplication: bool,
    /// FifoThroughputScope MessageGroup: an id is a duplicate only within its group.
    pub(crate) deduplicate_per_group: bool,
    pub(crate) signature_version: SignatureVersion,
    pub(crate) largest_message: usize,
    attributes: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
    /// In order of subscription.
    pub(crate) subscribers: Vec<Arc<str>>,
    pub(crate) deleted_subscriptions: usize,
    pub(crate) deduplication: Deduplication,
    pub(crate) last_sequence: u64,
}

const KNOWN: [&str; 20] = [
    "Policy",
    "DisplayName",
    "DeliveryPolicy",
    "KmsMasterKeyId",
    "FifoTopic",
    "ContentBasedDeduplication",
    "FifoThroughputScope",
    "ArchivePolicy",
    "SignatureVersion",
    "TracingConfig",
    "DataProtectionPolicy",
    "MaximumMessageSize",
    "SQSSuccessFeedbackRoleArn",
    "SQSSuccessFeedbackSampleRate",
    "SQSFailureFeedbackRoleArn",
    "LambdaSuccessFeedbackRoleArn",
    "LambdaSuccessFeedbackSampleRate",
    "LambdaFailureFeedbackRoleArn",
    "HTTPSuccessFeedbackRoleArn",
    "HTTPFailureFeedbackRoleArn",
];

impl Topic {
    pub(crate) fn name(&self) -> &str {
        self.arn.rsplit(':').next().unwrap_or_default()
    }

    /// The attributes as they were given.
    pub(crate) fn given(&self) -> &BTreeMap<String, String> {
        &self.attributes
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), SnsError> {
        if !KNOWN.contains(&name) {
            return Err(invalid(
                "AttributeName",
                format!("unknown attribute {name}"),
            ));
        }
        match name {
            "ContentBasedDeduplication" => {
                self.content_based_deduplication = value.eq_ignore_ascii_case("true");
            }
            "FifoThroughputScope" => match value.as_str() {
                "Topic" => self.deduplicate_per_group = false,
                "MessageGroup" => self.deduplicate_per_group = true,
                other => {
                    let reason = format!("use Topic or MessageGroup; found {other}");
                    return Err(invalid("FifoThroughputScope", reason));
                }
            },
            "SignatureVersion" => {
                self.signature_version = SignatureVersion::parse(&value).ok_or_else(|| {
                    invalid("SignatureVersion", format!("use 1 or 2; found {value}"))
                })?;
            }
            "MaximumMessageSize" => {
                self.largest_message = value
                    .parse()
                    .ok()
                    .filter(|size| (1024..=1_048_576).contains(size))
                    .ok_or_else(|| {
                        invalid(
                            "MaximumMessageSize",
                            format!("must be from 1024 to 1048576; found {value}"),
                        )
                    })?;
            }
            _ => {}
        }
        self.attributes.insert(name.to_owned(), value);
        Ok(())
    }
}

impl Sns {
    pub(super) fn create_topic(
        &mut self,
        name: &str,
        attributes: BTreeMap<String, String>,
        tags: BTreeMap<String, String>,
    ) -> Result<SnsResponse, SnsError> {
        let fifo = attributes
            .get("FifoTopic")
            .is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
        let stem = name.strip_suffix(".fifo");
        if stem.is_some() != fifo {
            return Err(invalid(
                "Topic Name",
                "FIFO topics, and only these, have FifoTopic=true and a name that ends in .fifo",
            ));
        }
        if !is_plain_name(stem.unwrap_or(name), 256) {
            return Err(invalid(
                "Topic Name",
                format!("use 1 to 256 letters, digits, '-' or '_'; found '{name}'"),
            ));
        }
        let arn: Arc<str> = self.identity.topic_arn(name).into();
        if let Some(existing) = self.topics.get(&arn) {
            let same =
                |(name, value): (&String, &String)| existing.attributes.get(name) == Some(value);
            if !attributes.iter().all(same) {
                return Err(invalid(
                    "Attributes",
                    "Topic already exists with different attributes",
                ));
            }
            if !tags
                .iter()
                .all(|(key, value)| existing.tags.get(key) == Some(value))
            {
                return Err(invalid("Tags", "Topic already exists with different tags"));
            }
            return Ok(SnsResponse::TopicArn(arn.to_string()));
        }
        let mut topic = Topic {
            arn: arn.clone(),
            fifo,
            content_based_deduplication: false,
            deduplicate_per_group: false,
            signature_version: SignatureVersion::default(),
            largest_message: DEFAULT_LARGEST_MESSAGE,
            attributes: BTreeMap::new(),
            tags,
            subscribers: Vec::new(),
            deleted_subscriptions: 0,
            deduplication: Deduplication::default(),
            last_sequence: 0,
        };
        for (name, value) in attributes {
            topic.set(&name, value)?;
        }
        self.topics.insert(arn.clone(), topic);
        Ok(SnsResponse::TopicArn(arn.to_string()))
    }

    pub(super) fn delete_topic(&mut self, arn: &str) -> Result<SnsResponse, SnsError> {
        // Deleting what is not there succeeds, as on AWS.
        if let Some(topic) = self.topics.remove(arn) {
            for subscriber in topic.subscribers {
                self.subscriptions.remove(&subscriber);
            }
        }
        Ok(SnsResponse::Empty)
    }

    pub(super) fn list_topics(&self, token: Option<&str>) -> SnsResponse {
        let all = self.topics.keys().map(|arn| (arn, arn.to_string()));
        let (arns, next_token) = page(all, token);
        SnsResponse::Topics { arns, next_token }
    }

    pub(super) fn topic_attributes(&mut self, arn: &str) -> Result<SnsResponse, SnsError> {
        let owner = self.identity.account.clone();
        let topic = self.topic(arn)?;
        let mut attributes = topic.attributes.clone();
        let mut put = |name: &str, value: String| {
            attributes.entry(name.to_owned()).or_insert(value);
        };
        put("TopicArn", topic.arn.to_string());
        put("Owner", owner.clone());
        put("DisplayName", String::new());
        put(
            "SubscriptionsConfirmed",
            topic.subscribers.len().to_string(),
        );
        put("SubscriptionsPending", "0".into());
        put(
            "SubscriptionsDeleted",
            topic.deleted_subscriptions.to_string(),
        );
        put("EffectiveDeliveryPolicy", DELIVERY_POLICY.into());
        put("Policy", default_policy(&topic.arn, &owner));
        if topic.fifo {
            put(
                "ContentBasedDeduplication",
                topic.content_based_deduplication.to_string(),
            );
            put("FifoTopic", "true".into());
        }
        Ok(SnsResponse::Attributes(attributes))
    }

    pub(super) fn set_topic_attribute(
        &mut self,
        arn: &str,
        name: &str,
        value: String,
    ) -> Result<SnsResponse, SnsError> {
        let topic = self.topic(arn)?;
        if name == "FifoTopic" {
            return Err(invalid(
                "AttributeName",
                "FifoTopic is set when the topic is created",
            ));
        }
        topic.set(name, value)?;
        Ok(SnsResponse::Empty)
    }
}

const DELIVERY_POLICY: &str = r#"{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"disableSubscriptionOverrides":false}}"#;

fn default_policy(topic: &str, owner: &str) -> String {
    serde_json::json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ["SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission",
                       "SNS:RemovePermission", "SNS:DeleteTopic", "SNS:Subscribe",
                       "SNS:ListSubscriptionsByTopic", "SNS:Publish"],
            "Resource": topic,
            "Condition": {"StringEquals": {"AWS:SourceOwner": owner}},
        }],
    })
    .to_string()
}
