//! The sections of a template, before anything is evaluated: resources with `Globals` merged in,
//! conditions, mappings, outputs. What SAM generates without writing it down (roles, queues of
//! `SqsSubscription`, function URLs) is added here, so that references to it resolve.

use std::collections::HashMap;

use super::error::{Finding, TemplateError};
use super::globals;
use super::node::{Entry, Files, Node, Position, Value};
use super::yaml;
use crate::suggest;

const SECTIONS: [&str; 11] = [
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Globals",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
];

/// What SAM appends to a function's name for the resource of its URL.
const URL_SUFFIX: &str = "Url";

/// Bytes that all copies of `Globals` may take.
const LARGEST_MERGE: usize = 64 * 1024 * 1024;

/// One entry of `Resources`.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) logical_id: String,
    pub(super) kind: String,
    pub(super) at: Position,
    /// Where its properties stand, for messages.
    pub(super) path: String,
    pub(super) properties: Node,
    pub(super) metadata: Option<Node>,
    pub(super) condition: Option<Node>,
    pub(super) depends_on: Vec<Node>,
}

#[derive(Debug)]
pub(super) struct Document {
    pub(super) files: Files,
    pub(super) resources: Vec<Resource>,
    index: HashMap<String, usize>,
    pub(super) parameters: Vec<Entry>,
    pub(super) conditions: HashMap<String, Node>,
    pub(super) mappings: Option<Node>,
    pub(super) outputs: Vec<Entry>,
}

impl Document {
    pub(super) fn resource(&self, logical_id: &str) -> Option<&Resource> {
        self.index
            .get(logical_id)
            .map(|index| &self.resources[*index])
    }

    pub(super) fn new(
        root: Node,
        files: Files,
        errors: &mut Vec<TemplateError>,
        findings: &mut Vec<Finding>,
    ) -> Result<Self, TemplateError> {
        if !root.is_map() {
            let message = format!(
                "a template is a map with Resources; found {}",
                root.description()
            );
            return Err(TemplateError::at(files.place(root.at), message));
        }
        for entry in root.entries() {
            check_section(entry, &files, findings);
        }
        let section = |name: &str, most: usize| -> Result<Vec<Entry>, TemplateError> {
            let Some(node) = root.get(name) else {
                return Ok(Vec::new());
            };
            let count = node.entries().len();
            let problem = if !node.is_map() {
                format!("{name} is {}; expected a map", node.description())
            } else if count > most {
                format!("{name} has {count} entries; CloudFormation takes no more than {most}")
            } else {
                return Ok(node.entries().to_vec());
            };
            Err(TemplateError::at(files.place(node.at), problem))
        };
        let resources = section("Resources", 500)?;
        if resources.is_empty() {
            let message = "the template has no Resources, so there is nothing to create";
            return Err(TemplateError::at(files.place(root.at), message));
        }
        let globals = section("Globals", 500)?;
        let (parameters, outputs) = (section("Parameters", 200)?, section("Outputs", 200)?);
        let conditions = section("Conditions", 5000)?
            .into_iter()
            .map(|entry| (entry.key, entry.node))
            .collect();
        let mappings = root.get("Mappings").cloned();

        let mut document = Self {
            files,
            resources: Vec::new(),
            index: HashMap::new(),
            parameters,
            conditions,
            mappings,
            outputs,
        };
        let global_bytes: usize = globals.iter().map(|entry| yaml::size(&entry.node)).sum();
        if global_bytes.saturating_mul(resources.len()) > LARGEST_MERGE {
            let message = "Globals are too large to be merged into so many resources";
            return Err(TemplateError::at(document.files.place(root.at), message));
        }
        for entry in resources {
            if entry.key.starts_with("Fn::ForEach") {
                let place = document.files.place(entry.at);
                let message = format!("{} is not interpreted; skipped", entry.key);
                findings.push(Finding { place, message });
                continue;
            }
            match document.read_resource(entry, &globals) {
                Ok(resource) => document.add(resource),
                Err(error) => errors.push(error),
            }
        }
        document.add_generated();
        Ok(document)
    }

