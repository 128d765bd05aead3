//! Publishing: checks, deduplication on FIFO topics, and one delivery per subscriber that
//! wants the message.
//!
//! A body is shared, not copied, between all raw subscribers.

use super::error::{SnsError, SnsErrorKind, invalid};
use super::notification::Notification;
use super::request::{Publication, PublishEntry};
use super::response::{FailedPublish, Published};
use super::signature::Signature;
use super::subscription::{Protocol, Subscription};
use super::topics::Topic;
use super::{Invocation, Sns, SnsResponse, TopicDelivery};
use crate::EpochMillis;
use crate::attribute::Attributes;
use crate::identity::{format_uuid, is_fifo_id, is_plain_name, sha256_hex};
use crate::sqs::Delivery;
use crate::sqs::deduplication::{DeduplicationKey, Original};
use crate::sqs::message::{format_sequence, next_sequence};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

const MOST_RAW_ATTRIBUTES: usize = 10;
const MOST_ENTRIES: usize = 10;

/// What a publication leads to.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) deliveries: Vec<TopicDelivery>,
    pub(super) invocations: Vec<Invocation>,
}

/// A publication whose parts have been checked.
struct Checked {
    message: Arc<str>,
    /// The text for functions, where `MessageStructure` gives them one of their own.
    for_lambda: Arc<str>,
    subject: Option<String>,
    attributes: Arc<Attributes>,
    group: Option<Arc<str>>,
    deduplication: Option<Arc<str>>,
}

impl Sns {
    pub(super) fn publish(
        &mut self,
        now: EpochMillis,
        base_url: &str,
        topic_arn: &str,
        message: Publication,
        outgoing: &mut Outgoing,
    ) -> Result<SnsResponse, SnsError> {
        if topic_arn.is_empty() {
            return Err(invalid(
                "TopicArn or TargetArn",
                "no value for required parameter",
            ));
        }
        self.topic(topic_arn)?;
        let published = self.publish_one(now, base_url, topic_arn, message, outgoing)?;
        Ok(SnsResponse::Published(published))
    }

    pub(super) fn publish_batch(
        &mut self,
        now: EpochMillis,
        base_url: &str,
        topic_arn: &str,
        entries: Vec<PublishEntry>,
        outgoing: &mut Outgoing,
    ) -> Result<SnsResponse, SnsError> {
        let largest = self.topic(topic_arn)?.largest_message;
        check_batch(&entries, largest)?;
        let mut successful = Vec::new();
        let mut failed = Vec::new();
        for PublishEntry { id, message } in entries {
            let outcome = message
                .and_then(|message| self.publish_one(now, base_url, topic_arn, message, outgoing));
            match outcome {
                Ok(published) => successful.push((id, published)),
                Err(error) => failed.push(FailedPublish {
                    id,
                    code: error.code(),
                    message: error.to_string(),
                    sender_fault: true,
                }),
            }
        }
        Ok(SnsResponse::PublishedBatch { successful, failed })
    }

