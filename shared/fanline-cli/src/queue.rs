//! A queue as SQS describes it, found by whatever a person has at hand: name, URL or ARN.
//!
//! Its counts are SQS's approximations: right on the engine, up to a minute late on AWS.

use std::collections::HashMap;

use aws_sdk_sqs::{
    Client,
    error::SdkError,
    operation::get_queue_url::GetQueueUrlError,
    types::QueueAttributeName::{self, *},
};
use serde_json::Value;

use crate::{
    Error,
    aws::{last_part, queue_error},
    suggest,
};

/// Names that an error lists: enough to see what there is, few enough for a line.
const MOST_NAMES: usize = 10;

/// One queue, as it was when it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) arn: String,
    pub(crate) fifo: bool,
    /// Messages that can be received now.
    pub(crate) waiting: u64,
    /// Messages that somebody has received and not deleted.
    pub(crate) in_flight: u64,
    /// Messages that cannot be received yet.
    pub(crate) delayed: u64,
    pub(crate) redrive: Option<Redrive>,
}

/// Where a queue's messages go that were received too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redrive {
    pub(crate) target_arn: String,
    pub(crate) most_receives: u64,
}

impl Queue {
    /// The queue with this name, URL or ARN.
    ///
    /// # Errors
    /// If there is none; the error names those that may be meant.
    pub(crate) async fn find(sqs: &Client, text: &str) -> Result<Self, Error> {
        if text.starts_with("http://") || text.starts_with("https://") {
            return Self::at(sqs, text).await;
        }
        let (name, account) = match text.starts_with("arn:") {
            true => of_arn(sqs, text)?,
            false => (text, None),
        };
        let answer = sqs.get_queue_url().queue_name(name);
        let answer = answer.set_queue_owner_aws_account_id(account);
        match answer.send().await {
            Ok(answer) => Self::at(sqs, &answer.queue_url.unwrap_or_default()).await,
            Err(error) if is_unknown(&error) => Err(unknown(sqs, name).await),
            Err(error) => Err(queue_error("GetQueueUrl", name, &error)),
        }
    }

    /// The queue at this URL.
    pub(crate) async fn at(sqs: &Client, url: &str) -> Result<Self, Error> {
        let name = last_part(url);
        let answer = sqs.get_queue_attributes().queue_url(url);
        let answer = answer.attribute_names(All).send().await;
        match answer {
            Ok(answer) => Ok(Self::new(url, &answer.attributes.unwrap_or_default())),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_queue_does_not_exist()) =>
            {
                Err(unknown(sqs, name).await)
            }
            Err(error) => Err(queue_error("GetQueueAttributes", name, &error)),
        }
    }

    fn new(url: &str, attributes: &HashMap<QueueAttributeName, String>) -> Self {
        let count = |name| {
            let count = attributes.get(&name).and_then(|count| count.parse().ok());
            count.unwrap_or(0)
        };
        let redrive = attributes.get(&RedrivePolicy);
        Self {
            name: last_part(url).to_owned(),
            url: url.to_owned(),
            arn: attributes.get(&QueueArn).cloned().unwrap_or_default(),
            fifo: attributes
                .get(&FifoQueue)
                .is_some_and(|fifo| fifo == "true"),
            waiting: count(ApproximateNumberOfMessages),
            in_flight: count(ApproximateNumberOfMessagesNotVisible),
            delayed: count(ApproximateNumberOfMessagesDelayed),
            redrive: redrive.and_then(|policy| Redrive::parse(policy)),
        }
    }

    /// The same queue, asked again.
    pub(crate) async fn again(&self, sqs: &Client) -> Result<Self, Error> {
        Self::at(sqs, &self.url).await
    }

    /// The queues whose dead letters this one takes.
    pub(crate) async fn sources(&self, sqs: &Client) -> Result<Vec<Self>, Error> {
        let pages = sqs.list_dead_letter_source_queues().queue_url(&self.url);
        let mut pages = pages.max_results(1000).into_paginator().items().send();
        let mut sources = Vec::new();
        while let Some(url) = pages.next().await {
            let url =
                url.map_err(|error| queue_error("ListDeadLetterSourceQueues", &self.name, &error))?;
            sources.push(Self::at(sqs, &url).await?);
        }
        Ok(sources)
    }
}

