//! A subscription of a queue or a function to a topic, and the attributes that shape its deliveries.
//!
//! `FilterPolicy` can only be read knowing `FilterPolicyScope`, and both may arrive in one
//! call, so they are checked together after all attributes are in.

use super::error::{SnsError, invalid};
use super::filter::{FilterPolicy, FilterScope};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Subscription {
    pub(crate) arn: Arc<str>,
    pub(crate) topic_arn: Arc<str>,
    pub(crate) protocol: Protocol,
    /// The ARN of the queue or function.
    pub(crate) endpoint: Arc<str>,
    pub(crate) settings: Settings,
}

/// Whom a subscription delivers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Protocol {
    Sqs,
    Lambda,
}

impl Protocol {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::Lambda => "lambda",
        }
    }

    /// The protocol of that name, if the endpoint and the kind of topic go with it.
    pub(crate) fn parse(name: &str, endpoint: &str, fifo_topic: bool) -> Result<Self, SnsError> {
        let is_arn_of = |service: &str, parts: usize| {
            endpoint.starts_with(service) && endpoint.split(':').count() == parts
        };
        match name {
            "sqs" if !is_arn_of("arn:aws:sqs:", 6) => Err(invalid(
                "SQS endpoint ARN",
                format!("it must be the ARN of a queue; found '{endpoint}'"),
            )),
            "sqs" if endpoint.ends_with(".fifo") && !fifo_topic => Err(invalid(
                "Invalid parameter: Endpoint",
                "FIFO SQS Queues can not be subscribed to standard SNS topics",
            )),
            "sqs" => Ok(Self::Sqs),
            "lambda" if fifo_topic => Err(invalid(
                "Invalid parameter: Endpoint",
                "FIFO topics deliver to SQS queues only",
            )),
            "lambda" if is_arn_of("arn:aws:lambda:", 7) || is_arn_of("arn:aws:lambda:", 8) => {
                Ok(Self::Lambda)
            }
            "lambda" => Err(invalid(
                "Lambda endpoint ARN",
                format!("it must be the ARN of a function; found '{endpoint}'"),
            )),
            other => Err(invalid(
                "Protocol",
                format!("this engine delivers to sqs and lambda only; found protocol '{other}'"),
            )),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Settings {
    /// As they were given, for GetSubscriptionAttributes.
    given: BTreeMap<String, String>,
    pub(crate) raw: bool,
    pub(crate) filter: Option<FilterPolicy>,
    /// The ARN of the queue for what cannot be delivered.
    pub(crate) dead_letters: Option<Arc<str>>,
}

impl Settings {
    /// The attributes as they were given.
    pub(crate) fn given(&self) -> &BTreeMap<String, String> {
        &self.given
    }

    /// A copy with attributes changed; an empty value takes one away.
    pub(crate) fn with(&self, changes: &BTreeMap<String, String>) -> Result<Self, SnsError> {
        let mut given = self.given.clone();
        for (name, value) in changes {
            if !is_known(name) {
                return Err(invalid(
                    "AttributeName",
                    format!("unknown attribute {name}"),
                ));
            }
            let is_empty_filter = name == "FilterPolicy" && value.trim() == "{}";
            if value.is_empty() || is_empty_filter {
                given.remove(name);
            } else {
                given.insert(name.clone(), value.clone());
            }
        }
        let scope = match given.get("FilterPolicyScope").map(String::as_str) {
            None | Some("MessageAttributes") => FilterScope::MessageAttributes,
            Some("MessageBody") => FilterScope::MessageBody,
            Some(other) => {
                let reason = format!("use MessageAttributes or MessageBody; found {other}");
                return Err(invalid("FilterPolicyScope", reason));
            }
        };
        let raw = match given
            .get("RawMessageDelivery")
            .map(|value| value.to_ascii_lowercase())
        {
            None => false,
            Some(value) if value == "false" => false,
            Some(value) if value == "true" => true,
            Some(other) => {
                let reason = format!("Invalid value [{other}]. Must be true or false.");
                return Err(invalid("Attributes", reason));
            }
        };
        let filter = given.get("FilterPolicy").map(|text| {
            let policy = serde_json::from_str(text).map_err(|error| {
                invalid("FilterPolicy", format!("failed to parse JSON: {error}"))
            })?;
            FilterPolicy::parse(&policy, scope).map_err(|error| invalid("FilterPolicy", error))
        });
        let dead_letters = given.get("RedrivePolicy").map(|text| redrive_target(text));
        Ok(Self {
            raw,
            filter: filter.transpose()?,
            dead_letters: dead_letters.transpose()?,
            given,
        })
    }
}

impl Subscription {
    pub(crate) fn attributes(&self, owner: &str) -> BTreeMap<String, String> {
        let mut map = self.settings.given.clone();
        if self.settings.filter.is_some() {
            map.entry("FilterPolicyScope".into())
                .or_insert_with(|| "MessageAttributes".into());
        } else {
            map.remove("FilterPolicyScope");
        }
        let fixed = [
            ("SubscriptionArn", self.arn.to_string()),
            ("TopicArn", self.topic_arn.to_string()),
            ("Protocol", self.protocol.as_str().to_owned()),
            ("Endpoint", self.endpoint.to_string()),
            ("Owner", owner.to_owned()),
            ("RawMessageDelivery", self.settings.raw.to_string()),
            ("PendingConfirmation", "false".to_owned()),
            ("ConfirmationWasAuthenticated", "true".to_owned()),
            (
                "SubscriptionPrincipal",
                format!("arn:aws:iam::{owner}:root"),
            ),
        ];
        map.extend(fixed.map(|(name, value)| (name.to_owned(), value)));
        map
    }
}

fn is_known(name: &str) -> bool {
    matches!(
        name,
        "RawMessageDelivery"
            | "FilterPolicy"
            | "FilterPolicyScope"
            | "RedrivePolicy"
            | "DeliveryPolicy"
            | "SubscriptionRoleArn"
            | "ReplayPolicy"
    )
}

fn redrive_target(text: &str) -> Result<Arc<str>, SnsError> {
    let policy: serde_json::Value = serde_json::from_str(text)
        .map_err(|error| invalid("RedrivePolicy", format!("failed to parse JSON: {error}")))?;
    let target = policy
        .get("deadLetterTargetArn")
        .and_then(|arn| arn.as_str());
    match target.filter(|arn| arn.starts_with("arn:aws:sqs:")) {
        Some(arn) => Ok(arn.into()),
        None => Err(invalid(
            "RedrivePolicy",
            "deadLetterTargetArn must be the ARN of an SQS queue",
        )),
    }
}