    fn publish_one(
        &mut self,
        now: EpochMillis,
        base_url: &str,
        topic_arn: &str,
        message: Publication,
        outgoing: &mut Outgoing,
    ) -> Result<Published, SnsError> {
        let id = self.random.u128(..);
        let topic = self.topic(topic_arn)?;
        let message = check(topic, message)?;
        let remembered = match topic.take_in(now, id, &message) {
            Ok(remembered) => remembered,
            Err(original) => {
                return Ok(Published {
                    message_id: format_uuid(original.message_id),
                    sequence_number: Some(format_sequence(original.sequence)),
                });
            }
        };
        let message_id = format_uuid(id);
        let sequence = remembered
            .as_ref()
            .map(|(_, _, original)| format_sequence(original.sequence));
        let topic = &*topic;
        let (topic_arn, subscribers) = (topic.arn.clone(), topic.subscribers.clone());
        let (fifo, version) = (topic.fifo, topic.signature_version);
        let wanting = subscribers
            .iter()
            .filter_map(|arn| self.subscriptions.get(arn))
            .filter(|subscription| {
                let filter = subscription.settings.filter.as_ref();
                filter.is_none_or(|filter| filter.matches(&message.attributes, &message.message))
            });
        let wanting: Vec<&Subscription> = wanting.collect();
        let notification = Notification {
            message_id: &message_id,
            sequence: sequence.as_deref(),
            topic_arn: &topic_arn,
            subject: message.subject.as_deref(),
            message: &message.message,
            at: now,
            subscription_arn: "",
            base_url,
            attributes: &message.attributes,
            signature: None,
        };
        let is_raw = |subscription: &&Subscription| {
            subscription.protocol == Protocol::Sqs && subscription.settings.raw
        };
        let sign = |notification: &Notification<'_>| {
            Signature::new(self.signer.as_deref(), version, notification, base_url)
        };
        // The text that is signed is the same for all queues, and so is the signature.
        let is_signed = !fifo && !wanting.iter().all(is_raw);
        let signature = is_signed.then(|| sign(&notification));
        for subscription in wanting {
            let mut notification = Notification {
                subscription_arn: &subscription.arn,
                signature: signature.as_ref(),
                ..notification
            };
            if subscription.protocol == Protocol::Sqs {
                let wrapped = || message.delivery(notification.to_json().into(), None);
                outgoing
                    .deliveries
                    .push(deliver(subscription, &message, wrapped));
                continue;
            }
            let own_signature;
            if message.for_lambda != message.message {
                notification.message = &message.for_lambda;
                own_signature = sign(&notification);
                notification.signature = Some(&own_signature);
            }
            outgoing.invocations.push(Invocation {
                topic_arn: topic_arn.clone(),
                function_arn: subscription.endpoint.clone(),
                event: notification.to_lambda_event(),
                dead_letters: subscription.settings.dead_letters.clone(),
                fallback: message.delivery(notification.to_json().into(), None),
            });
        }
        if let Some((until, key, original)) = remembered.filter(|_| self.keeps_journal) {
            self.new_originals.push((topic_arn, until, key, original));
        }
        Ok(Published {
            message_id,
            sequence_number: sequence,
        })
    }
}

/// What a FIFO topic remembers of a message, and until when.
type Remembered = (EpochMillis, DeduplicationKey, Original);

fn deliver(
    subscription: &Subscription,
    message: &Checked,
    wrapped: impl Fn() -> Delivery,
) -> TopicDelivery {
    let raw = subscription.settings.raw;
    let too_many = raw && message.attributes.len() > MOST_RAW_ATTRIBUTES;
    let content = if too_many {
        Err(format!(
            "{} message attributes, at most {MOST_RAW_ATTRIBUTES} can be delivered raw to SQS",
            message.attributes.len()
        ))
    } else if raw {
        let attributes = (!message.attributes.is_empty()).then(|| message.attributes.clone());
        Ok(message.delivery(message.message.clone(), attributes))
    } else {
        Ok(wrapped())
    };
    TopicDelivery {
        topic_arn: subscription.topic_arn.clone(),
        queue_arn: subscription.endpoint.clone(),
        dead_letters: subscription.settings.dead_letters.clone(),
        fallback: too_many.then(wrapped),
        message: content,
    }
}

impl Checked {
    fn delivery(&self, body: Arc<str>, attributes: Option<Arc<Attributes>>) -> Delivery {
        Delivery {
            body,
            attributes,
            group: self.group.clone(),
            deduplication: self.deduplication.clone(),
            trace_header: None,
        }
    }
}

impl Topic {
    /// On a FIFO topic what is remembered, or the original this is a duplicate of.
    fn take_in(
        &mut self,
        now: EpochMillis,
        id: u128,
        message: &Checked,
    ) -> Result<Option<Remembered>, Original> {
        self.deduplication.forget_expired(now);
        let Some(deduplication) = message.deduplication.clone().filter(|_| self.fifo) else {
            return Ok(None);
        };
        let group = message.group.clone().filter(|_| self.deduplicate_per_group);
        let key = (group, deduplication);
        if let Some(original) = self.deduplication.get(&key) {
            return Err(*original);
        }
        self.last_sequence = next_sequence(now, self.last_sequence);
        let original = Original {
            message_id: id,
            sequence: self.last_sequence,
        };
        let until = self.deduplication.remember(now, key.clone(), original);
        Ok(Some((until, key, original)))
    }
}

