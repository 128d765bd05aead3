//! Reading a filter policy, with AWS's limits and a reason for every refusal.
//!
//! Policies arrive from templates, so a refusal names the key: "invalid filter policy"
//! alone costs a deployment to find out more.

use super::condition::{Comparison, Condition, parse_cidr};
use super::{FilterScope, Rule, Rules};
use serde_json::{Map, Value};
use std::fmt;

const MOST_KEYS: usize = 5;
const MOST_COMBINATIONS: usize = 150;
const DEEPEST: usize = 10;

/// Why a filter policy is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterPolicyError(String);

impl fmt::Display for FilterPolicyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FilterPolicy: {}", self.0)
    }
}

impl std::error::Error for FilterPolicyError {}

fn refuse<T>(reason: impl Into<String>) -> Result<T, FilterPolicyError> {
    Err(FilterPolicyError(reason.into()))
}

pub(super) fn parse(policy: &Value, scope: FilterScope) -> Result<Rules, FilterPolicyError> {
    let Value::Object(keys) = policy else {
        return refuse("Filter policy must be a JSON object.");
    };
    let mut size = Size {
        keys: 0,
        combinations: 1,
    };
    let rules = read_rules(keys, scope, 1, &mut size)?;
    if size.keys > MOST_KEYS {
        return refuse(format!(
            "Filter policy can not have more than {MOST_KEYS} keys; found {}.",
            size.keys
        ));
    }
    if size.combinations > MOST_COMBINATIONS {
        return refuse(format!(
            "Filter policy is too complex: {} combinations of values, at most {MOST_COMBINATIONS} are allowed.",
            size.combinations
        ));
    }
    Ok(rules)
}

struct Size {
    keys: usize,
    combinations: usize,
}

fn read_rules(
    keys: &Map<String, Value>,
    scope: FilterScope,
    depth: usize,
    size: &mut Size,
) -> Result<Rules, FilterPolicyError> {
    if depth > DEEPEST {
        return refuse(format!(
            "Filter policy is nested deeper than {DEEPEST} levels."
        ));
    }
    let mut rules = Rules::default();
    for (name, value) in keys {
        match value {
            Value::Array(branches) if name == "$or" && is_or(branches) => {
                let alternatives = branches.iter().filter_map(Value::as_object);
                let alternatives = alternatives
                    .map(|branch| read_rules(branch, scope, depth + 1, size))
                    .collect::<Result<_, _>>()?;
                rules.alternatives.push(alternatives);
            }
            Value::Array(conditions) => {
                if conditions.is_empty() {
                    return refuse(format!(
                        "Empty arrays are not allowed; found one at \"{name}\"."
                    ));
                }
                let conditions = conditions
                    .iter()
                    .map(|condition| read_condition(name, condition))
                    .collect::<Result<Vec<_>, _>>()?;
                size.keys += 1;
                size.combinations = size
                    .combinations
                    .saturating_mul(conditions.len().saturating_mul(depth));
                rules.keys.push((name.clone(), Rule::AnyOf(conditions)));
            }
            Value::Object(_) if scope == FilterScope::MessageAttributes => {
                return refuse(format!(
                    "Filter policy scope MessageAttributes does not support nested filter policy; found one at \"{name}\". Set FilterPolicyScope to MessageBody."
                ));
            }
            Value::Object(nested) if !nested.is_empty() => {
                let nested = read_rules(nested, scope, depth + 1, size)?;
                rules.keys.push((name.clone(), Rule::Within(nested)));
            }
            _ => return refuse(format!("\"{name}\" must be an object or an array.")),
        }
    }
    Ok(rules)
}

/// `$or` is an operator only with two or more objects; otherwise it is a key of that name.
fn is_or(branches: &[Value]) -> bool {
    branches.len() >= 2
        && branches
            .iter()
            .all(|branch| branch.as_object().is_some_and(|keys| !keys.is_empty()))
}

fn read_condition(key: &str, value: &Value) -> Result<Condition, FilterPolicyError> {
    Ok(match value {
        Value::String(text) => Condition::Text(text.clone()),
        Value::Number(number) => Condition::Number(as_number(key, number.as_f64())?),
        Value::Bool(flag) => Condition::Flag(*flag),
        Value::Null => Condition::Null,
        Value::Array(_) => {
            return refuse(format!(
                "A list within the list at \"{key}\" is not allowed."
            ));
        }
        Value::Object(operator) => {
            let mut operators = operator.iter();
            let (Some((name, operand)), None) = (operators.next(), operators.next()) else {
                return refuse(format!(
                    "Only one operator is allowed in each object at \"{key}\"; found {}.",
                    operator.len()
                ));
            };
            read_operator(key, name, operand)?
        }
    })
}

