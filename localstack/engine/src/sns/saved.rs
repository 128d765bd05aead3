//! What a data folder keeps of topics and subscriptions, and how they come back from it.
//!
//! Attributes are kept as they were given and go through the same checks again: what a later
//! version of the engine refuses is then an error with a reason, not a subscription that behaves
//! otherwise.

use super::subscription::{Protocol, Settings, Subscription};
use super::{Sns, SnsError};
use crate::EpochMillis;
use crate::sqs::deduplication::{DeduplicationKey, Original};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedTopic {
    name: String,
    attributes: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    deleted_subscriptions: usize,
    /// In order of subscription.
    subscriptions: Vec<SavedSubscription>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SavedSubscription {
    arn: Arc<str>,
    protocol: Protocol,
    endpoint: Arc<str>,
    attributes: BTreeMap<String, String>,
}

impl Sns {
    pub(crate) fn keep_journal(&mut self) {
        self.keeps_journal = true;
    }

    /// Whether anything but what was published changed since the last call.
    pub(crate) fn take_definitions_changed(&mut self) -> bool {
        std::mem::take(&mut self.definitions_changed)
    }

    /// What topics have to remember since the last call, by the topic's ARN.
    pub(crate) fn take_originals(
        &mut self,
    ) -> Vec<(Arc<str>, EpochMillis, DeduplicationKey, Original)> {
        std::mem::take(&mut self.new_originals)
    }

    pub(crate) fn saved_topics(&self) -> Vec<SavedTopic> {
        let saved = self.topics.values().map(|topic| {
            let subscribers = topic.subscribers.iter();
            let subscriptions = subscribers.filter_map(|arn| self.subscriptions.get(arn));
            SavedTopic {
                name: topic.name().to_owned(),
                attributes: topic.given().clone(),
                tags: topic.tags.clone(),
                deleted_subscriptions: topic.deleted_subscriptions,
                subscriptions: subscriptions
                    .map(|subscription| SavedSubscription {
                        arn: subscription.arn.clone(),
                        protocol: subscription.protocol,
                        endpoint: subscription.endpoint.clone(),
                        attributes: subscription.settings.given().clone(),
                    })
                    .collect(),
            }
        });
        saved.collect()
    }

    /// # Errors
    /// The attributes are not those of a topic or of a subscription.
    pub(crate) fn restore_topic(&mut self, saved: SavedTopic) -> Result<Arc<str>, SnsError> {
        let arn: Arc<str> = self.identity.topic_arn(&saved.name).into();
        self.create_topic(&saved.name, saved.attributes, saved.tags)?;
        for subscription in saved.subscriptions {
            let settings = Settings::default().with(&subscription.attributes)?;
            self.topic(&arn)?.subscribers.push(subscription.arn.clone());
            let restored = Subscription {
                arn: subscription.arn.clone(),
                topic_arn: arn.clone(),
                protocol: subscription.protocol,
                endpoint: subscription.endpoint,
                settings,
            };
            self.subscriptions.insert(subscription.arn, restored);
        }
        self.topic(&arn)?.deleted_subscriptions = saved.deleted_subscriptions;
        Ok(arn)
    }

    pub(crate) fn restore_originals(
        &mut self,
        topic_arn: &str,
        originals: impl IntoIterator<Item = (EpochMillis, DeduplicationKey, Original)>,
    ) {
        if let Some(topic) = self.topics.get_mut(topic_arn) {
            for (until, key, original) in originals {
                topic.last_sequence = topic.last_sequence.max(original.sequence);
                topic.deduplication.restore(until, key, original);
            }
        }
    }
}
