//! Subscribe, Unsubscribe and the subscription's attributes.
//!
//! Subscribing twice with the same attributes gives the same ARN; with others it is
//! refused, so that a deployment does not believe in a filter that is not there.

use super::error::{SnsError, SnsErrorKind, invalid, no_such_subscription};
use super::subscription::{Protocol, Settings, Subscription};
use super::{Sns, SnsResponse, SubscriptionSummary, page};
use crate::identity::uuid;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Sns {
    pub(super) fn subscribe(
        &mut self,
        topic_arn: &str,
        protocol: &str,
        endpoint: &str,
        attributes: &BTreeMap<String, String>,
    ) -> Result<SnsResponse, SnsError> {
        let topic = self.topic(topic_arn)?;
        let (topic_arn, fifo) = (topic.arn.clone(), topic.fifo);
        let subscribers = topic.subscribers.clone();
        let protocol = Protocol::parse(protocol, endpoint, fifo)?;
        let settings = Settings::default().with(attributes)?;
        let existing = subscribers
            .iter()
            .filter_map(|arn| self.subscriptions.get(arn))
            .find(|subscription| &*subscription.endpoint == endpoint);
        if let Some(existing) = existing {
            if existing.settings != settings {
                return Err(invalid(
                    "Attributes",
                    "Subscription already exists with different attributes",
                ));
            }
            return Ok(SnsResponse::SubscriptionArn(existing.arn.to_string()));
        }
        let arn: Arc<str> = format!("{topic_arn}:{}", uuid(&mut self.random)).into();
        self.topic(&topic_arn)?.subscribers.push(arn.clone());
        let subscription = Subscription {
            arn: arn.clone(),
            topic_arn,
            protocol,
            endpoint: endpoint.into(),
            settings,
        };
        self.subscriptions.insert(arn.clone(), subscription);
        Ok(SnsResponse::SubscriptionArn(arn.to_string()))
    }

    pub(super) fn unsubscribe(&mut self, arn: &str) -> SnsResponse {
        if let Some(subscription) = self.subscriptions.remove(arn)
            && let Some(topic) = self.topics.get_mut(&subscription.topic_arn)
        {
            topic.subscribers.retain(|subscriber| **subscriber != *arn);
            topic.deleted_subscriptions += 1;
        }
        SnsResponse::Empty
    }

    pub(super) fn list_subscriptions(
        &self,
        topic: Option<&str>,
        token: Option<&str>,
    ) -> SnsResponse {
        let of_topic = self.subscriptions.iter().filter(|(_, subscription)| {
            topic.is_none_or(|topic| &*subscription.topic_arn == topic)
        });
        let summaries = of_topic.map(|(arn, subscription)| {
            let summary = SubscriptionSummary {
                subscription_arn: arn.to_string(),
                topic_arn: subscription.topic_arn.to_string(),
                protocol: subscription.protocol.as_str().to_owned(),
                endpoint: subscription.endpoint.to_string(),
                owner: self.identity.account.clone(),
            };
            (arn, summary)
        });
        let (members, next_token) = page(summaries, token);
        SnsResponse::Subscriptions {
            members,
            next_token,
        }
    }

    pub(super) fn subscription_attributes(&self, arn: &str) -> Result<SnsResponse, SnsError> {
        let subscription = self
            .subscriptions
            .get(arn)
            .ok_or_else(no_such_subscription)?;
        Ok(SnsResponse::Attributes(
            subscription.attributes(&self.identity.account),
        ))
    }

    pub(super) fn set_subscription_attribute(
        &mut self,
        arn: &str,
        name: &str,
        value: String,
    ) -> Result<SnsResponse, SnsError> {
        let subscription = self
            .subscriptions
            .get_mut(arn)
            .ok_or_else(no_such_subscription)?;
        if name.is_empty() {
            return Err(SnsErrorKind::InvalidParameter
                .because("Invalid parameter: AttributeName Reason: it is missing"));
        }
        let changes = BTreeMap::from([(name.to_owned(), value)]);
        subscription.settings = subscription.settings.with(&changes)?;
        Ok(SnsResponse::Empty)
    }
}
