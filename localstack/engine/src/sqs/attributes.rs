//! Queue attributes: their bounds, and what GetQueueAttributes answers.
//!
//! Values arrive as text. Every one is checked before any is stored, so that a refused
//! call leaves the queue as it was.

use super::error::{SqsError, SqsErrorKind};
use super::policy::AccessPolicy;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The largest message SQS takes, attributes included.
pub(crate) const LARGEST_MESSAGE: usize = 1_048_576;
/// Twelve hours.
pub(crate) const LONGEST_VISIBILITY: u32 = 43_200;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QueueAttributes {
    pub(crate) delay_seconds: u32,
    pub(crate) maximum_message_size: u32,
    pub(crate) retention_seconds: u32,
    pub(crate) receive_wait_seconds: u32,
    pub(crate) visibility_timeout: u32,
    pub(crate) redrive: Option<RedrivePolicy>,
    pub(crate) redrive_allow: RedriveAllowPolicy,
    pub(crate) policy: Option<(String, AccessPolicy)>,
    pub(crate) fifo: bool,
    pub(crate) content_based_deduplication: bool,
    pub(crate) deduplicate_per_group: bool,
    /// Kept and given back; the engine does not act on them.
    passive: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RedrivePolicy {
    pub(crate) target_arn: Arc<str>,
    pub(crate) max_receive_count: u32,
}

/// Which source queues may name a queue as their dead-letter queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RedriveAllowPolicy {
    /// As it was given.
    text: Option<String>,
    /// These only; all of them if none.
    sources: Option<Vec<String>>,
}

impl RedriveAllowPolicy {
    pub(crate) fn admits(&self, source_arn: &str) -> bool {
        let sources = self.sources.as_ref();
        sources.is_none_or(|sources| sources.iter().any(|source| source == source_arn))
    }
}

const PASSIVE: [&str; 4] = [
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
    "FifoThroughputLimit",
];

/// Attributes GetQueueAttributes computes rather than stores.
pub(crate) const COMPUTED: [&str; 6] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

impl QueueAttributes {
    pub(crate) fn defaults(fifo: bool) -> Self {
        Self {
            delay_seconds: 0,
            maximum_message_size: LARGEST_MESSAGE as u32,
            retention_seconds: 345_600,
            receive_wait_seconds: 0,
            visibility_timeout: 30,
            redrive: None,
            redrive_allow: RedriveAllowPolicy::default(),
            policy: None,
            fifo,
            content_based_deduplication: false,
            deduplicate_per_group: false,
            passive: BTreeMap::from([("SqsManagedSseEnabled".to_owned(), "true".to_owned())]),
        }
    }

