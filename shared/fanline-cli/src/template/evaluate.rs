//! Evaluates intrinsic functions: a [`Node`] as written into one without calls.
//! Evaluation is lazy, a property at a time, so that a mistake in something a local run does not
//! need stops nothing. All work is charged to one budget, since names may double each other.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::document::{Document, Resource};
use super::environment::Environment;
use super::error::TemplateError;
use super::node::{Entry, Node, Position, Value};
use super::parameters::ParameterValue;
use super::path::Path;
use crate::suggest;

const DEEPEST_EVALUATION: usize = 200;
const LARGEST_WORK: usize = 1_000_000;
const LONGEST_TEXT: usize = 1024 * 1024;
/// Comparing a misspelt name with all others costs far more than evaluating a node.
const WORK_OF_A_HINT: usize = 500;

/// `None` is `AWS::NoValue`: the property or item is as if it were not there.
pub(super) type Evaluated = Result<Option<Node>, TemplateError>;

pub(super) struct Evaluator<'e> {
    pub(super) document: &'e Document,
    pub(super) environment: &'e Environment,
    pub(super) parameters: BTreeMap<String, ParameterValue>,
    pub(super) conditions: RefCell<HashMap<String, Option<bool>>>,
    pub(super) names: RefCell<HashMap<String, String>>,
    /// Resources whose names are being made, to notice a circle.
    pub(super) naming: RefCell<Vec<String>>,
    /// The resource being read and what each one refers to, to notice circles of any length.
    reading: RefCell<String>,
    references: RefCell<BTreeMap<String, BTreeSet<String>>>,
    depth: Cell<usize>,
    work: Cell<usize>,
}

impl<'e> Evaluator<'e> {
    pub(super) fn new(
        document: &'e Document,
        environment: &'e Environment,
        parameters: BTreeMap<String, ParameterValue>,
    ) -> Self {
        Self {
            document,
            environment,
            parameters,
            conditions: RefCell::default(),
            names: RefCell::default(),
            naming: RefCell::default(),
            reading: RefCell::default(),
            references: RefCell::default(),
            depth: Cell::new(0),
            work: Cell::new(0),
        }
    }

    pub(super) fn error(&self, at: Position, message: impl Into<String>) -> TemplateError {
        TemplateError::at(self.document.files.place(at), message)
    }

    pub(super) fn only_on_aws(&self, at: Position, message: impl Into<String>) -> TemplateError {
        TemplateError::only_on_aws(self.document.files.place(at), message)
    }

    /// From here on references count as made by this resource.
    pub(super) fn start_reading(&self, logical_id: &str) {
        logical_id.clone_into(&mut self.reading.borrow_mut());
    }

    pub(super) fn note_reference(&self, logical_id: &str) {
        let reading = self.reading.borrow();
        // Making the name of another resource refers on that one's behalf.
        let naming = self.naming.borrow();
        let from = naming.last().unwrap_or(&*reading);
        if !from.is_empty() {
            self.references
                .borrow_mut()
                .entry(from.clone())
                .or_default()
                .insert(logical_id.to_owned());
        }
    }

    pub(super) fn references(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.references.borrow().clone()
    }

    pub(super) fn evaluate(&self, node: &Node, path: Path<'_>) -> Evaluated {
        self.nested(node.at, path, || self.evaluate_node(node, path))
    }

    /// Evaluates a call at the top; below that everything stays as written.
    pub(super) fn resolve_call(&self, node: &Node, path: Path<'_>) -> Evaluated {
        match node.as_call() {
            Some(_) => self.evaluate(node, path),
            None => Ok(Some(node.clone())),
        }
    }

    /// Runs one level of recursion, which must end.
    pub(super) fn nested<T>(
        &self,
        at: Position,
        path: Path<'_>,
        run: impl FnOnce() -> Result<T, TemplateError>,
    ) -> Result<T, TemplateError> {
        if self.depth.get() >= DEEPEST_EVALUATION {
            let message =
                format!("{path}: references nest deeper than {DEEPEST_EVALUATION} levels");
            return Err(self.error(at, message));
        }
        self.charge(1, at)?;
        self.depth.set(self.depth.get() + 1);
        let result = run();
        self.depth.set(self.depth.get() - 1);
        result
    }

