//! Typed reading of properties. A field is evaluated when it is read and no earlier, and knows its
//! path, so that every complaint says what was found, where, and what was expected.

use std::fmt::Display;

use serde_json::Value as Json;

use super::document::Resource;
use super::error::{Finding, TemplateError};
use super::evaluate::Evaluator;
use super::node::{Node, Position, Value, boolean};
use super::path::Path;
use crate::suggest;

pub(super) struct Field<'e> {
    evaluator: &'e Evaluator<'e>,
    node: Node,
    path: String,
}

impl<'e> Field<'e> {
    pub(super) fn properties(evaluator: &'e Evaluator<'_>, resource: &Resource) -> Self {
        Self::new(
            evaluator,
            resource.properties.clone(),
            resource.path.clone(),
        )
    }

    pub(super) fn new(evaluator: &'e Evaluator<'_>, node: Node, path: String) -> Self {
        Self {
            evaluator,
            node,
            path,
        }
    }

    pub(super) fn at(&self) -> Position {
        self.node.at
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn line(&self) -> u32 {
        self.node.at.line
    }

    /// An error about this field: its path, then `problem`.
    pub(super) fn error(&self, problem: impl Display) -> TemplateError {
        self.evaluator
            .error(self.node.at, format!("{} {problem}", self.path))
    }

    pub(super) fn finding(&self, problem: impl Display) -> Finding {
        let place = self.evaluator.document.files.place(self.node.at);
        Finding {
            place,
            message: format!("{} {problem}", self.path),
        }
    }

    fn expected(&self, what: &str) -> TemplateError {
        self.error(format_args!(
            "is {}; expected {what}",
            self.node.description()
        ))
    }

    fn child(
        &self,
        node: &Node,
        at: Position,
        path: String,
    ) -> Result<Option<Self>, TemplateError> {
        let node = self.evaluator.resolve_call(node, Path::root(&path))?;
        Ok(node
            .filter(|node| node.value != Value::Null)
            .map(|mut node| {
                // A map starts where its first key stands; a reader looks for the line of its name.
                if matches!(node.value, Value::Map(_) | Value::List(_)) {
                    node.at = at;
                }
                Self {
                    evaluator: self.evaluator,
                    node,
                    path,
                }
            }))
    }

    /// The field under `key`, if it is there and has a value.
    pub(super) fn get(&self, key: &str) -> Result<Option<Self>, TemplateError> {
        match self.node.entries().iter().find(|entry| entry.key == key) {
            Some(entry) => self.child(&entry.node, entry.at, format!("{}/{key}", self.path)),
            None if self.node.is_map() => Ok(None),
            None => Err(self.expected("a map")),
        }
    }

    pub(super) fn required(&self, key: &str) -> Result<Self, TemplateError> {
        self.get(key)?
            .ok_or_else(|| self.error(format_args!("has no {key}")))
    }

    /// All keys with their fields, evaluated one by one.
    pub(super) fn fields(
        &self,
    ) -> Result<impl Iterator<Item = (&str, Result<Option<Self>, TemplateError>)>, TemplateError>
    {
        if !self.node.is_map() {
            return Err(self.expected("a map"));
        }
        Ok(self.node.entries().iter().map(|entry| {
            (
                &*entry.key,
                self.child(
                    &entry.node,
                    entry.at,
                    format!("{}/{}", self.path, entry.key),
                ),
            )
        }))
    }

    pub(super) fn items(&self) -> Result<Vec<Self>, TemplateError> {
        let items = self.node.as_list().ok_or_else(|| self.expected("a list"))?;
        let mut fields = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            fields.extend(self.child(item, item.at, format!("{}/{index}", self.path))?);
        }
        Ok(fields)
    }

    pub(super) fn items_of(&self, key: &str) -> Result<Vec<Self>, TemplateError> {
        self.get(key)?
            .map_or_else(|| Ok(Vec::new()), |field| field.items())
    }

    pub(super) fn is_map(&self) -> bool {
        self.node.is_map()
    }

    pub(super) fn text(&self) -> Result<String, TemplateError> {
        let text = self.node.to_text().ok_or_else(|| self.expected("text"))?;
        if text.contains("{{resolve:") {
            let message = format!(
                "{} is a dynamic reference, which only AWS resolves",
                self.path
            );
            return Err(self.evaluator.only_on_aws(self.node.at, message));
        }
        Ok(text)
    }

    pub(super) fn number(&self) -> Result<i64, TemplateError> {
        let text = self
            .node
            .as_text()
            .ok_or_else(|| self.expected("a whole number"))?;
        text.trim()
            .parse()
            .map_err(|_| self.expected("a whole number"))
    }

    /// A whole number within bounds, both allowed.
    pub(super) fn count(&self, least: u32, most: u32) -> Result<u32, TemplateError> {
        let number = self.number()?;
        u32::try_from(number)
            .ok()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| self.expected(&format!("{least} to {most}")))
    }

    pub(super) fn boolean(&self) -> Result<bool, TemplateError> {
        let text = self
            .node
            .as_text()
            .ok_or_else(|| self.expected("true or false"))?;
        boolean(text).ok_or_else(|| self.expected("true or false"))
    }

    /// A map as JSON; text that holds one is taken too, as CloudFormation does for policies.
    pub(super) fn json(&self) -> Result<Json, TemplateError> {
        if let Some(text) = self.node.as_text() {
            return match serde_json::from_str::<Json>(text) {
                Ok(json) if json.is_object() => Ok(json),
                _ => Err(self.expected("a map, or text that holds a JSON object")),
            };
        }
        let node = self
            .evaluator
            .evaluate(&self.node, Path::root(&self.path))?;
        node.filter(Node::is_map)
            .map(|node| node.to_json())
            .ok_or_else(|| self.expected("a map"))
    }

    pub(super) fn text_of(&self, key: &str) -> Result<Option<String>, TemplateError> {
        self.get(key)?.map(|field| field.text()).transpose()
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, TemplateError> {
        self.get(key)?.map(|field| field.boolean()).transpose()
    }

    pub(super) fn count_of(
        &self,
        key: &str,
        least: u32,
        most: u32,
    ) -> Result<Option<u32>, TemplateError> {
        self.get(key)?
            .map(|field| field.count(least, most))
            .transpose()
    }

    /// Names keys that are not `known`: most are misspelt, and would silently do nothing.
    pub(super) fn unknown_keys(&self, kind: &str, known: &[&str], findings: &mut Vec<Finding>) {
        for entry in self
            .node
            .entries()
            .iter()
            .filter(|entry| !known.contains(&&*entry.key))
        {
            let place = self.evaluator.document.files.place(entry.at);
            let hint = suggest::hint(&entry.key, known.iter().copied());
            let message = format!(
                "{}/{} is no property of {kind} known here{hint}; skipped",
                self.path, entry.key
            );
            findings.push(Finding { place, message });
        }
    }
}