fn check(topic: &Topic, given: Publication) -> Result<Checked, SnsError> {
    let refuse = |reason: String| {
        Err(SnsErrorKind::InvalidParameter.because(format!("Invalid parameter: {reason}")))
    };
    if given.message.is_empty() {
        return refuse("Empty message".into());
    }
    if let Some(subject) = &given.subject {
        let is_bad = |character: char| character.is_control() || !character.is_ascii();
        if subject.is_empty() || subject.len() > 100 || subject.contains(is_bad) {
            return refuse("Subject Reason: it must be 1 to 100 printable ASCII characters".into());
        }
    }
    let (message, for_lambda) = match given.structure.as_deref() {
        None => (given.message.clone(), given.message),
        Some("json") => parts(&given.message)?,
        Some(other) => {
            return refuse(format!(
                "MessageStructure Reason: use json or nothing; found {other}"
            ));
        }
    };
    let attributes = Attributes::new(given.attributes)
        .map_err(|reason| SnsErrorKind::ParameterValueInvalid.because(reason))?;
    let size = message.len() + attributes.size();
    if size > topic.largest_message {
        return refuse(format!(
            "Message too long: {size} bytes with its attributes, at most {} are allowed",
            topic.largest_message
        ));
    }
    for (parameter, id) in [
        ("MessageGroupId", &given.group),
        ("MessageDeduplicationId", &given.deduplication),
    ] {
        if let Some(id) = id
            && !is_fifo_id(id)
        {
            return refuse(format!(
                "{parameter} Reason: it must be 1 to 128 letters, digits or punctuation characters; found '{id}'"
            ));
        }
    }
    let mut deduplication = given.deduplication;
    if topic.fifo {
        if given.group.is_none() {
            return refuse("The MessageGroupId parameter is required for FIFO topics".into());
        }
        if deduplication.is_none() {
            if !topic.content_based_deduplication {
                return refuse("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly".into());
            }
            deduplication = Some(sha256_hex(message.as_bytes()).into());
        }
    } else if deduplication.is_some() {
        return refuse("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type".into());
    }
    Ok(Checked {
        message,
        for_lambda,
        subject: given.subject,
        attributes: Arc::new(attributes),
        group: given.group,
        deduplication,
    })
}

/// `MessageStructure=json`: the texts for queues and for functions, or the default.
fn parts(message: &str) -> Result<(Arc<str>, Arc<str>), SnsError> {
    let refuse = |reason: &str| {
        SnsErrorKind::InvalidParameter
            .because(format!("Invalid parameter: Message Structure - {reason}"))
    };
    let parts: BTreeMap<String, serde_json::Value> =
        serde_json::from_str(message).map_err(|_| refuse("JSON message body failed to parse"))?;
    let part = |name: &str| parts.get(name).and_then(serde_json::Value::as_str);
    let default = part("default").ok_or_else(|| refuse("No default entry in JSON message body"))?;
    let or_default = |name: &str| part(name).unwrap_or(default).into();
    Ok((or_default("sqs"), or_default("lambda")))
}

fn check_batch(entries: &[PublishEntry], largest: usize) -> Result<(), SnsError> {
    if entries.is_empty() {
        return Err(SnsErrorKind::EmptyBatchRequest
            .because("The batch request doesn't contain any entries."));
    }
    if entries.len() > MOST_ENTRIES {
        return Err(SnsErrorKind::TooManyEntriesInBatchRequest.because(format!(
            "The batch request contains more entries than permissible: {}, at most {MOST_ENTRIES}.",
            entries.len()
        )));
    }
    let mut seen = HashSet::new();
    for entry in entries {
        if !is_plain_name(&entry.id, 80) {
            return Err(SnsErrorKind::InvalidBatchEntryId.because(format!(
                "The Id of a batch entry in a batch request doesn't abide by the specification: '{}'.",
                entry.id
            )));
        }
        if !seen.insert(&entry.id) {
            return Err(SnsErrorKind::BatchEntryIdsNotDistinct.because(format!(
                "Two or more batch entries in the request have the same Id: {}.",
                entry.id
            )));
        }
    }
    let sizes = entries
        .iter()
        .filter_map(|entry| entry.message.as_ref().ok())
        .map(|message| {
            let attributes = message.attributes.iter();
            let attributes = attributes
                .map(|(name, value)| name.len() + value.data_type.len() + value.data_bytes().len());
            message.message.len() + attributes.sum::<usize>()
        });
    let size: usize = sizes.sum();
    if size > largest {
        return Err(SnsErrorKind::BatchRequestTooLong.because(format!(
            "The length of all the batch messages put together is more than the limit: {size} bytes, at most {largest}."
        )));
    }
    Ok(())
}