    pub(super) fn charge(&self, work: usize, at: Position) -> Result<(), TemplateError> {
        self.work.set(self.work.get().saturating_add(work));
        if self.work.get() > LARGEST_WORK {
            return Err(self.error(
                at,
                "the template is too large once its functions are evaluated",
            ));
        }
        Ok(())
    }

    /// A node of computed text; refuses what could not be a property anyway.
    pub(super) fn computed(&self, text: String, at: Position) -> Evaluated {
        if text.len() > LONGEST_TEXT {
            return Err(self.error(at, format!("a computed text has over {LONGEST_TEXT} bytes")));
        }
        self.charge(text.len() / 16, at)?;
        Ok(Some(Node::text(text, at)))
    }

    fn evaluate_node(&self, node: &Node, path: Path<'_>) -> Evaluated {
        if let Some((function, argument)) = node.as_call() {
            return match function {
                "Ref" => self.reference(argument, node.at, path),
                "Fn::GetAtt" => self.attribute(argument, node.at, path),
                "Fn::Sub" => self.substitute(argument, node.at, path),
                _ => self.call(function, argument, node.at, path),
            };
        }
        match &node.value {
            Value::Null => Ok(Some(node.clone())),
            Value::Scalar { text, plain } => {
                self.charge(text.len() / 16, node.at)?;
                let text = node.to_text().unwrap_or_default();
                Ok(Some(Node {
                    value: Value::Scalar {
                        text,
                        plain: *plain,
                    },
                    at: node.at,
                }))
            }
            Value::List(items) => {
                let mut evaluated = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    evaluated.extend(self.evaluate(item, path.index(index))?);
                }
                Ok(Some(Node::list(evaluated, node.at)))
            }
            Value::Map(entries) => {
                let mut evaluated = Vec::with_capacity(entries.len());
                for entry in entries {
                    if entry.key.starts_with("Fn::") {
                        let message = format!(
                            "{} in {path} stands beside other keys; expected it alone",
                            entry.key
                        );
                        return Err(self.error(entry.at, message));
                    }
                    if let Some(node) = self.evaluate(&entry.node, path.key(&entry.key))? {
                        evaluated.push(Entry {
                            key: entry.key.clone(),
                            at: entry.at,
                            node,
                        });
                    }
                }
                Ok(Some(Node::map(evaluated, node.at)))
            }
        }
    }

    fn reference(&self, argument: &Node, at: Position, path: Path<'_>) -> Evaluated {
        let Some(name) = argument.as_text() else {
            let message = format!(
                "Ref in {path} is given {}; expected a name",
                argument.description()
            );
            return Err(self.error(at, message));
        };
        self.value_of(name, "Ref", at, path)
    }

    /// What `Ref` gives for a name; `function` is who asks.
    pub(super) fn value_of(
        &self,
        name: &str,
        function: &str,
        at: Position,
        path: Path<'_>,
    ) -> Evaluated {
        if name == "AWS::NoValue" {
            return Ok(None);
        }
        if name == "AWS::NotificationARNs" {
            return Ok(Some(Node::list(Vec::new(), at)));
        }
        if let Some(text) = self.environment.pseudo_parameter(name) {
            return self.computed(text, at);
        }
        match self.parameters.get(name) {
            Some(ParameterValue::Text(text)) => return self.computed(text.clone(), at),
            Some(ParameterValue::List(items)) => {
                self.charge(items.len(), at)?;
                let items = items
                    .iter()
                    .map(|item| Node::text(item.clone(), at))
                    .collect();
                return Ok(Some(Node::list(items, at)));
            }
            Some(ParameterValue::InParameterStore(parameter)) => {
                let message = format!(
                    "{function} '{name}' in {path} is the SSM parameter '{parameter}', which is not read here; give parameter '{name}' a value"
                );
                return Err(self.only_on_aws(at, message));
            }
            None => {}
        }
        let Some(resource) = self.document.resource(name) else {
            return Err(self.unresolved(name, function, at, path));
        };
        self.note_reference(name);
        self.require_created(resource, function, at, path)?;
        let text = self.nested(at, path, || self.reference_value(resource, at, path))?;
        self.computed(text, at)
    }

    fn unresolved(
        &self,
        name: &str,
        function: &str,
        at: Position,
        path: Path<'_>,
    ) -> TemplateError {
        if self
            .document
            .parameters
            .iter()
            .any(|entry| entry.key == name)
        {
            let message =
                format!("{function} '{name}' in {path}: the parameter has no valid value");
            return self.error(at, message);
        }
        if matches!(name, "ServerlessRestApi" | "ServerlessHttpApi") {
            let message = format!("{function} '{name}' in {path}: SAM's API is not interpreted");
            return self.only_on_aws(at, message);
        }
        if let Err(error) = self.charge(WORK_OF_A_HINT, at) {
            return error;
        }
        let known = self.parameters.keys().map(String::as_str);
        let known = known.chain(
            self.document
                .resources
                .iter()
                .map(|resource| &*resource.logical_id),
        );
        let hint = suggest::hint(name, known.chain(Environment::PSEUDO_PARAMETERS));
        let message =
            format!("{function} '{name}' in {path} matches no parameter or resource{hint}");
        self.error(at, message)
    }

    fn attribute(&self, argument: &Node, at: Position, path: Path<'_>) -> Evaluated {
        let pair = match &argument.value {
            Value::Scalar { text, .. } => text
                .split_once('.')
                .map(|(l, r)| (l.to_owned(), r.to_owned())),
            Value::List(items) => match items.as_slice() {
                [logical_id, attribute] => {
                    let attribute = self.evaluate(attribute, path)?;
                    logical_id.as_text().map(str::to_owned).zip(
                        attribute
                            .as_ref()
                            .and_then(Node::as_text)
                            .map(str::to_owned),
                    )
                }
                _ => None,
            },
            _ => None,
        };
        let Some((logical_id, attribute)) = pair else {
            let message = format!(
                "Fn::GetAtt in {path} is given {}; expected Resource.Attribute",
                argument.description()
            );
            return Err(self.error(at, message));
        };
        self.attribute_of(&logical_id, &attribute, "GetAtt", at, path)
    }

    pub(super) fn attribute_of(
        &self,
        logical_id: &str,
        attribute: &str,
        function: &str,
        at: Position,
        path: Path<'_>,
    ) -> Evaluated {
        let Some(resource) = self.document.resource(logical_id) else {
            if matches!(logical_id, "ServerlessRestApi" | "ServerlessHttpApi") {
                return Err(self.unresolved(logical_id, function, at, path));
            }
            self.charge(WORK_OF_A_HINT, at)?;
            let known = self
                .document
                .resources
                .iter()
                .map(|resource| &*resource.logical_id);
            let hint = suggest::hint(logical_id, known);
            let message = format!(
                "{function} '{logical_id}.{attribute}' in {path} matches no resource{hint}"
            );
            return Err(self.error(at, message));
        };
        self.note_reference(logical_id);
        self.require_created(resource, function, at, path)?;
        let text = self.nested(at, path, || {
            self.attribute_value(resource, attribute, function, at, path)
        })?;
        self.computed(text, at)
    }

    fn require_created(
        &self,
        resource: &Resource,
        function: &str,
        at: Position,
        path: Path<'_>,
    ) -> Result<(), TemplateError> {
        if self.is_created(resource)? {
            return Ok(());
        }
        let condition = resource
            .condition
            .as_ref()
            .and_then(Node::as_text)
            .unwrap_or_default();
        let message = format!(
            "{function} '{}' in {path}: the resource is not created, since condition '{condition}' is false",
            resource.logical_id
        );
        Err(self.error(at, message))
    }
}
