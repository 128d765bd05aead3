//! Filter policies of SNS subscriptions: which message reaches which queue.
//!
//! A policy is a tree of keys, each with a list of conditions of which one must hold.
//! The matcher is pure and public, so that tools can predict a fan-out. A number in a
//! policy never matches text that looks like a number: AWS compares types first.

mod condition;
mod parse;

pub use parse::FilterPolicyError;

use crate::attribute::{AttributeData, Attributes, parse_number};
use condition::{Condition, Fact};
use serde_json::Value;

/// What a policy is matched against: `FilterPolicyScope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FilterScope {
    /// The message attributes.
    #[default]
    MessageAttributes,
    /// The message itself, as JSON.
    MessageBody,
}

/// A parsed filter policy.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterPolicy {
    scope: FilterScope,
    rules: Rules,
}

/// All keys must match, and one alternative of every `$or`.
#[derive(Debug, Clone, PartialEq, Default)]
struct Rules {
    keys: Vec<(String, Rule)>,
    alternatives: Vec<Vec<Rules>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Rule {
    AnyOf(Vec<Condition>),
    Within(Rules),
}

impl FilterPolicy {
    /// Reads a policy.
    ///
    /// # Errors
    /// Says which key or operator AWS would refuse.
    pub fn parse(policy: &Value, scope: FilterScope) -> Result<Self, FilterPolicyError> {
        parse::parse(policy, scope).map(|rules| Self { scope, rules })
    }

    /// Whether a message passes, by its attributes or its body as the scope says.
    ///
    /// A body that is not a JSON object passes no policy on the body.
    pub fn matches(&self, attributes: &Attributes, body: &str) -> bool {
        match self.scope {
            FilterScope::MessageAttributes => self.rules.match_attributes(attributes),
            FilterScope::MessageBody => serde_json::from_str::<Value>(body)
                .is_ok_and(|body| body.is_object() && self.rules.match_body(&[&body])),
        }
    }
}

impl Rules {
    fn match_attributes(&self, attributes: &Attributes) -> bool {
        let keys_match = self.keys.iter().all(|(name, rule)| match rule {
            Rule::AnyOf(conditions) => attribute_matches(conditions, name, attributes),
            Rule::Within(_) => false,
        });
        keys_match
            && self.alternatives.iter().all(|alternatives| {
                alternatives
                    .iter()
                    .any(|rules| rules.match_attributes(attributes))
            })
    }

    /// `places` are the objects found so far: more than one where the path crossed a list.
    fn match_body(&self, places: &[&Value]) -> bool {
        let keys_match = self.keys.iter().all(|(name, rule)| {
            let mut found = Vec::new();
            for value in places.iter().filter_map(|place| place.get(name)) {
                flatten(value, &mut found);
            }
            match rule {
                Rule::AnyOf(conditions) => {
                    let leaves: Vec<Fact<'_>> =
                        found.into_iter().filter_map(fact_of_json).collect();
                    any_holds(conditions, &leaves)
                }
                Rule::Within(rules) => rules.match_body(&found),
            }
        });
        keys_match
            && self
                .alternatives
                .iter()
                .all(|alternatives| alternatives.iter().any(|rules| rules.match_body(places)))
    }
}

fn flatten<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| flatten(item, found)),
        other => found.push(other),
    }
}

fn fact_of_json(value: &Value) -> Option<Fact<'_>> {
    match value {
        Value::String(text) => Some(Fact::Text(text)),
        Value::Number(number) => number.as_f64().map(Fact::Number),
        Value::Bool(flag) => Some(Fact::Flag(*flag)),
        Value::Null => Some(Fact::Null),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn any_holds(conditions: &[Condition], facts: &[Fact<'_>]) -> bool {
    conditions.iter().any(|condition| match condition {
        Condition::Exists(expected) => *expected != facts.is_empty(),
        condition => facts.iter().any(|fact| condition.holds(*fact)),
    })
}

fn attribute_matches(conditions: &[Condition], name: &str, attributes: &Attributes) -> bool {
    let Some(value) = attributes.get(name) else {
        return any_holds(conditions, &[]);
    };
    // Present, even if nothing but `exists` can match its content.
    if conditions.contains(&Condition::Exists(true)) {
        return true;
    }
    let AttributeData::Text(text) = &value.data else {
        return false;
    };
    match &*value.data_type {
        "String.Array" => match serde_json::from_str::<Value>(text) {
            Ok(items @ Value::Array(_)) => {
                let mut found = Vec::new();
                flatten(&items, &mut found);
                let facts: Vec<Fact<'_>> = found.into_iter().filter_map(fact_of_json).collect();
                facts.iter().any(|fact| any_holds(conditions, &[*fact]))
            }
            _ => any_holds(conditions, &[Fact::Text(text)]),
        },
        _ if value.base_type() == "Number" => match parse_number(text) {
            Some(number) => any_holds(conditions, &[Fact::Number(number)]),
            None => false,
        },
        _ => any_holds(conditions, &[Fact::Text(text)]),
    }
}

#[cfg(test)]
mod tests;
