//! One condition of a filter policy: how SNS writes it, and whether a value meets it.
//!
//! What could be got wrong is a value that is not there: it meets [`absent`] and nothing else, not even
//! [`anything_but`].

use std::ops::{Bound, RangeBounds};

use serde_json::{Value, json};

/// What SNS can ask of the value of a key. Made by the functions beside it, or from a text.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterCondition(pub(super) Kind);

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Exactly(String),
    Prefix(String),
    Suffix(String),
    EqualsIgnoreCase(String),
    AnythingBut(Vec<String>),
    AnythingButPrefix(String),
    Numeric(Bound<f64>, Bound<f64>),
    Exists(bool),
}

/// The value is this text. A text alone says the same; this is for a list with other conditions.
pub fn exactly(text: impl Into<String>) -> FilterCondition {
    FilterCondition(Kind::Exactly(text.into()))
}

/// The value begins with this text.
pub fn prefix(text: impl Into<String>) -> FilterCondition {
    FilterCondition(Kind::Prefix(text.into()))
}

/// The value ends with this text.
pub fn suffix(text: impl Into<String>) -> FilterCondition {
    FilterCondition(Kind::Suffix(text.into()))
}

/// The value is this text, in whatever case.
pub fn equals_ignore_case(text: impl Into<String>) -> FilterCondition {
    FilterCondition(Kind::EqualsIgnoreCase(text.into()))
}

/// There is a value, and it is none of these texts.
pub fn anything_but<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> FilterCondition {
    let texts = texts.into_iter().map(Into::into);
    FilterCondition(Kind::AnythingBut(texts.collect()))
}

/// There is a value, and it does not begin with this text.
pub fn anything_but_prefix(text: impl Into<String>) -> FilterCondition {
    FilterCondition(Kind::AnythingButPrefix(text.into()))
}

/// The value is a number of this range: `numeric(5.0..)`, `numeric(0.0..=5.0)`, and `numeric(5.0..=5.0)`
/// for one number.
///
/// Text that looks like a number is none. For attributes that means type Number, as which no attribute of
/// Fanline's publisher is sent; it is for bodies, and for attributes of other publishers.
pub fn numeric(range: impl RangeBounds<f64>) -> FilterCondition {
    FilterCondition(Kind::Numeric(
        range.start_bound().cloned(),
        range.end_bound().cloned(),
    ))
}

/// There is a value, whatever it is (but null or an empty text in a body).
pub fn exists() -> FilterCondition {
    FilterCondition(Kind::Exists(true))
}

/// There is no such key. On attributes, the message must have others.
pub fn absent() -> FilterCondition {
    FilterCondition(Kind::Exists(false))
}

impl From<&str> for FilterCondition {
    fn from(text: &str) -> Self {
        exactly(text)
    }
}

impl From<String> for FilterCondition {
    fn from(text: String) -> Self {
        exactly(text)
    }
}

/// A value of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fact<'a> {
    Text(&'a str),
    Number(f64),
    /// true, false or null, of which no condition here is particular.
    Other {
        null: bool,
    },
}

impl<'a> Fact<'a> {
    /// None for what has members: conditions look at leaves alone.
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text)),
            Value::Number(number) => number.as_f64().map(Self::Number),
            Value::Bool(_) => Some(Self::Other { null: false }),
            Value::Null => Some(Self::Other { null: true }),
            Value::Array(_) | Value::Object(_) => None,
        }
    }
}

/// Whether one condition holds for one of the values; there is none if the key is absent.
pub(super) fn any_holds(conditions: &[FilterCondition], facts: &[Fact<'_>]) -> bool {
    conditions.iter().any(|condition| match condition.0 {
        Kind::Exists(false) => facts.is_empty(),
        _ => facts.iter().any(|fact| condition.holds(*fact)),
    })
}

impl FilterCondition {
    fn holds(&self, fact: Fact<'_>) -> bool {
        match (&self.0, fact) {
            (Kind::Exists(true), Fact::Text(text)) => !text.is_empty(),
            (Kind::Exists(true), Fact::Other { null }) => !null,
            (Kind::Exists(wanted), _) => *wanted,
            (Kind::Exactly(expected), Fact::Text(found)) => expected == found,
            (Kind::Prefix(prefix), Fact::Text(found)) => found.starts_with(prefix.as_str()),
            (Kind::Suffix(suffix), Fact::Text(found)) => found.ends_with(suffix.as_str()),
            (Kind::EqualsIgnoreCase(expected), Fact::Text(found)) => {
                expected.to_lowercase() == found.to_lowercase()
            }
            (Kind::AnythingBut(refused), Fact::Text(found)) => {
                !refused.iter().any(|refused| refused == found)
            }
            (Kind::AnythingButPrefix(prefix), Fact::Text(found)) => {
                !found.starts_with(prefix.as_str())
            }
            // No number and no flag is one of the texts that are refused.
            (Kind::AnythingBut(_) | Kind::AnythingButPrefix(_), _) => true,
            (Kind::Numeric(lower, upper), Fact::Number(found)) => (*lower, *upper).contains(&found),
            (_, _) => false,
        }
    }

    /// Whether it could hold for a value that is surely there and surely text.
    pub(super) fn may_hold_for_text(&self) -> bool {
        !matches!(self.0, Kind::Numeric(..) | Kind::Exists(false))
    }

    pub(super) fn texts(&self) -> &[String] {
        match &self.0 {
            Kind::Exactly(text)
            | Kind::Prefix(text)
            | Kind::Suffix(text)
            | Kind::EqualsIgnoreCase(text)
            | Kind::AnythingButPrefix(text) => std::slice::from_ref(text),
            Kind::AnythingBut(texts) => texts,
            Kind::Numeric(..) | Kind::Exists(_) => &[],
        }
    }

    pub(super) fn to_json(&self) -> Value {
        match &self.0 {
            Kind::Exactly(text) => json!(text),
            Kind::Prefix(text) => json!({ "prefix": text }),
            Kind::Suffix(text) => json!({ "suffix": text }),
            Kind::EqualsIgnoreCase(text) => json!({ "equals-ignore-case": text }),
            Kind::AnythingBut(texts) => json!({ "anything-but": texts }),
            Kind::AnythingButPrefix(text) => json!({ "anything-but": { "prefix": text } }),
            Kind::Numeric(lower, upper) => json!({ "numeric": comparisons(*lower, *upper) }),
            Kind::Exists(expected) => json!({ "exists": expected }),
        }
    }
}

/// `["=", 5]`, `[">", 0]` or `[">", 0, "<=", 5]`.
fn comparisons(lower: Bound<f64>, upper: Bound<f64>) -> Vec<Value> {
    if let (Bound::Included(least), Bound::Included(most)) = (lower, upper)
        && least == most
    {
        return vec![json!("="), number(least)];
    }
    let lower = match lower {
        Bound::Included(bound) => Some((">=", bound)),
        Bound::Excluded(bound) => Some((">", bound)),
        Bound::Unbounded => None,
    };
    let upper = match upper {
        Bound::Included(bound) => Some(("<=", bound)),
        Bound::Excluded(bound) => Some(("<", bound)),
        Bound::Unbounded => None,
    };
    let bounds = lower.into_iter().chain(upper);
    bounds
        .flat_map(|(sign, bound)| [json!(sign), number(bound)])
        .collect()
}

/// Whole numbers as a person writes them: 5, not 5.0.
fn number(number: f64) -> Value {
    const EXACT: f64 = 1e15;
    match number.fract() == 0.0 && number.abs() < EXACT {
        true => json!(number as i64),
        false => json!(number),
    }
}
