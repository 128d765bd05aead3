//! From resources to the typed [`Stack`]. Two passes: what others refer to by ARN (queues, topics,
//! tables, functions) first, then what connects them, wherever it stands in the file.

mod connection;
mod event;
mod function;
mod mapping;
mod queue;
mod table;
mod topic;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path as FilePath;

use super::document::Resource;
use super::error::{Finding, TemplateError};
use super::evaluate::Evaluator;
use super::field::Field;
use super::model::{Ignored, Stack};
use super::path::Path;
use crate::suggest;

/// More about what nothing here needs is not worth reading, nor comparing with what is known.
const MOST_NOTES: usize = 200;

/// Types, or groups of types, that make no difference on one machine.
const IGNORED: [&str; 17] = [
    "AWS::ApplicationAutoScaling::",
    "AWS::Backup::",
    "AWS::Budgets::",
    "AWS::CloudFormation::",
    "AWS::CloudTrail::",
    "AWS::CloudWatch::",
    "AWS::CodeDeploy::",
    "AWS::IAM::",
    "AWS::KMS::",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::Logs::",
    "AWS::ResourceGroups::",
    "AWS::SSM::Parameter",
    "AWS::XRay::",
];

const INTERPRETED: [&str; 10] = [
    "AWS::DynamoDB::Table",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
    "AWS::Serverless::Function",
    "AWS::Serverless::SimpleTable",
];

pub(super) fn is_interpreted(kind: &str) -> bool {
    INTERPRETED.contains(&kind)
}

fn is_ignored(kind: &str) -> bool {
    IGNORED.iter().any(|known| {
        if known.ends_with("::") {
            kind.starts_with(known)
        } else {
            kind == *known
        }
    })
}