    /// A copy with the given attributes changed.
    pub(crate) fn with(&self, changes: &BTreeMap<String, String>) -> Result<Self, SqsError> {
        let mut changed = self.clone();
        for (name, value) in changes {
            changed.set(name, value)?;
        }
        changed.check_together(changes)?;
        Ok(changed)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), SqsError> {
        let number = |lowest, highest| bounded(name, value, lowest, highest);
        match name {
            "DelaySeconds" => self.delay_seconds = number(0, 900)?,
            "MaximumMessageSize" => {
                self.maximum_message_size = number(1024, LARGEST_MESSAGE as u32)?;
            }
            "MessageRetentionPeriod" => self.retention_seconds = number(60, 1_209_600)?,
            "ReceiveMessageWaitTimeSeconds" => self.receive_wait_seconds = number(0, 20)?,
            "VisibilityTimeout" => self.visibility_timeout = number(0, LONGEST_VISIBILITY)?,
            "RedrivePolicy" if value.is_empty() => self.redrive = None,
            "RedrivePolicy" => self.redrive = Some(redrive_policy(value)?),
            "RedriveAllowPolicy" => self.redrive_allow = redrive_allow_policy(value)?,
            "Policy" if value.is_empty() => self.policy = None,
            "Policy" => {
                let policy =
                    AccessPolicy::parse(value).map_err(|reason| bad_value(name, value, &reason))?;
                self.policy = Some((value.to_owned(), policy));
            }
            "FifoQueue" => self.set_fifo(value)?,
            "ContentBasedDeduplication" if self.fifo => {
                self.content_based_deduplication = flag(name, value)?;
            }
            "DeduplicationScope" if self.fifo => match value {
                "queue" => self.deduplicate_per_group = false,
                "messageGroup" => self.deduplicate_per_group = true,
                _ => return Err(bad_value(name, value, "use queue or messageGroup")),
            },
            "FifoThroughputLimit" if !self.fifo => return Err(unknown(name)),
            "FifoThroughputLimit" if !matches!(value, "perQueue" | "perMessageGroupId") => {
                return Err(bad_value(name, value, "use perQueue or perMessageGroupId"));
            }
            "KmsDataKeyReusePeriodSeconds" => {
                number(60, 86_400)?;
                self.passive.insert(name.to_owned(), value.to_owned());
            }
            "SqsManagedSseEnabled" => {
                flag(name, value)?;
                self.passive.insert(name.to_owned(), value.to_owned());
            }
            _ if PASSIVE.contains(&name) => {
                if value.is_empty() {
                    self.passive.remove(name);
                } else {
                    self.passive.insert(name.to_owned(), value.to_owned());
                }
            }
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    fn set_fifo(&self, value: &str) -> Result<(), SqsError> {
        if self.fifo && value == "true" {
            return Ok(());
        }
        let reason = "FifoQueue is set when the queue is created, only to true, with a name that ends in .fifo";
        Err(bad_value("FifoQueue", value, reason))
    }

    /// Rules between attributes, checked when all changes are in.
    fn check_together(&mut self, changes: &BTreeMap<String, String>) -> Result<(), SqsError> {
        let per_group = "perMessageGroupId";
        let limit = self.passive.get("FifoThroughputLimit");
        if limit.is_some_and(|limit| limit == per_group) && !self.deduplicate_per_group {
            let reason = "it needs DeduplicationScope messageGroup";
            return Err(bad_value("FifoThroughputLimit", per_group, reason));
        }
        let sse = "SqsManagedSseEnabled";
        if self.passive.contains_key("KmsMasterKeyId") {
            if changes.get(sse).is_some_and(|flag| flag == "true") {
                let reason = "a queue is encrypted either with KMS or with keys of SQS; take KmsMasterKeyId away first";
                return Err(bad_value(sse, "true", reason));
            }
            self.passive.insert(sse.to_owned(), "false".to_owned());
        }
        Ok(())
    }

    /// Every stored attribute that has a value.
    pub(crate) fn to_map(&self) -> BTreeMap<String, String> {
        let mut map = self.passive.clone();
        let mut put = |name: &str, value: String| map.insert(name.to_owned(), value);
        put("DelaySeconds", self.delay_seconds.to_string());
        put("MaximumMessageSize", self.maximum_message_size.to_string());
        put("MessageRetentionPeriod", self.retention_seconds.to_string());
        put(
            "ReceiveMessageWaitTimeSeconds",
            self.receive_wait_seconds.to_string(),
        );
        put("VisibilityTimeout", self.visibility_timeout.to_string());
        if let Some(redrive) = &self.redrive {
            let policy = serde_json::json!({
                "deadLetterTargetArn": redrive.target_arn,
                "maxReceiveCount": redrive.max_receive_count,
            });
            put("RedrivePolicy", policy.to_string());
        }
        if let Some(text) = &self.redrive_allow.text {
            put("RedriveAllowPolicy", text.clone());
        }
        if let Some((text, _)) = &self.policy {
            put("Policy", text.clone());
        }
        if self.fifo {
            put("FifoQueue", "true".into());
            put(
                "ContentBasedDeduplication",
                self.content_based_deduplication.to_string(),
            );
            let scope = if self.deduplicate_per_group {
                "messageGroup"
            } else {
                "queue"
            };
            put("DeduplicationScope", scope.into());
            map.entry("FifoThroughputLimit".into())
                .or_insert_with(|| "perQueue".into());
        }
        map
    }
}

/// Whether GetQueueAttributes knows the name.
pub(crate) fn is_known(name: &str) -> bool {
    const STORED: [&str; 12] = [
        "All",
        "DelaySeconds",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "ReceiveMessageWaitTimeSeconds",
        "VisibilityTimeout",
        "RedrivePolicy",
        "Policy",
        "FifoQueue",
        "ContentBasedDeduplication",
        "DeduplicationScope",
        "RedriveAllowPolicy",
    ];
    STORED.contains(&name) || PASSIVE.contains(&name) || COMPUTED.contains(&name)
}

pub(crate) fn unknown(name: &str) -> SqsError {
    SqsErrorKind::InvalidAttributeName.because(format!("Unknown Attribute {name}."))
}

fn bad_value(name: &str, value: &str, reason: &str) -> SqsError {
    SqsErrorKind::InvalidAttributeValue.because(format!(
        "Invalid value '{value}' for the parameter {name}. Reason: {reason}"
    ))
}

fn bounded(name: &str, value: &str, lowest: u32, highest: u32) -> Result<u32, SqsError> {
    let within = |number: &u32| (lowest..=highest).contains(number);
    value.parse().ok().filter(within).ok_or_else(|| {
        bad_value(
            name,
            value,
            &format!("Must be a number from {lowest} to {highest}."),
        )
    })
}

fn flag(name: &str, value: &str) -> Result<bool, SqsError> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(bad_value(name, value, "Must be true or false.")),
    }
}

