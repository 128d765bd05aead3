//! What SNS refuses in a filter policy, found before it is deployed.
//!
//! AWS counts keys in two ways, as its page changed: all that have conditions, or those at the top. The
//! stricter one, all, is what holds under both.

use std::ops::Bound;

use super::{FilterCondition, FilterPolicy, FilterPolicyScope, Key, condition::Kind};

/// "A filter policy can have a maximum of five keys."
const MOST_KEYS: usize = 5;

/// "The total combination of values must not exceed 150": of the conditions of all keys multiplied,
/// each key's times its depth if it is nested.
const MOST_COMBINATIONS: usize = 150;

const LARGEST_BYTES: usize = 256 * 1024;

/// Numbers are compared within -10^9 and 10^9, with five digits after the point.
const LARGEST_NUMBER: f64 = 1e9;
const MOST_DECIMALS: usize = 5;

impl FilterPolicy {
    /// One sentence for each reason for which SNS would refuse it.
    pub(super) fn refusals(&self) -> Vec<String> {
        let problems = self.keys_refused().into_iter().chain(self.size_refused());
        problems
            .map(|problem| format!("filter policy: {problem}"))
            .collect()
    }

    fn keys_refused(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (index, key) in self.keys.iter().enumerate() {
            let path = self.path(key);
            let mut earlier = self.keys[..index].iter();
            if let Some(other) = earlier.find(|other| collide(&self.path(other), &path)) {
                problems.push(format!(
                    "key {:?} stands where {:?} does; give all conditions of a key at once",
                    key.name, other.name
                ));
            }
            let is_nested_name = self.scope == FilterPolicyScope::MessageBody;
            if key.name.is_empty() || is_nested_name && path.iter().any(|name| name.is_empty()) {
                problems.push(format!("key {:?} has an empty name", key.name));
            }
            if key.conditions.is_empty() {
                problems.push(format!(
                    "key {:?} has no condition, so nothing could meet it; `exists()` lets every value through",
                    key.name
                ));
            }
            let conditions = key.conditions.iter();
            let wrong = conditions.filter_map(|condition| wrong(self.scope, condition));
            problems.extend(wrong.map(|problem| format!("key {:?}: {problem}", key.name)));
        }
        problems
    }

    fn size_refused(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.keys.len() > MOST_KEYS {
            problems.push(format!(
                "it has {} keys, SNS takes {MOST_KEYS}",
                self.keys.len()
            ));
        }
        let combinations = self.keys.iter().map(|key| self.weight(key));
        let combinations = combinations.fold(1, usize::saturating_mul);
        if combinations > MOST_COMBINATIONS {
            problems.push(format!(
                "its conditions make {combinations} combinations, SNS takes {MOST_COMBINATIONS}; `prefix` can stand for many texts"
            ));
        }
        let bytes = self.to_json().to_string().len();
        if bytes > LARGEST_BYTES {
            problems.push(format!("it has {bytes} bytes, SNS takes {LARGEST_BYTES}"));
        }
        problems
    }

    fn weight(&self, key: &Key) -> usize {
        key.conditions.len().saturating_mul(self.path(key).len())
    }
}

/// Whether two keys are one, or one would have both conditions and keys of its own.
fn collide(one: &[&str], other: &[&str]) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

fn wrong(scope: FilterPolicyScope, condition: &FilterCondition) -> Option<String> {
    let mut texts = condition.texts().iter();
    let is_on_attributes = scope == FilterPolicyScope::MessageAttributes;
    if is_on_attributes && texts.any(|text| text.contains(['"', '\\'])) {
        return Some("a text has a quotation mark or a backslash, which SNS compares with attributes only if it is escaped twice; that is not done here".to_owned());
    }
    match &condition.0 {
        Kind::Prefix(text)
        | Kind::Suffix(text)
        | Kind::EqualsIgnoreCase(text)
        | Kind::AnythingButPrefix(text)
            if text.is_empty() =>
        {
            Some("an operator is given an empty text".to_owned())
        }
        Kind::AnythingBut(texts) if texts.is_empty() => {
            Some("anything-but is given no text".to_owned())
        }
        Kind::Numeric(Bound::Unbounded, Bound::Unbounded) => {
            Some("a numeric range has no bound; `exists()` lets every value through".to_owned())
        }
        Kind::Numeric(lower, upper) => {
            let (least, most) = (value(lower), value(upper));
            let mut bounds = [least, most].into_iter().flatten();
            bounds.find_map(wrong_number).or_else(|| {
                let (least, most) = (least?, most?);
                let one = matches!((lower, upper), (Bound::Included(_), Bound::Included(_)));
                let holds_something = least < most || one && least == most;
                (!holds_something).then(|| format!("no number is between {least} and {most}"))
            })
        }
        _ => None,
    }
}

fn value(bound: &Bound<f64>) -> Option<f64> {
    match bound {
        Bound::Included(number) | Bound::Excluded(number) => Some(*number),
        Bound::Unbounded => None,
    }
}

fn wrong_number(number: f64) -> Option<String> {
    // NaN is not within either.
    if !(-LARGEST_NUMBER..=LARGEST_NUMBER).contains(&number) {
        return Some(format!("{number} is not within -10^9 and 10^9"));
    }
    let text = number.to_string();
    let decimals = text
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len());
    (decimals > MOST_DECIMALS).then(|| {
        format!("{number} has {decimals} digits after the point, SNS compares {MOST_DECIMALS}")
    })
}
