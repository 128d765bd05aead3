//! SNS topics, with attributes as CreateTopic takes them.

use super::Reader;
use super::queue::{check_fifo_name, scalar_attributes};
use crate::template::document::Resource;
use crate::template::error::TemplateError;
use crate::template::field::Field;
use crate::template::model::Topic;
use crate::template::path::Path;

const NUMBERS: [&str; 1] = ["MaximumMessageSize"];
const FLAGS: [&str; 1] = ["ContentBasedDeduplication"];
const TEXTS: [&str; 5] = [
    "DisplayName",
    "FifoThroughputScope",
    "KmsMasterKeyId",
    "SignatureVersion",
    "TracingConfig",
];
const OTHERS: [&str; 7] = [
    "ArchivePolicy",
    "DataProtectionPolicy",
    "DeliveryStatusLogging",
    "FifoTopic",
    "Subscription",
    "Tags",
    "TopicName",
];

impl Reader<'_> {
    pub(super) fn read_topic(
        &mut self,
        resource: &Resource,
        properties: &Field<'_>,
    ) -> Result<(), TemplateError> {
        let known = [&NUMBERS[..], &FLAGS, &TEXTS, &OTHERS].concat();
        properties.unknown_keys(&resource.kind, &known, &mut self.stack.findings);
        let path = Path::root(&resource.path);
        let name = self.evaluator.physical_name(resource, resource.at, path)?;
        let mut attributes = scalar_attributes(properties, &NUMBERS, &FLAGS, &TEXTS)?;
        let fifo = properties.flag("FifoTopic")? == Some(true);
        check_fifo_name(properties, "FifoTopic", fifo, &name)?;
        if fifo {
            attributes.insert("FifoTopic".to_owned(), "true".to_owned());
        }
        if let Some(policy) = properties.get("ArchivePolicy")? {
            attributes.insert("ArchivePolicy".to_owned(), policy.json()?.to_string());
        }
        self.stack.topics.push(Topic {
            logical_id: resource.logical_id.clone(),
            line: resource.at.line,
            arn: self.evaluator.arn(resource, resource.at, path)?,
            name,
            fifo,
            attributes,
        });
        Ok(())
    }
}
