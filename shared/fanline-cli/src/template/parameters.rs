//! The template's parameters with their values: given ones over defaults, checked as
//! CloudFormation checks them. A value is text or a list of texts, whatever the declared type.

use std::collections::BTreeMap;

use regex::{Regex, RegexBuilder};

use super::error::{Finding, TemplateError};
use super::node::{Entry, Files, Node, Value, shortened};
use crate::suggest;

/// CloudFormation's limit.
const LONGEST_VALUE: usize = 4096;
/// Bytes a compiled pattern may take; repetitions of repetitions would take any number.
const LARGEST_PATTERN: usize = 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ParameterValue {
    Text(String),
    List(Vec<String>),
    /// The name of an SSM parameter, whose value only AWS has.
    InParameterStore(String),
}

/// Values by name; errors and findings go where they are told.
pub(super) fn resolve(
    declared: &[Entry],
    given: &BTreeMap<String, String>,
    files: &Files,
    errors: &mut Vec<TemplateError>,
    findings: &mut Vec<Finding>,
) -> BTreeMap<String, ParameterValue> {
    let mut values = BTreeMap::new();
    for entry in declared {
        match value_of(entry, given.get(&entry.key), files, findings) {
            Ok(value) => {
                values.insert(entry.key.clone(), value);
            }
            Err(error) => errors.push(error),
        }
    }
    for name in given
        .keys()
        .filter(|name| !declared.iter().any(|entry| entry.key == **name))
    {
        let at = declared.first().map(|entry| entry.at).unwrap_or_default();
        let hint = suggest::hint(name, declared.iter().map(|entry| &*entry.key));
        let message = format!(
            "a value is given for parameter '{name}', which the template does not have{hint}"
        );
        let mut place = files.place(at);
        place.line = place.line.max(1);
        findings.push(Finding { place, message });
    }
    values
}

fn value_of(
    entry: &Entry,
    given: Option<&String>,
    files: &Files,
    findings: &mut Vec<Finding>,
) -> Result<ParameterValue, TemplateError> {
    let name = &entry.key;
    let place = || files.place(entry.at);
    let text_of = |key: &str| entry.node.get(key).and_then(Node::as_text);
    let Some(kind) = text_of("Type") else {
        return Err(TemplateError::at(
            place(),
            format!("parameter '{name}' has no Type, such as 'String'"),
        ));
    };
    let default = match entry.node.get("Default") {
        // An empty default (`Default:` or `Default: ~`) means the empty text.
        Some(Node {
            value: Value::Null, ..
        }) => Some(String::new()),
        Some(node) => Some(node.to_text().ok_or_else(|| {
            let found = node.description();
            let message = format!("Default of parameter '{name}' is {found}; expected text");
            TemplateError::at(place(), message)
        })?),
        None => None,
    };
    let Some(value) = given.cloned().or(default) else {
        let message = format!("parameter '{name}' has neither a value nor a Default; give it one");
        return Err(TemplateError::at(place(), message));
    };
    if value.len() > LONGEST_VALUE {
        let message = format!(
            "the value of parameter '{name}' has {} bytes; allowed are {LONGEST_VALUE}",
            value.len()
        );
        return Err(TemplateError::at(place(), message));
    }
    if kind.starts_with("AWS::SSM::Parameter::Value") && given.is_none() {
        return Ok(ParameterValue::InParameterStore(value));
    }
    let is_list = kind == "CommaDelimitedList" || kind.contains("List<");
    let items: Vec<&str> = match is_list {
        true if value.is_empty() => Vec::new(),
        true => value.split(',').map(str::trim).collect(),
        false => vec![&value],
    };
    let is_number = matches!(kind, "Number" | "List<Number>");
    let pattern = pattern(entry, files, findings);
    for item in &items {
        check(&entry.node, item, is_number, pattern.as_ref()).map_err(|problem| {
            let message = format!("parameter '{name}' is '{}'; {problem}", shortened(item));
            TemplateError::at(place(), message)
        })?;
    }
    Ok(match is_list {
        true => ParameterValue::List(items.into_iter().map(str::to_owned).collect()),
        false => ParameterValue::Text(value),
    })
}

/// Java's patterns know more (look-around) than ones that always match in linear time.
fn pattern(entry: &Entry, files: &Files, findings: &mut Vec<Finding>) -> Option<Regex> {
    let pattern = entry.node.get("AllowedPattern").and_then(Node::as_text)?;
    let whole = format!("^(?:{pattern})$");
    let regex = RegexBuilder::new(&whole)
        .size_limit(LARGEST_PATTERN)
        .build()
        .ok();
    if regex.is_none() {
        let place = files.place(entry.at);
        let name = &entry.key;
        let message =
            format!("AllowedPattern of parameter '{name}' cannot be read here; not checked");
        findings.push(Finding { place, message });
    }
    regex
}

/// What is wrong with one value, to follow "parameter 'X' is 'v'; ".
fn check(
    declaration: &Node,
    value: &str,
    is_number: bool,
    pattern: Option<&Regex>,
) -> Result<(), String> {
    let text_of = |key: &str| declaration.get(key).and_then(Node::as_text);
    let bound = |key: &str| text_of(key)?.parse::<f64>().ok();
    if let Some(allowed) = declaration.get("AllowedValues").and_then(Node::as_list)
        && !allowed
            .iter()
            .any(|node| node.to_text().as_deref() == Some(value))
    {
        let listed: Vec<String> = allowed.iter().take(20).filter_map(Node::to_text).collect();
        let hint = suggest::hint(value, listed.iter().map(String::as_str));
        return Err(format!("allowed are {}{hint}", listed.join(", ")));
    }
    if is_number {
        let number = value
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite());
        let number = number.ok_or("expected a number")?;
        if let Some(least) = bound("MinValue").filter(|least| number < *least) {
            return Err(format!("the least allowed is {least}"));
        }
        if let Some(most) = bound("MaxValue").filter(|most| number > *most) {
            return Err(format!("the most allowed is {most}"));
        }
        return Ok(());
    }
    let length = value.chars().count() as f64;
    if let Some(least) = bound("MinLength").filter(|least| length < *least) {
        return Err(format!("it needs at least {least} characters"));
    }
    if let Some(most) = bound("MaxLength").filter(|most| length > *most) {
        return Err(format!("it may have at most {most} characters"));
    }
    if pattern.is_some_and(|pattern| !pattern.is_match(value)) {
        let pattern = text_of("AllowedPattern").unwrap_or_default();
        let because = text_of("ConstraintDescription").map(|text| format!(": {text}"));
        return Err(format!(
            "it does not match AllowedPattern {pattern}{}",
            because.unwrap_or_default()
        ));
    }
    Ok(())
}
