//! `Fn::Sub`: `${Name}` and `${Resource.Attribute}` in a text. `${!Name}` stays `${Name}`,
//! which is how policies keep their own variables.

use super::error::TemplateError;
use super::evaluate::{Evaluated, Evaluator};
use super::node::{Node, Position, Value, shortened};
use super::path::Path;

impl Evaluator<'_> {
    pub(super) fn substitute(&self, argument: &Node, at: Position, path: Path<'_>) -> Evaluated {
        let (text, variables) = match &argument.value {
            Value::Scalar { text, .. } => (Some(&**text), None),
            Value::List(items) => match items.as_slice() {
                [text, variables] if variables.is_map() => (text.as_text(), Some(variables)),
                [text] => (text.as_text(), None),
                _ => (None, None),
            },
            _ => (None, None),
        };
        let Some(text) = text else {
            let message = format!(
                "Fn::Sub in {path} is given {}; expected text, or a list of text and variables",
                argument.description()
            );
            return Err(self.error(at, message));
        };
        let mut result = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            result.push_str(&rest[..start]);
            let inside = &rest[start + 2..];
            let Some(end) = inside.find('}') else {
                let message = format!(
                    "Fn::Sub in {path}: '{}' has no closing brace",
                    shortened(&rest[start..])
                );
                return Err(self.error(at, message));
            };
            let name = &inside[..end];
            match name.strip_prefix('!') {
                Some(literal) => {
                    result.push_str("${");
                    result.push_str(literal);
                    result.push('}');
                }
                None => result.push_str(&self.variable(name, variables, at, path)?),
            }
            self.charge(1 + result.len() / 4096, at)?;
            rest = &inside[end + 1..];
        }
        result.push_str(rest);
        self.computed(result, at)
    }

    fn variable(
        &self,
        name: &str,
        variables: Option<&Node>,
        at: Position,
        path: Path<'_>,
    ) -> Result<String, TemplateError> {
        let known =
            |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | ':');
        if name.is_empty() || !name.chars().all(known) {
            let message = format!(
                "Fn::Sub in {path}: '${{{}}}' is no name; expected letters, digits, '_', '.' and ':', or '${{!' for a dollar as it is",
                shortened(name)
            );
            return Err(self.error(at, message));
        }
        let own = variables.and_then(|variables| variables.get(name));
        self.charge(
            variables.map_or(0, |variables| variables.entries().len() / 16),
            at,
        )?;
        let value = match (own, name.split_once('.')) {
            (Some(node), _) => self.evaluate(node, path.key(name))?,
            (None, Some((logical_id, attribute))) => {
                self.attribute_of(logical_id, attribute, "Sub", at, path)?
            }
            (None, None) => self.value_of(name, "Sub", at, path)?,
        };
        match value {
            Some(Node {
                value: Value::Scalar { text, .. },
                ..
            }) => Ok(text),
            Some(other) => {
                let message = format!(
                    "Sub '{name}' in {path} is {}; expected text",
                    other.description()
                );
                Err(self.error(at, message))
            }
            None => Err(self.error(
                at,
                format!("Sub '{name}' in {path} has no value; expected text"),
            )),
        }
    }
}
