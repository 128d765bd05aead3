//! `FilterCriteria` of a mapping: patterns over the record, its body parsed when it is JSON. A
//! message is delivered when any pattern matches.
//!
//! The one thing to get wrong: body and pattern must be of the same form. A JSON pattern never
//! matches a text body, nor the other way round, and Lambda deletes what does not match.

mod rule;

use rule::Rule;
use serde_json::Value;
use std::fmt;

/// Compiled patterns.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    patterns: Vec<Node>,
}

/// Where a pattern cannot be understood, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidPattern {
    path: Vec<String>,
    problem: String,
}

impl InvalidPattern {
    fn here(problem: impl Into<String>) -> Self {
        Self {
            path: Vec::new(),
            problem: problem.into(),
        }
    }

    fn under(mut self, key: &str) -> Self {
        self.path.insert(0, key.to_owned());
        self
    }
}

impl fmt::Display for InvalidPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_slice() {
            [] => write!(formatter, "{}", self.problem),
            path => write!(formatter, "{}: {}", path.join("."), self.problem),
        }
    }
}

impl std::error::Error for InvalidPattern {}

impl Filter {
    /// Compiles patterns; an error comes with the number of its pattern, counted from 1.
    pub fn new(patterns: &[Value]) -> Result<Self, (usize, InvalidPattern)> {
        let compiled = patterns.iter().zip(1..).map(|(pattern, number)| {
            let node = Node::compile(pattern).map_err(|problem| (number, problem))?;
            match node {
                Node::Fields { .. } => Ok(node),
                Node::Rules(_) => {
                    Err((number, InvalidPattern::here("expected an object of fields")))
                }
            }
        });
        Ok(Self {
            patterns: compiled.collect::<Result<_, _>>()?,
        })
    }

    /// Whether a record, given as the JSON that would be delivered, passes.
    pub fn accepts(&self, record: &str) -> bool {
        if self.patterns.is_empty() {
            return true;
        }
        let Ok(mut record) = serde_json::from_str::<Value>(record) else {
            return false;
        };
        if let Some(body) = record.get_mut("body") {
            let parsed = body
                .as_str()
                .and_then(|text| serde_json::from_str::<Value>(text).ok());
            if let Some(parsed @ Value::Object(_)) = parsed {
                *body = parsed;
            }
        }
        self.patterns
            .iter()
            .any(|pattern| pattern.matches(Some(&record)))
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// Every field matches, and for each `$or` one of its alternatives.
    Fields {
        fields: Vec<(String, Node)>,
        alternatives: Vec<Vec<Node>>,
    },
    /// Any rule matches.
    Rules(Vec<Rule>),
}

impl Node {
    fn compile(pattern: &Value) -> Result<Self, InvalidPattern> {
        match pattern {
            Value::Array(rules) if rules.is_empty() => Err(InvalidPattern::here(
                "an empty array matches nothing; give at least one value",
            )),
            Value::Array(rules) => {
                let rules = rules.iter().map(Rule::compile).collect::<Result<_, _>>();
                rules.map(Self::Rules).map_err(InvalidPattern::here)
            }
            Value::Object(object) if object.is_empty() => Err(InvalidPattern::here(
                "an empty object says nothing; leave it out",
            )),
            Value::Object(object) => {
                let (mut fields, mut alternatives) = (Vec::new(), Vec::new());
                for (key, value) in object {
                    match (key.as_str(), value) {
                        ("$or", Value::Array(nodes)) => {
                            let nodes: Result<_, _> = nodes.iter().map(Self::compile).collect();
                            alternatives.push(nodes.map_err(|error| error.under(key))?);
                        }
                        _ => {
                            let node = Self::compile(value).map_err(|error| error.under(key))?;
                            fields.push((key.clone(), node));
                        }
                    }
                }
                Ok(Self::Fields {
                    fields,
                    alternatives,
                })
            }
            other => Err(InvalidPattern::here(format!(
                "found {other}; expected an array of values, as in [{other}], or an object"
            ))),
        }
    }

    fn matches(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            // As in EventBridge, an array of objects matches through any of them.
            (Self::Fields { .. }, Some(Value::Array(items))) => {
                items.iter().any(|item| self.matches(Some(item)))
            }
            // Fields of a text are not merely absent: body and pattern differ in form.
            (Self::Fields { .. }, Some(leaf)) if !leaf.is_object() => false,
            (
                Self::Fields {
                    fields,
                    alternatives,
                },
                value,
            ) => {
                let of_field = |(key, node): &(String, Node)| {
                    node.matches(value.and_then(|value| value.get(key)))
                };
                fields.iter().all(of_field)
                    && alternatives
                        .iter()
                        .all(|nodes| nodes.iter().any(|node| node.matches(value)))
            }
            (Self::Rules(rules), value) => rules.iter().any(|rule| rule.matches(value)),
        }
    }
}

#[cfg(test)]
mod tests;