    fn read_resource(&self, entry: Entry, globals: &[Entry]) -> Result<Resource, TemplateError> {
        let path = format!("Resources/{}", entry.key);
        if !entry.node.is_map() {
            let message = format!(
                "{path} is {}; expected a map with Type",
                entry.node.description()
            );
            return Err(TemplateError::at(self.files.place(entry.at), message));
        }
        let Some(kind) = entry.node.get("Type").and_then(Node::as_text) else {
            let message = format!("{path} has no Type, such as 'AWS::SQS::Queue'");
            return Err(TemplateError::at(self.files.place(entry.at), message));
        };
        let kind = kind.to_owned();
        let properties = match entry.node.get("Properties") {
            Some(node) if node.is_map() => node.clone(),
            Some(node) if node.value != Value::Null => {
                let message = format!(
                    "{path}/Properties is {}; expected a map",
                    node.description()
                );
                return Err(TemplateError::at(self.files.place(node.at), message));
            }
            _ => Node::map(Vec::new(), entry.at),
        };
        let depends_on = match entry.node.get("DependsOn") {
            Some(node) => node
                .as_list()
                .map_or_else(|| vec![node.clone()], <[Node]>::to_vec),
            None => Vec::new(),
        };
        Ok(Resource {
            properties: globals::merge(&kind, globals, properties),
            path: format!("{path}/Properties"),
            at: entry.at,
            metadata: entry.node.get("Metadata").cloned(),
            condition: entry.node.get("Condition").cloned(),
            depends_on,
            logical_id: entry.key,
            kind,
        })
    }

    /// The function that SAM has made this URL of; `None` for a resource that stands in the file.
    pub(super) fn function_of_url(&self, url: &Resource) -> Option<&Resource> {
        let function = self.resource(url.logical_id.strip_suffix(URL_SUFFIX)?)?;
        let is_generated = url.path == format!("{}/FunctionUrlConfig", function.path);
        is_generated.then_some(function)
    }

    fn add(&mut self, resource: Resource) {
        if self.index.contains_key(&resource.logical_id) {
            return;
        }
        self.index
            .insert(resource.logical_id.clone(), self.resources.len());
        self.resources.push(resource);
    }

    /// What SAM makes of a function beside the function itself.
    fn add_generated(&mut self) {
        let mut generated = Vec::new();
        for function in &self.resources {
            if function.kind != "AWS::Serverless::Function" {
                continue;
            }
            let make = |logical_id: String, kind: &str, at: Position, path: String| Resource {
                logical_id,
                kind: kind.to_owned(),
                at,
                path,
                properties: Node::map(Vec::new(), at),
                metadata: None,
                condition: function.condition.clone(),
                depends_on: Vec::new(),
            };
            if function.properties.get("Role").is_none() {
                let logical_id = format!("{}Role", function.logical_id);
                generated.push(make(
                    logical_id,
                    "AWS::IAM::Role",
                    function.at,
                    function.path.clone(),
                ));
            }
            if function.properties.get("FunctionUrlConfig").is_some() {
                let logical_id = format!("{}{URL_SUFFIX}", function.logical_id);
                let path = format!("{}/FunctionUrlConfig", function.path);
                generated.push(make(logical_id, "AWS::Lambda::Url", function.at, path));
            }
            let events = function
                .properties
                .get("Events")
                .map(Node::entries)
                .unwrap_or_default();
            for event in events {
                if makes_own_queue(&event.node) {
                    let logical_id = format!("{}{}Queue", function.logical_id, event.key);
                    let path = format!("{}/Events/{}", function.path, event.key);
                    generated.push(make(logical_id, "AWS::SQS::Queue", event.at, path));
                }
            }
        }
        for resource in generated {
            self.add(resource);
        }
    }
}

/// An SNS event with `SqsSubscription: true`, for which SAM adds a queue of its own.
pub(super) fn makes_own_queue(event: &Node) -> bool {
    event.get("Type").and_then(Node::as_text) == Some("SNS")
        && event
            .get("Properties")
            .and_then(|properties| properties.get("SqsSubscription"))
            .and_then(Node::as_text)
            .and_then(super::node::boolean)
            == Some(true)
}

fn check_section(entry: &Entry, files: &Files, findings: &mut Vec<Finding>) {
    let place = files.place(entry.at);
    if entry.key == "Transform" {
        let transforms = entry
            .node
            .as_list()
            .unwrap_or(std::slice::from_ref(&entry.node));
        for transform in transforms {
            let name = transform
                .as_text()
                .or_else(|| transform.get("Name").and_then(Node::as_text));
            let name = name.unwrap_or_default();
            if !matches!(
                name,
                "AWS::Serverless-2016-10-31" | "AWS::LanguageExtensions"
            ) {
                let message = format!("Transform '{name}' is not interpreted; skipped");
                findings.push(Finding {
                    place: place.clone(),
                    message,
                });
            }
        }
    } else if !SECTIONS.contains(&&*entry.key) {
        let hint = suggest::hint(&entry.key, SECTIONS);
        let message = format!("'{}' is no section of a template{hint}; skipped", entry.key);
        findings.push(Finding { place, message });
    }
}
