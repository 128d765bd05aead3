//! Conditions: each is worked out once, when first asked for. Only here does a map with the single
//! key `Condition` mean "that condition"; in a policy it is the policy's own word.

use super::document::Resource;
use super::error::TemplateError;
use super::evaluate::Evaluator;
use super::node::{Node, Position};
use super::path::Path;
use crate::suggest;

impl Evaluator<'_> {
    /// Whether a resource exists in this stack.
    pub(super) fn is_created(&self, resource: &Resource) -> Result<bool, TemplateError> {
        let Some(node) = &resource.condition else {
            return Ok(true);
        };
        let path = format!("Resources/{}/Condition", resource.logical_id);
        let path = Path::root(&path);
        match node.as_text() {
            Some(name) => self.condition(name, node.at, path),
            None => {
                let message = format!(
                    "{path} is {}; expected a condition's name",
                    node.description()
                );
                Err(self.error(node.at, message))
            }
        }
    }

    pub(super) fn condition(
        &self,
        name: &str,
        at: Position,
        path: Path<'_>,
    ) -> Result<bool, TemplateError> {
        let known = self.conditions.borrow().get(name).copied();
        match known {
            Some(Some(value)) => return Ok(value),
            Some(None) => {
                let message = format!("{path}: condition '{name}' depends on itself");
                return Err(self.error(at, message));
            }
            None => {}
        }
        let Some(node) = self.document.conditions.get(name) else {
            let hint = suggest::hint(name, self.document.conditions.keys().map(String::as_str));
            let message = format!("condition '{name}' in {path} is not among the Conditions{hint}");
            return Err(self.error(at, message));
        };
        self.conditions.borrow_mut().insert(name.to_owned(), None);
        let own_path = format!("Conditions/{name}");
        let result = self.truth(node, Path::root(&own_path));
        match &result {
            Ok(value) => self
                .conditions
                .borrow_mut()
                .insert(name.to_owned(), Some(*value)),
            // Forgotten, so that each user gets the error itself and not "depends on itself".
            Err(_) => self.conditions.borrow_mut().remove(name),
        };
        result
    }

    fn truth(&self, node: &Node, path: Path<'_>) -> Result<bool, TemplateError> {
        self.nested(node.at, path, || {
            if let [entry] = node.entries() {
                let arguments = entry.node.as_list().unwrap_or_default();
                match (&*entry.key, arguments) {
                    ("Condition", _) => {
                        if let Some(name) = entry.node.as_text() {
                            return self.condition(name, node.at, path);
                        }
                    }
                    ("Fn::Equals", [left, right]) => {
                        let left = self.evaluate(left, path)?;
                        let right = self.evaluate(right, path)?;
                        return Ok(left.map(comparable) == right.map(comparable));
                    }
                    ("Fn::Not", [inner]) => return Ok(!self.truth(inner, path)?),
                    ("Fn::And", [_, _, ..]) => {
                        let mut all = true;
                        for argument in arguments {
                            all &= self.truth(argument, path)?;
                        }
                        return Ok(all);
                    }
                    ("Fn::Or", [_, _, ..]) => {
                        let mut any = false;
                        for argument in arguments {
                            any |= self.truth(argument, path)?;
                        }
                        return Ok(any);
                    }
                    _ => {}
                }
            }
            let message = format!(
                "{path} is no condition; expected Fn::Equals [a, b], Fn::Not [c], Fn::And, Fn::Or or Condition"
            );
            Err(self.error(node.at, message))
        })
    }
}

/// CloudFormation compares text: 1 equals "1".
fn comparable(node: Node) -> String {
    node.to_text().unwrap_or_else(|| node.to_json().to_string())
}