impl Redrive {
    /// maxReceiveCount may be a number or its text.
    fn parse(policy: &str) -> Option<Self> {
        let policy: Value = serde_json::from_str(policy).ok()?;
        let count = &policy["maxReceiveCount"];
        let as_text = || count.as_str()?.parse().ok();
        Some(Self {
            target_arn: policy["deadLetterTargetArn"].as_str()?.to_owned(),
            most_receives: count.as_u64().or_else(as_text)?,
        })
    }
}

/// The URLs of all queues whose names begin so, by name.
pub(crate) async fn urls(sqs: &Client, prefix: &str) -> Result<Vec<String>, Error> {
    let list = sqs.list_queues().max_results(1000);
    let list = list.set_queue_name_prefix((!prefix.is_empty()).then(|| prefix.to_owned()));
    let mut pages = list.into_paginator().items().send();
    let mut urls = Vec::new();
    while let Some(url) = pages.next().await {
        urls.push(url.map_err(|error| queue_error("ListQueues", "this account", &error))?);
    }
    urls.sort_by(|left, right| last_part(left).cmp(last_part(right)));
    Ok(urls)
}

/// Name and account of arn:aws:sqs:region:account:name.
fn of_arn<'arn>(sqs: &Client, arn: &'arn str) -> Result<(&'arn str, Option<String>), Error> {
    let parts: Vec<&str> = arn.split(':').collect();
    let [_, _, "sqs", region, account, name] = parts[..] else {
        return Err(Error::new(format!(
            "{arn} is not the ARN of a queue; expected arn:aws:sqs:REGION:ACCOUNT:NAME"
        )));
    };
    let configured = sqs.config().region().map(|region| region.as_ref());
    match configured {
        Some(configured) if configured != region => Err(Error::new(format!(
            "{name} is in {region}, this shell is set to {configured}; set AWS_REGION={region}"
        ))),
        _ => Ok((name, Some(account.to_owned()))),
    }
}

fn is_unknown<R>(error: &SdkError<GetQueueUrlError, R>) -> bool {
    let error = error.as_service_error();
    error.is_some_and(GetQueueUrlError::is_queue_does_not_exist)
}

async fn unknown(sqs: &Client, name: &str) -> Error {
    // The reason at hand is better than a second one.
    let urls = urls(sqs, "").await.unwrap_or_default();
    let names: Vec<&str> = urls.iter().map(|url| last_part(url)).collect();
    Error::new(format!("no queue {name:?}{}", known(name, &names)))
}

fn known(name: &str, names: &[&str]) -> String {
    let hint = suggest::hint(name, names.iter().copied());
    if !hint.is_empty() {
        return hint;
    }
    let similar: Vec<&str> = names
        .iter()
        .copied()
        .filter(|other| other.contains(name))
        .collect();
    let shown = if similar.is_empty() { names } else { &similar };
    let more = match shown.len() > MOST_NAMES {
        true => ", …; fanline queues shows all",
        false => "",
    };
    match shown.is_empty() {
        true => "; this account has no queues in this region, or they may not be listed".to_owned(),
        false => {
            let shown = shown[..shown.len().min(MOST_NAMES)].join(", ");
            format!("; queues: {shown}{more}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redrive_policies_are_read_in_both_spellings() {
        for count in ["5", "\"5\""] {
            let policy = format!(r#"{{"deadLetterTargetArn":"arn:x","maxReceiveCount":{count}}}"#);
            let redrive = Redrive::parse(&policy).expect("a policy");
            assert_eq!((&*redrive.target_arn, redrive.most_receives), ("arn:x", 5));
        }
        assert_eq!(Redrive::parse("{}"), None);
    }

    #[test]
    fn unknown_names_get_near_ones_or_some() {
        let names = ["email-dlq", "email-queue", "orders"];
        assert_eq!(known("emial-dlq", &names), "; did you mean 'email-dlq'?");
        assert_eq!(known("email", &names), "; queues: email-dlq, email-queue");
        assert_eq!(
            known("zzzz", &names),
            "; queues: email-dlq, email-queue, orders"
        );
    }
}
