//! Publishing the events file while the functions run, telling which queues each message must
//! reach.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use fanline::publish::Outgoing;
use fanline_aws::Publisher;
use fanline_engine::{
    attribute::{AttributeValue, Attributes},
    sns::filter::{FilterPolicy, FilterScope},
};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::{
    Error,
    publish::{by_topic, events_file::EventsFile, topic_arn},
    template::Stack,
};

/// Messages handed to the publisher at once, so that progress shows.
const CHUNK: usize = 100;

/// What publishing reports.
pub(super) enum Published {
    /// A message was accepted; these queues (by ARN) must get it.
    Message { body: String, queues: Vec<String> },
    /// A message was refused.
    Refused { event_id: String, reason: String },
    /// No subscription's filter lets this message through.
    Unrouted { event_id: String },
}

/// Who gets what: the template's subscriptions.
pub(super) struct Routes {
    subscriptions: Vec<Route>,
}

struct Route {
    topic_arn: String,
    queue_arn: String,
    filter: Option<FilterPolicy>,
}

impl Routes {
    /// Reads the subscriptions' filter policies.
    pub(super) fn new(stack: &Stack) -> Result<Self, Error> {
        let mut subscriptions = Vec::new();
        for subscription in &stack.subscriptions {
            subscriptions.push(Route {
                topic_arn: subscription.topic_arn.clone(),
                queue_arn: subscription.endpoint.clone(),
                filter: filter(&subscription.attributes).map_err(|problem| {
                    let (id, line) = (&subscription.logical_id, subscription.line);
                    Error::new(format!("{id} (template line {line}): {problem}"))
                })?,
            });
        }
        Ok(Self { subscriptions })
    }

    fn queues(&self, topic_arn: &str, message: &Outgoing) -> Vec<String> {
        let attributes = message.attributes.iter();
        let attributes =
            attributes.map(|(name, value)| (name.clone(), AttributeValue::string(value)));
        // Attributes that SNS refuses made it refuse the message; this one was accepted.
        let attributes = Attributes::new(attributes).unwrap_or_default();
        let wanting = self.subscriptions.iter().filter(|route| {
            let wants = |filter: &FilterPolicy| filter.matches(&attributes, &message.body);
            route.topic_arn == topic_arn && route.filter.as_ref().is_none_or(wants)
        });
        wanting.map(|route| route.queue_arn.clone()).collect()
    }
}

fn filter(attributes: &BTreeMap<String, String>) -> Result<Option<FilterPolicy>, String> {
    let Some(policy) = attributes.get("FilterPolicy") else {
        return Ok(None);
    };
    let policy: Value =
        serde_json::from_str(policy).map_err(|error| format!("FilterPolicy: {error}"))?;
    let scope = match attributes.get("FilterPolicyScope").map(String::as_str) {
        Some("MessageBody") => FilterScope::MessageBody,
        _ => FilterScope::MessageAttributes,
    };
    FilterPolicy::parse(&policy, scope)
        .map(Some)
        .map_err(|error| format!("FilterPolicy: {error}"))
}

/// Publishes everything, telling `sink` what became of each message. A topic that does not exist
/// refuses its messages; the others go on.
pub(super) async fn publish(
    config: SdkConfig,
    routes: Routes,
    file: EventsFile,
    sink: mpsc::UnboundedSender<Published>,
) {
    let client = aws_sdk_sns::Client::new(&config);
    for (topic, messages) in by_topic(file.expanded()) {
        let topic_arn = match topic_arn(&client, &topic).await {
            Ok(topic_arn) => topic_arn,
            Err(error) => {
                for message in &messages {
                    // Nobody listens any more once the run was interrupted.
                    let _interrupted = sink.send(Published::Refused {
                        event_id: message.event_id.clone(),
                        reason: error.to_string(),
                    });
                }
                continue;
            }
        };
        let publisher = Publisher::new(client.clone(), &topic_arn, "fanline dev");
        for chunk in messages.chunks(CHUNK) {
            let refused = match publisher.send(chunk).await {
                Ok(()) => Vec::new(),
                Err(error) => error.refused,
            };
            for (index, message) in chunk.iter().enumerate() {
                let told = match refused.iter().find(|entry| entry.index == index) {
                    Some(entry) => Published::Refused {
                        event_id: entry.event_id.clone(),
                        reason: entry.reason.clone(),
                    },
                    None => accepted(&routes, &topic_arn, message, &sink),
                };
                let _interrupted = sink.send(told);
            }
        }
    }
}

fn accepted(
    routes: &Routes,
    topic_arn: &str,
    message: &Outgoing,
    sink: &mpsc::UnboundedSender<Published>,
) -> Published {
    let queues = routes.queues(topic_arn, message);
    if queues.is_empty() {
        let event_id = message.event_id.clone();
        let _interrupted = sink.send(Published::Unrouted { event_id });
    }
    Published::Message {
        body: message.body.clone(),
        queues,
    }
}
