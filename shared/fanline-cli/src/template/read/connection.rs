//! What connects topics and queues: subscriptions and the policies that admit their messages.
//! Queues and functions are delivered to here; a subscription of anything else is a finding.

use std::collections::BTreeMap;

use super::Reader;
use super::queue::redrive_policy;
use crate::template::document::Resource;
use crate::template::error::TemplateError;
use crate::template::field::Field;
use crate::template::model::Subscription;

const PROPERTIES: [&str; 11] = [
    "DeliveryPolicy",
    "Endpoint",
    "FilterPolicy",
    "FilterPolicyScope",
    "Protocol",
    "RawMessageDelivery",
    "RedrivePolicy",
    "Region",
    "ReplayPolicy",
    "SubscriptionRoleArn",
    "TopicArn",
];

impl Reader<'_> {
    /// `topic_arn` is given for a subscription written inside its topic.
    pub(super) fn connect_subscription(
        &mut self,
        logical_id: &str,
        line: u32,
        properties: &Field<'_>,
        topic_arn: Option<&str>,
    ) -> Result<(), TemplateError> {
        properties.unknown_keys(
            "AWS::SNS::Subscription",
            &PROPERTIES,
            &mut self.stack.findings,
        );
        let topic_arn = match topic_arn {
            Some(arn) => arn.to_owned(),
            None => properties.required("TopicArn")?.text()?,
        };
        let protocol = properties.required("Protocol")?.text()?;
        if !matches!(&*protocol, "sqs" | "lambda") {
            let problem = format_args!(
                "has protocol '{protocol}'; only sqs and lambda are delivered to here; skipped"
            );
            self.stack.findings.push(properties.finding(problem));
            return Ok(());
        }
        let endpoint = properties.required("Endpoint")?;
        let arn = endpoint.text()?;
        let (kind, is_known) = match &*protocol {
            "sqs" => (
                "queue",
                self.stack.queues.iter().any(|queue| queue.arn == arn),
            ),
            _ => (
                "function",
                self.stack
                    .functions
                    .iter()
                    .any(|function| function.arn == arn),
            ),
        };
        if !arn.starts_with("arn:") {
            return Err(endpoint.error(format_args!(
                "is '{arn}'; expected a {kind}'s ARN, as GetAtt gives it"
            )));
        }
        if !is_known {
            let finding = endpoint.finding(format_args!(
                "is '{arn}', no {kind} of this template; skipped"
            ));
            self.stack.findings.push(finding);
            return Ok(());
        }
        if !self.has_topic(&topic_arn) {
            let finding = properties.finding(format_args!(
                "subscribes to '{topic_arn}', no topic of this template; skipped"
            ));
            self.stack.findings.push(finding);
            return Ok(());
        }
        self.stack.subscriptions.push(Subscription {
            logical_id: logical_id.to_owned(),
            line,
            topic_arn,
            protocol,
            endpoint: arn,
            attributes: subscription_attributes(properties)?,
        });
        Ok(())
    }

    pub(super) fn has_topic(&self, arn: &str) -> bool {
        self.stack.topics.iter().any(|topic| topic.arn == arn)
    }

    pub(super) fn connect_inline_subscriptions(
        &mut self,
        resource: &Resource,
        properties: &Field<'_>,
    ) -> Result<(), TemplateError> {
        let Some(arn) = self
            .stack
            .topics
            .iter()
            .find(|topic| topic.logical_id == resource.logical_id)
            .map(|topic| topic.arn.clone())
        else {
            return Ok(());
        };
        for item in properties.items_of("Subscription")? {
            self.connect_subscription(&resource.logical_id, item.line(), &item, Some(&arn))?;
        }
        Ok(())
    }

    pub(super) fn connect_queue_policy(
        &mut self,
        properties: &Field<'_>,
    ) -> Result<(), TemplateError> {
        let policy = properties.required("PolicyDocument")?.json()?.to_string();
        for item in properties.required("Queues")?.items()? {
            let url = item.text()?;
            match self.stack.queues.iter_mut().find(|queue| queue.url == url) {
                Some(queue) => {
                    if queue
                        .attributes
                        .insert("Policy".to_owned(), policy.clone())
                        .is_some()
                    {
                        let problem = format_args!(
                            "is '{}', which has a policy already; the last one counts",
                            queue.logical_id
                        );
                        self.stack.findings.push(item.finding(problem));
                    }
                }
                None => {
                    let problem = format_args!(
                        "is '{url}', no queue of this template (Ref gives a queue's URL); skipped"
                    );
                    self.stack.findings.push(item.finding(problem));
                }
            }
        }
        Ok(())
    }

    pub(super) fn connect_topic_policy(
        &mut self,
        properties: &Field<'_>,
    ) -> Result<(), TemplateError> {
        let policy = properties.required("PolicyDocument")?.json()?.to_string();
        for item in properties.required("Topics")?.items()? {
            let arn = item.text()?;
            match self.stack.topics.iter_mut().find(|topic| topic.arn == arn) {
                Some(topic) => {
                    topic.attributes.insert("Policy".to_owned(), policy.clone());
                }
                None => {
                    let problem = format_args!("is '{arn}', no topic of this template; skipped");
                    self.stack.findings.push(item.finding(problem));
                }
            }
        }
        Ok(())
    }
}

/// What Subscribe takes as attributes.
pub(super) fn subscription_attributes(
    properties: &Field<'_>,
) -> Result<BTreeMap<String, String>, TemplateError> {
    let mut attributes = BTreeMap::new();
    if let Some(raw) = properties.flag("RawMessageDelivery")? {
        attributes.insert("RawMessageDelivery".to_owned(), raw.to_string());
    }
    for key in ["FilterPolicy", "ReplayPolicy"] {
        if let Some(policy) = properties.get(key)? {
            attributes.insert(key.to_owned(), policy.json()?.to_string());
        }
    }
    if let Some(scope) = properties.get("FilterPolicyScope")? {
        let text = scope.text()?;
        if !matches!(&*text, "MessageAttributes" | "MessageBody") {
            return Err(scope.error(format_args!(
                "is '{text}'; expected MessageAttributes or MessageBody"
            )));
        }
        attributes.insert("FilterPolicyScope".to_owned(), text);
    }
    if let Some(policy) = properties.get("RedrivePolicy")? {
        attributes.insert(
            "RedrivePolicy".to_owned(),
            redrive_policy(&policy, false)?.1.to_string(),
        );
    }
    Ok(attributes)
}