fn read_operator(key: &str, name: &str, operand: &Value) -> Result<Condition, FilterPolicyError> {
    let text = || match operand {
        Value::String(text) if !text.is_empty() => Ok(text.clone()),
        _ => refuse(format!(
            "{name} at \"{key}\" must be a string that is not empty; found {operand}."
        )),
    };
    Ok(match name {
        "prefix" => Condition::Prefix(text()?),
        "suffix" => Condition::Suffix(text()?),
        "equals-ignore-case" => Condition::EqualsIgnoreCase(text()?),
        "wildcard" => Condition::Wildcard(checked_wildcard(key, text()?)?),
        "cidr" => match parse_cidr(&text()?) {
            Some((network, length)) => Condition::Cidr { network, length },
            None => {
                return refuse(format!(
                    "cidr at \"{key}\" must look like 10.0.0.0/24; found {operand}."
                ));
            }
        },
        "exists" => match operand {
            Value::Bool(flag) => Condition::Exists(*flag),
            _ => {
                return refuse(format!(
                    "exists at \"{key}\" must be either true or false; found {operand}."
                ));
            }
        },
        "numeric" => Condition::Numeric(read_bounds(key, operand)?),
        "anything-but" => Condition::AnythingBut(read_refused(key, operand)?),
        _ => return refuse(format!("Unrecognized match type {name} at \"{key}\".")),
    })
}

fn checked_wildcard(key: &str, pattern: String) -> Result<String, FilterPolicyError> {
    if pattern.contains("**") {
        return refuse(format!(
            "Consecutive wildcard characters at \"{key}\"; found {pattern}."
        ));
    }
    if pattern.matches('*').count() > 3 {
        return refuse(format!(
            "At most 3 wildcard characters are allowed at \"{key}\"; found {pattern}."
        ));
    }
    Ok(pattern)
}

/// `[">", 0, "<=", 100]`, one comparison or a lower and an upper bound.
fn read_bounds(key: &str, operand: &Value) -> Result<Vec<(Comparison, f64)>, FilterPolicyError> {
    let wrong = || {
        FilterPolicyError(format!(
            "numeric at \"{key}\" must be a list such as [\"=\", 1] or [\">\", 0, \"<=\", 5]; found {operand}."
        ))
    };
    let items = operand.as_array().ok_or_else(wrong)?;
    if !matches!(items.len(), 2 | 4) {
        return Err(wrong());
    }
    let mut bounds = Vec::new();
    for pair in items.chunks(2) {
        let comparison = pair[0]
            .as_str()
            .and_then(Comparison::parse)
            .ok_or_else(wrong)?;
        let number = pair.get(1).and_then(Value::as_f64).ok_or_else(wrong)?;
        bounds.push((comparison, as_number(key, Some(number))?));
    }
    if let [(low, from), (high, to)] = bounds.as_slice() {
        let is_range = matches!(low, Comparison::Greater | Comparison::GreaterOrEqual)
            && matches!(high, Comparison::Less | Comparison::LessOrEqual);
        if !is_range || from >= to {
            return Err(wrong());
        }
    }
    Ok(bounds)
}

fn read_refused(key: &str, operand: &Value) -> Result<Vec<Condition>, FilterPolicyError> {
    let wrong = || {
        FilterPolicyError(format!(
            "anything-but at \"{key}\" must be a string, a number, a list of these, or an object with prefix, suffix, wildcard or equals-ignore-case; found {operand}."
        ))
    };
    match operand {
        Value::String(_) | Value::Number(_) => Ok(vec![read_condition(key, operand)?]),
        Value::Array(items) if !items.is_empty() => items
            .iter()
            .map(|item| match item {
                Value::String(_) | Value::Number(_) => read_condition(key, item),
                _ => Err(wrong()),
            })
            .collect(),
        Value::Object(operator) if operator.len() == 1 => {
            let (name, operand) = operator.iter().next().ok_or_else(wrong)?;
            if !matches!(
                name.as_str(),
                "prefix" | "suffix" | "wildcard" | "equals-ignore-case"
            ) {
                return Err(wrong());
            }
            match operand {
                Value::Array(items) if !items.is_empty() => items
                    .iter()
                    .map(|item| read_operator(key, name, item))
                    .collect(),
                operand => Ok(vec![read_operator(key, name, operand)?]),
            }
        }
        _ => Err(wrong()),
    }
}

/// SNS compares numbers within ±10⁹ only.
fn as_number(key: &str, number: Option<f64>) -> Result<f64, FilterPolicyError> {
    match number {
        Some(number) if number.abs() <= 1e9 => Ok(number),
        _ => refuse(format!(
            "A number at \"{key}\" is out of range: it must be from -10^9 to 10^9."
        )),
    }
}
