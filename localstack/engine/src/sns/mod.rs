//! SNS as a pure state machine: a publish answers with the deliveries it leads to.
//!
//! SNS does not know queues. It says what each subscriber should get, and whoever holds
//! both (`Engine`) delivers it and asks the queue's policy.

mod error;
pub mod filter;
mod notification;
mod publish;
mod request;
mod response;
pub(crate) mod saved;
mod signature;
mod subscription;
mod subscriptions;
mod topics;

pub use error::{SnsError, SnsErrorKind};
pub use request::*;
pub use response::*;
pub use signature::{NotificationSigner, SignatureVersion};

use crate::EpochMillis;
use crate::identity::Identity;
use crate::sqs::Delivery;
use crate::sqs::deduplication::{DeduplicationKey, Original};
use fastrand::Rng;
use publish::Outgoing;
use std::collections::BTreeMap;
use std::sync::Arc;
use subscription::Subscription;
use topics::Topic;

const PAGE: usize = 100;

/// All topics and subscriptions of an account.
#[derive(Debug)]
pub struct Sns {
    identity: Identity,
    topics: BTreeMap<Arc<str>, Topic>,
    subscriptions: BTreeMap<Arc<str>, Subscription>,
    random: Rng,
    signer: Option<Arc<dyn NotificationSigner>>,
    /// Whether topics, subscriptions, their attributes or tags changed.
    definitions_changed: bool,
    keeps_journal: bool,
    /// What FIFO topics remember since the journal was last taken; empty unless one is kept.
    new_originals: Vec<(Arc<str>, EpochMillis, DeduplicationKey, Original)>,
}

/// What a call led to.
#[derive(Debug)]
pub struct SnsStep {
    /// What the caller is told.
    pub answer: Result<SnsResponse, SnsError>,
    /// What the subscribed queues should get, in order.
    pub deliveries: Vec<TopicDelivery>,
    /// What the subscribed functions should be invoked with.
    pub invocations: Vec<Invocation>,
}

/// One message for one queue.
#[derive(Debug, Clone)]
pub struct TopicDelivery {
    /// The topic's ARN, which the queue's policy must admit.
    pub topic_arn: Arc<str>,
    /// The queue's ARN.
    pub queue_arn: Arc<str>,
    /// The ARN of the queue that gets it if it cannot be delivered.
    pub dead_letters: Option<Arc<str>>,
    /// What to send; the reason, if this message cannot be sent to any queue.
    pub message: Result<Delivery, String>,
    /// What goes to the dead-letter queue then.
    pub fallback: Option<Delivery>,
}

/// One message for one function.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The topic's ARN.
    pub topic_arn: Arc<str>,
    /// The function's ARN.
    pub function_arn: Arc<str>,
    /// The event, as Lambda hands it to the function.
    pub event: String,
    /// The ARN of the queue that gets the message if the function cannot be invoked.
    pub dead_letters: Option<Arc<str>>,
    /// What goes there then.
    pub fallback: Delivery,
}

impl Sns {
    /// An account without topics.
    pub fn new(identity: Identity, signer: Option<Arc<dyn NotificationSigner>>, seed: u64) -> Self {
        Self {
            identity,
            topics: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            random: Rng::with_seed(seed),
            signer,
            definitions_changed: false,
            keeps_journal: false,
            new_originals: Vec::new(),
        }
    }

    /// Carries out one call.
    pub fn step(&mut self, now: EpochMillis, base_url: &str, request: SnsRequest) -> SnsStep {
        let mut outgoing = Outgoing::default();
        let answer = match request {
            SnsRequest::Publish { topic_arn, message } => {
                self.publish(now, base_url, &topic_arn, message, &mut outgoing)
            }
            SnsRequest::PublishBatch { topic_arn, entries } => {
                self.publish_batch(now, base_url, &topic_arn, entries, &mut outgoing)
            }
            other => {
                self.definitions_changed = true;
                self.administer(other)
            }
        };
        SnsStep {
            answer,
            deliveries: outgoing.deliveries,
            invocations: outgoing.invocations,
        }
    }

    fn administer(&mut self, request: SnsRequest) -> Result<SnsResponse, SnsError> {
        match request {
            SnsRequest::CreateTopic {
                name,
                attributes,
                tags,
            } => self.create_topic(&name, attributes, tags),
            SnsRequest::DeleteTopic { topic_arn } => self.delete_topic(&topic_arn),
            SnsRequest::ListTopics { next_token } => Ok(self.list_topics(next_token.as_deref())),
            SnsRequest::GetTopicAttributes { topic_arn } => self.topic_attributes(&topic_arn),
            SnsRequest::SetTopicAttributes {
                topic_arn,
                name,
                value,
            } => self.set_topic_attribute(&topic_arn, &name, value),
            SnsRequest::Subscribe {
                topic_arn,
                protocol,
                endpoint,
                attributes,
            } => self.subscribe(&topic_arn, &protocol, &endpoint, &attributes),
            SnsRequest::Unsubscribe { subscription_arn } => Ok(self.unsubscribe(&subscription_arn)),
            SnsRequest::ListSubscriptions { next_token } => {
                Ok(self.list_subscriptions(None, next_token.as_deref()))
            }
            SnsRequest::ListSubscriptionsByTopic {
                topic_arn,
                next_token,
            } => {
                self.topic(&topic_arn)?;
                Ok(self.list_subscriptions(Some(&topic_arn), next_token.as_deref()))
            }
            SnsRequest::GetSubscriptionAttributes { subscription_arn } => {
                self.subscription_attributes(&subscription_arn)
            }
            SnsRequest::SetSubscriptionAttributes {
                subscription_arn,
                name,
                value,
            } => self.set_subscription_attribute(&subscription_arn, &name, value),
            SnsRequest::TagResource { resource_arn, tags } => {
                self.topic(&resource_arn)?.tags.extend(tags);
                Ok(SnsResponse::Empty)
            }
            SnsRequest::UntagResource { resource_arn, keys } => {
                let topic = self.topic(&resource_arn)?;
                topic.tags.retain(|key, _| !keys.contains(key));
                Ok(SnsResponse::Empty)
            }
            SnsRequest::ListTagsForResource { resource_arn } => {
                Ok(SnsResponse::Tags(self.topic(&resource_arn)?.tags.clone()))
            }
            SnsRequest::Permission { topic_arn } => {
                self.topic(&topic_arn).map(|_| SnsResponse::Empty)
            }
            SnsRequest::Publish { .. } | SnsRequest::PublishBatch { .. } => Ok(SnsResponse::Empty),
        }
    }

    fn topic(&mut self, arn: &str) -> Result<&mut Topic, SnsError> {
        if !arn.starts_with("arn:aws:sns:") || arn.split(':').count() != 6 {
            return Err(error::invalid(
                "TopicArn",
                format!("An ARN must have at least 6 elements, not '{arn}'"),
            ));
        }
        self.topics.get_mut(arn).ok_or_else(error::no_such_topic)
    }
}

/// One page of a sorted list; the token is the last key of the page before.
fn page<'a, Entry>(
    entries: impl Iterator<Item = (&'a Arc<str>, Entry)>,
    token: Option<&str>,
) -> (Vec<Entry>, Option<String>) {
    let mut rest = entries.skip_while(|(key, _)| token.is_some_and(|token| &***key <= token));
    let mut last = None;
    let mut page = Vec::new();
    for (key, entry) in rest.by_ref().take(PAGE) {
        last = Some(key.to_string());
        page.push(entry);
    }
    let more = rest.next().is_some();
    (page, last.filter(|_| more))
}

#[cfg(test)]
mod tests;
