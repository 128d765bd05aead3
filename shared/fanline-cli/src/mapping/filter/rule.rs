//! One value or operator of a filter pattern.
//!
//! The one thing to get wrong: types. `"5"` and `5` are different values, and a numeric range never
//! matches a string that looks like a number.

use serde_json::Value;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rule {
    Equals(Value),
    EqualsIgnoreCase(String),
    Prefix(String),
    Suffix(String),
    AnythingBut(Vec<Value>),
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Rule {
    pub(super) fn compile(rule: &Value) -> Result<Self, String> {
        let operator = match rule {
            Value::Object(operator) => operator,
            Value::Array(_) => return Err("an array inside an array is no rule".to_owned()),
            value => return Ok(Self::Equals(value.clone())),
        };
        let mut entries = operator.iter();
        let (Some((name, operand)), None) = (entries.next(), entries.next()) else {
            return Err(format!(
                "found {rule}; expected one operator, as in {{\"prefix\":\"a\"}}"
            ));
        };
        let text = || {
            operand
                .as_str()
                .map(str::to_owned)
                .ok_or(format!("{name} takes a string, found {operand}"))
        };
        match name.as_str() {
            "prefix" => text().map(Self::Prefix),
            "suffix" => text().map(Self::Suffix),
            "equals-ignore-case" => text().map(Self::EqualsIgnoreCase),
            "exists" => {
                let exists = operand.as_bool().map(Self::Exists);
                exists.ok_or(format!("exists takes true or false, found {operand}"))
            }
            "anything-but" => anything_but(operand),
            "numeric" => numeric(operand),
            _ => Err(format!(
                "unknown operator {name}; expected prefix, suffix, equals-ignore-case, anything-but, numeric or exists"
            )),
        }
    }

    /// `value` is none where the record has no such field.
    pub(super) fn matches(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Exists(expected), value) => {
                let exists = value.is_some_and(|value| !value.is_object());
                exists == *expected
            }
            (_, None | Some(Value::Object(_))) => false,
            (_, Some(Value::Array(items))) => items.iter().any(|item| self.matches_leaf(item)),
            (_, Some(leaf)) => self.matches_leaf(leaf),
        }
    }

    fn matches_leaf(&self, leaf: &Value) -> bool {
        let text = leaf.as_str();
        match self {
            Self::Exists(expected) => *expected,
            Self::Equals(value) => equal(value, leaf),
            Self::EqualsIgnoreCase(value) => {
                text.is_some_and(|text| text.to_lowercase() == value.to_lowercase())
            }
            Self::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix)),
            Self::Suffix(suffix) => text.is_some_and(|text| text.ends_with(suffix)),
            Self::AnythingBut(values) => !values.iter().any(|value| equal(value, leaf)),
            Self::Numeric(bounds) => leaf
                .as_f64()
                .is_some_and(|number| bounds.iter().all(|bound| holds(number, *bound))),
        }
    }
}

/// JSON writes one number in several ways: 5 and 5.0 are equal.
fn equal(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left == right,
        _ => left == right,
    }
}

fn holds(number: f64, (comparison, bound): (Comparison, f64)) -> bool {
    match comparison {
        Comparison::Equal => number == bound,
        Comparison::Less => number < bound,
        Comparison::LessOrEqual => number <= bound,
        Comparison::Greater => number > bound,
        Comparison::GreaterOrEqual => number >= bound,
    }
}

fn anything_but(operand: &Value) -> Result<Rule, String> {
    let is_plain = |value: &Value| value.is_string() || value.is_number();
    match operand {
        Value::Array(values) if !values.is_empty() && values.iter().all(is_plain) => {
            Ok(Rule::AnythingBut(values.clone()))
        }
        value if is_plain(value) => Ok(Rule::AnythingBut(vec![value.clone()])),
        _ => Err(format!(
            "anything-but takes strings or numbers, found {operand}"
        )),
    }
}

fn numeric(operand: &Value) -> Result<Rule, String> {
    let expected =
        || format!("numeric takes comparisons, as in [\">\",0,\"<=\",5], found {operand}");
    let parts = operand.as_array().map(Vec::as_slice).unwrap_or_default();
    let bounds = parts.chunks(2).map(|pair| match pair {
        [operator, bound] => {
            let comparison = match operator.as_str()? {
                "=" => Comparison::Equal,
                "<" => Comparison::Less,
                "<=" => Comparison::LessOrEqual,
                ">" => Comparison::Greater,
                ">=" => Comparison::GreaterOrEqual,
                _ => return None,
            };
            Some((comparison, bound.as_f64()?))
        }
        _ => None,
    });
    let bounds: Option<Vec<_>> = bounds.collect();
    bounds
        .filter(|bounds| matches!(bounds.len(), 1 | 2))
        .map(Rule::Numeric)
        .ok_or_else(expected)
}