fn redrive_policy(text: &str) -> Result<RedrivePolicy, SqsError> {
    let wrong = |reason: &str| bad_value("RedrivePolicy", text, reason);
    let policy: Value = serde_json::from_str(text).map_err(|_| wrong("It is not JSON."))?;
    let target = policy
        .get("deadLetterTargetArn")
        .and_then(Value::as_str)
        .ok_or_else(|| wrong("It needs deadLetterTargetArn, the ARN of a queue."))?;
    // Templates write the count as a number, older tools as text; AWS takes both.
    let count = match policy.get("maxReceiveCount") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(number) => number.as_u64(),
        None => None,
    };
    let count = count
        .and_then(|count| u32::try_from(count).ok())
        .filter(|count| (1..=1000).contains(count))
        .ok_or_else(|| wrong("It needs maxReceiveCount, a number from 1 to 1000."))?;
    Ok(RedrivePolicy {
        target_arn: target.into(),
        max_receive_count: count,
    })
}

fn redrive_allow_policy(text: &str) -> Result<RedriveAllowPolicy, SqsError> {
    const MOST_SOURCES: usize = 10;
    let wrong = |reason: &str| bad_value("RedriveAllowPolicy", text, reason);
    if text.is_empty() {
        return Ok(RedriveAllowPolicy::default());
    }
    let policy: Value = serde_json::from_str(text).map_err(|_| wrong("It is not JSON."))?;
    let sources = policy.get("sourceQueueArns").map(|sources| {
        let arns = sources.as_array().filter(|arns| {
            (1..=MOST_SOURCES).contains(&arns.len()) && arns.iter().all(Value::is_string)
        });
        arns.map(|arns| {
            let arns = arns.iter().filter_map(Value::as_str);
            arns.map(str::to_owned).collect::<Vec<_>>()
        })
        .ok_or_else(|| wrong("sourceQueueArns is a list of 1 to 10 ARNs of queues."))
    });
    let permission = policy.get("redrivePermission").and_then(Value::as_str);
    let sources = match (permission, sources.transpose()?) {
        (Some("allowAll"), None) => None,
        (Some("denyAll"), None) => Some(Vec::new()),
        (Some("byQueue"), Some(sources)) => Some(sources),
        (Some("byQueue"), None) => return Err(wrong("byQueue needs sourceQueueArns.")),
        (Some("allowAll" | "denyAll"), Some(_)) => {
            return Err(wrong("sourceQueueArns goes with byQueue only."));
        }
        _ => {
            return Err(wrong(
                "It needs redrivePermission: allowAll, denyAll or byQueue.",
            ));
        }
    };
    Ok(RedriveAllowPolicy {
        text: Some(text.to_owned()),
        sources,
    })
}
