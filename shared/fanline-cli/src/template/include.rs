//! `Fn::Transform` with `AWS::Include`: the keys of another file take the place of the call.
//! Keys that stand beside the call win over the file's. An included file includes nothing itself,
//! as on AWS.

use std::collections::HashSet;
use std::path::Path;

use super::error::{Finding, TemplateError};
use super::node::{Entry, Files, Node, Value};
use super::yaml;

/// Reads a file for the interpreter, so that tests need no disk.
pub(super) type ReadFile<'r> = dyn Fn(&Path) -> std::io::Result<String> + 'r;

/// Files one template may include, which keeps the whole bounded: as many as a template of 500 resources
/// has alarms, where one resource in two is one.
const MOST_INCLUDES: usize = 250;

pub(super) struct Includer<'i> {
    pub(super) folder: &'i Path,
    pub(super) read: &'i ReadFile<'i>,
    pub(super) files: &'i mut Files,
    pub(super) findings: &'i mut Vec<Finding>,
    pub(super) included: usize,
}

impl Includer<'_> {
    /// Replaces every include in `node`.
    pub(super) fn expand(&mut self, node: &mut Node) -> Result<(), TemplateError> {
        match &mut node.value {
            Value::Null | Value::Scalar { .. } => {}
            Value::List(items) => {
                for item in items {
                    self.expand(item)?;
                }
            }
            Value::Map(entries) => {
                let call = entries
                    .iter()
                    .position(|entry| entry.key == "Fn::Transform");
                let call = call.map(|index| (index, entries.remove(index)));
                for entry in entries.iter_mut() {
                    self.expand(&mut entry.node)?;
                }
                // Last, so that what a file includes is not looked at: nesting stays bounded.
                if let Some((index, call)) = call {
                    let mut added = self.include(&call)?;
                    let own: HashSet<&str> = entries.iter().map(|entry| &*entry.key).collect();
                    added.retain(|entry| !own.contains(&*entry.key));
                    entries.splice(index..index, added);
                }
            }
        }
        Ok(())
    }

    fn include(&mut self, call: &Entry) -> Result<Vec<Entry>, TemplateError> {
        let place = self.files.place(call.at);
        let name = call
            .node
            .get("Name")
            .and_then(Node::as_text)
            .unwrap_or_default();
        if name != "AWS::Include" {
            let message = format!("Fn::Transform '{name}' is not interpreted; skipped");
            self.findings.push(Finding { place, message });
            return Ok(Vec::new());
        }
        let location = call
            .node
            .get("Parameters")
            .and_then(|node| node.get("Location"));
        let Some(location) = location.and_then(Node::as_text) else {
            let message = "AWS::Include has no Location written as text; skipped".to_owned();
            self.findings.push(Finding { place, message });
            return Ok(Vec::new());
        };
        if location.contains("://") {
            let message =
                format!("AWS::Include of '{location}': only local files are read; skipped");
            self.findings.push(Finding { place, message });
            return Ok(Vec::new());
        }
        self.included += 1;
        if self.included > MOST_INCLUDES {
            let message = format!("more than {MOST_INCLUDES} includes");
            return Err(TemplateError::at(place, message));
        }
        let text = (self.read)(&self.folder.join(location)).map_err(|error| {
            let message = format!("AWS::Include cannot read '{location}': {error}");
            TemplateError::at(place.clone(), message)
        })?;
        let file = self.files.add(location);
        match yaml::parse(&text, file, self.files)? {
            None => Ok(Vec::new()),
            Some(Node {
                value: Value::Map(entries),
                ..
            }) => Ok(entries),
            Some(node) => {
                let message = format!(
                    "an included file holds keys and values; found {}",
                    node.description()
                );
                Err(TemplateError::at(self.files.place(node.at), message))
            }
        }
    }
}
