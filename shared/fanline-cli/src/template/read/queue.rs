//! SQS queues, with attributes as CreateQueue takes them: numbers and booleans as text, policies
//! as text that holds JSON.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::Reader;
use crate::template::document::Resource;
use crate::template::error::TemplateError;
use crate::template::field::Field;
use crate::template::model::Queue;
use crate::template::path::Path;

const NUMBERS: [&str; 6] = [
    "DelaySeconds",
    "KmsDataKeyReusePeriodSeconds",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
];
const FLAGS: [&str; 2] = ["ContentBasedDeduplication", "SqsManagedSseEnabled"];
const TEXTS: [&str; 3] = [
    "DeduplicationScope",
    "FifoThroughputLimit",
    "KmsMasterKeyId",
];
const OTHERS: [&str; 5] = [
    "FifoQueue",
    "QueueName",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "Tags",
];

impl Reader<'_> {
    pub(super) fn read_queue(
        &mut self,
        resource: &Resource,
        properties: &Field<'_>,
    ) -> Result<(), TemplateError> {
        let known = [&NUMBERS[..], &FLAGS, &TEXTS, &OTHERS].concat();
        properties.unknown_keys(&resource.kind, &known, &mut self.stack.findings);
        let path = Path::root(&resource.path);
        let name = self.evaluator.physical_name(resource, resource.at, path)?;
        let mut attributes = scalar_attributes(properties, &NUMBERS, &FLAGS, &TEXTS)?;

        let fifo = properties.flag("FifoQueue")? == Some(true);
        check_fifo_name(properties, "FifoQueue", fifo, &name)?;
        if fifo {
            // Only "true" is a value that SQS accepts.
            attributes.insert("FifoQueue".to_owned(), "true".to_owned());
        }
        let mut dead_letter_target = None;
        if let Some(policy) = properties.get("RedrivePolicy")? {
            let (target, policy) = redrive_policy(&policy, true)?;
            attributes.insert("RedrivePolicy".to_owned(), policy.to_string());
            dead_letter_target = Some(target);
        }
        if let Some(policy) = properties.get("RedriveAllowPolicy")? {
            attributes.insert("RedriveAllowPolicy".to_owned(), policy.json()?.to_string());
        }
        self.stack.queues.push(Queue {
            logical_id: resource.logical_id.clone(),
            line: resource.at.line,
            url: self.evaluator.environment.queue_url(&name),
            arn: self.evaluator.arn(resource, resource.at, path)?,
            name,
            fifo,
            attributes,
            dead_letter_target,
        });
        Ok(())
    }
}

/// Attributes whose property has the same name and a value of one piece.
pub(super) fn scalar_attributes(
    properties: &Field<'_>,
    numbers: &[&str],
    flags: &[&str],
    texts: &[&str],
) -> Result<BTreeMap<String, String>, TemplateError> {
    let mut attributes = BTreeMap::new();
    for key in numbers {
        if let Some(field) = properties.get(key)? {
            attributes.insert((*key).to_owned(), field.number()?.to_string());
        }
    }
    for key in flags {
        if let Some(value) = properties.flag(key)? {
            attributes.insert((*key).to_owned(), value.to_string());
        }
    }
    for key in texts {
        if let Some(text) = properties.text_of(key)? {
            attributes.insert((*key).to_owned(), text);
        }
    }
    Ok(attributes)
}

/// AWS wants the ending `.fifo` exactly where the property says so.
pub(super) fn check_fifo_name(
    properties: &Field<'_>,
    property: &str,
    fifo: bool,
    name: &str,
) -> Result<(), TemplateError> {
    match (fifo, name.ends_with(".fifo")) {
        (true, false) => Err(properties.error(format_args!(
            "has {property} true and the name '{name}'; expected one that ends in .fifo"
        ))),
        (false, true) => Err(properties.error(format_args!(
            "has the name '{name}', which ends in .fifo; expected {property}: true"
        ))),
        _ => Ok(()),
    }
}

/// The target's ARN and the policy. A queue needs a count, a subscription has none.
pub(super) fn redrive_policy(
    policy: &Field<'_>,
    with_count: bool,
) -> Result<(String, Json), TemplateError> {
    if !policy.is_map() {
        let json = policy.json()?;
        let target = json
            .get("deadLetterTargetArn")
            .and_then(Json::as_str)
            .unwrap_or_default();
        return Ok((target.to_owned(), json));
    }
    let target = policy.required("deadLetterTargetArn")?;
    let arn = target.text()?;
    if !arn.starts_with("arn:") {
        return Err(target.error(format_args!(
            "is '{arn}'; expected a queue's ARN, as GetAtt Queue.Arn gives it"
        )));
    }
    if !with_count {
        return Ok((arn.clone(), json!({ "deadLetterTargetArn": arn })));
    }
    let count = policy.required("maxReceiveCount")?.count(1, 1000)?;
    Ok((
        arn.clone(),
        json!({ "deadLetterTargetArn": arn, "maxReceiveCount": count }),
    ))
}