/// Reads resources into a stack, collecting what goes wrong.
pub(super) struct Reader<'e> {
    evaluator: &'e Evaluator<'e>,
    folder: &'e FilePath,
    pub(super) stack: Stack,
    pub(super) errors: Vec<TemplateError>,
    /// Functions left out; what invokes them is left out without another word.
    left_out: BTreeSet<String>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(evaluator: &'e Evaluator<'e>, folder: &'e FilePath) -> Self {
        Self {
            evaluator,
            folder,
            stack: Stack::default(),
            errors: Vec::new(),
            left_out: BTreeSet::new(),
        }
    }

    pub(super) fn read(&mut self) {
        let document = self.evaluator.document;
        let created: Vec<&Resource> = document
            .resources
            .iter()
            .filter(|resource| self.is_created(resource))
            .collect();
        for resource in &created {
            self.evaluator.start_reading(&resource.logical_id);
            if let Err(error) = self.read_resource(resource) {
                // What names it would only say again, and misleadingly, that it is not there.
                self.left_out.insert(resource.logical_id.clone());
                self.errors.push(error);
            }
        }
        self.refuse_shared_names();
        for resource in &created {
            self.evaluator.start_reading(&resource.logical_id);
            self.connect_resource(resource);
        }
        self.read_outputs();
        for resource in &created {
            self.evaluator.start_reading(&resource.logical_id);
            self.check_the_rest(resource);
        }
    }

    fn is_created(&mut self, resource: &Resource) -> bool {
        match self.evaluator.is_created(resource) {
            Ok(created) => created,
            Err(error) if is_interpreted(&resource.kind) => {
                self.errors.push(error);
                false
            }
            Err(error) => {
                self.note(&error);
                true
            }
        }
    }

    fn read_resource(&mut self, resource: &Resource) -> Result<(), TemplateError> {
        let properties = Field::properties(self.evaluator, resource);
        match &*resource.kind {
            "AWS::SQS::Queue" => self.read_queue(resource, &properties),
            "AWS::SNS::Topic" => self.read_topic(resource, &properties),
            "AWS::DynamoDB::Table" => self.read_table(resource, &properties),
            "AWS::Serverless::SimpleTable" => self.read_simple_table(resource, &properties),
            "AWS::Serverless::Function" => self.read_function(resource, &properties, "CodeUri"),
            "AWS::Lambda::Function" => self.read_function(resource, &properties, "Code"),
            // Read with its function.
            "AWS::Lambda::Url" if self.is_of_a_function(resource) => Ok(()),
            kind if is_interpreted(kind) => Ok(()),
            kind if is_ignored(kind) => {
                self.stack.ignored.push(Ignored {
                    logical_id: resource.logical_id.clone(),
                    line: resource.at.line,
                    resource_type: kind.to_owned(),
                });
                Ok(())
            }
            kind => {
                let place = self.evaluator.document.files.place(resource.at);
                let hint = suggest::hint(kind, INTERPRETED);
                let message = format!(
                    "{} is a {kind}, which is not interpreted{hint}; skipped",
                    resource.logical_id
                );
                self.stack.findings.push(Finding { place, message });
                Ok(())
            }
        }
    }

    fn is_of_a_function(&self, url: &Resource) -> bool {
        self.evaluator.document.function_of_url(url).is_some()
    }

    fn connect_resource(&mut self, resource: &Resource) {
        let properties = Field::properties(self.evaluator, resource);
        let result = match &*resource.kind {
            "AWS::SQS::QueuePolicy" => self.connect_queue_policy(&properties),
            "AWS::SNS::TopicPolicy" => self.connect_topic_policy(&properties),
            "AWS::SNS::Subscription" => {
                self.connect_subscription(&resource.logical_id, resource.at.line, &properties, None)
            }
            "AWS::SNS::Topic" => self.connect_inline_subscriptions(resource, &properties),
            "AWS::Lambda::EventSourceMapping" => self.connect_mapping(resource, &properties),
            "AWS::Serverless::Function" => {
                // SAM makes resources of their own of them: what they refer to is not the function's.
                self.evaluator.start_reading("");
                self.connect_events(resource, &properties);
                Ok(())
            }
            _ => Ok(()),
        };
        self.errors.extend(result.err());
    }

    /// The second of two with one name would fail on AWS, and here silently be the first.
    fn refuse_shared_names(&mut self) {
        let stack = &self.stack;
        let queues = stack
            .queues
            .iter()
            .map(|queue| (&queue.arn, &queue.logical_id));
        let topics = stack
            .topics
            .iter()
            .map(|topic| (&topic.arn, &topic.logical_id));
        let tables = stack
            .tables
            .iter()
            .map(|table| (&table.arn, &table.logical_id));
        let functions = stack
            .functions
            .iter()
            .map(|function| (&function.arn, &function.logical_id));
        let mut owners = BTreeMap::new();
        for (arn, logical_id) in queues.chain(topics).chain(tables).chain(functions) {
            let Some(first) = owners.insert(arn, logical_id) else {
                continue;
            };
            let Some(second) = self.evaluator.document.resource(logical_id) else {
                continue;
            };
            let message = format!(
                "{first} and {logical_id} are both named {arn}; expected names of their own"
            );
            self.errors.push(self.evaluator.error(second.at, message));
        }
    }

    fn read_outputs(&mut self) {
        self.evaluator.start_reading("");
        for entry in &self.evaluator.document.outputs {
            if let Err(error) = self.read_output(&entry.key, &entry.node) {
                self.note(&error);
            }
        }
    }

    fn read_output(&mut self, name: &str, node: &super::node::Node) -> Result<(), TemplateError> {
        let path = format!("Outputs/{name}");
        if let Some(condition) = node.get("Condition").and_then(|node| node.as_text())
            && !self
                .evaluator
                .condition(condition, node.at, Path::root(&path))?
        {
            return Ok(());
        }
        let output = Field::new(self.evaluator, node.clone(), path);
        let value = output.required("Value")?.text()?;
        self.stack.outputs.insert(name.to_owned(), value);
        Ok(())
    }

    /// Evaluates every property, those included that nothing here needs: mistakes in them are
    /// worth knowing before AWS says so. Values that only AWS has are no mistake.
    fn check_the_rest(&mut self, resource: &Resource) {
        let path = Path::root(&resource.path);
        for entry in resource.properties.entries() {
            if entry.key == "Events" && resource.kind == "AWS::Serverless::Function" {
                continue;
            }
            match self.evaluator.evaluate(&entry.node, path.key(&entry.key)) {
                Err(error) if !error.is_only_on_aws() => self.note(&error),
                _ => {}
            }
        }
        for node in &resource.depends_on {
            let name = node.as_text().unwrap_or_default();
            if self.evaluator.document.resource(name).is_some() {
                self.evaluator.note_reference(name);
            } else if self.stack.findings.len() < MOST_NOTES {
                let known = self
                    .evaluator
                    .document
                    .resources
                    .iter()
                    .map(|other| &*other.logical_id);
                let hint = suggest::hint(name, known);
                let place = self.evaluator.document.files.place(node.at);
                let message = format!(
                    "DependsOn of {} names no resource: '{name}'{hint}",
                    resource.logical_id
                );
                self.stack.findings.push(Finding { place, message });
            }
        }
    }

    /// Keeps an error that stops nothing as a finding, once.
    fn note(&mut self, error: &TemplateError) {
        let place = error
            .place()
            .filter(|_| self.stack.findings.len() < MOST_NOTES);
        let Some(place) = place else { return };
        let known = self
            .errors
            .iter()
            .any(|other| other.place() == Some(place) && other.message() == error.message());
        let finding = Finding {
            place: place.clone(),
            message: error.message().to_owned(),
        };
        if !known && !self.stack.findings.contains(&finding) {
            self.stack.findings.push(finding);
        }
    }
}
