//! The template's parameters with their values: given ones over defaults, checked as
//! CloudFormation checks them. A value is text or a list of texts, whatever the declared type.

use std::collections::BTreeMap;

use regex::RegexBuilder;

use super::error::{Finding, TemplateError};
use super::node::{Entry, Files, Node, shortened};
use super::suggest;

/// CloudFormation's limit.
const LONGEST_VALUE: usize = 4096;

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
        Some(node) if node.description() == "nothing" => Some(""),
        Some(node) => Some(node.as_text().ok_or_else(|| {
            let message = format!(
                "Default of parameter '{name}' is {}; expected text",
                node.description()
            );
            TemplateError::at(place(), message)
        })?),
        None => None,
    };
    let Some(value) = given.map(String::as_str).or(default) else {
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
        return Ok(ParameterValue::InParameterStore(value.to_owned()));
    }
    let is_list = kind == "CommaDelimitedList" || kind.contains("List<");
    let items: Vec<&str> = match is_list {
        true if value.is_empty() => Vec::new(),
        true => value.split(',').map(str::trim).collect(),
        false => vec![value],
    };
    let is_number = matches!(kind, "Number" | "List<Number>");
    for item in &items {
        check(entry, item, is_number, files, findings).map_err(|problem| {
            TemplateError::at(
                place(),
                format!("parameter '{name}' is '{}'; {problem}", shortened(item)),
            )
        })?;
    }
    Ok(match is_list {
        true => ParameterValue::List(items.into_iter().map(str::to_owned).collect()),
        false => ParameterValue::Text(value.to_owned()),
    })
}

/// What is wrong with one value, to follow "parameter 'X' is 'v'; ".
fn check(
    entry: &Entry,
    value: &str,
    is_number: bool,
    files: &Files,
    findings: &mut Vec<Finding>,
) -> Result<(), String> {
    let bound = |key: &str| {
        entry
            .node
            .get(key)
            .and_then(Node::as_text)?
            .parse::<f64>()
            .ok()
    };
    if let Some(allowed) = entry.node.get("AllowedValues").and_then(Node::as_list)
        && !allowed.iter().any(|node| node.as_text() == Some(value))
    {
        let listed: Vec<&str> = allowed.iter().take(20).filter_map(Node::as_text).collect();
        let hint = suggest::hint(value, listed.iter().copied());
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
    let Some(pattern) = entry.node.get("AllowedPattern").and_then(Node::as_text) else {
        return Ok(());
    };
    match RegexBuilder::new(&format!("^(?:{pattern})$"))
        .size_limit(1024 * 1024)
        .build()
    {
        Ok(regex) if regex.is_match(value) => Ok(()),
        Ok(_) => {
            let constraint = entry
                .node
                .get("ConstraintDescription")
                .and_then(Node::as_text);
            let because = constraint
                .map(|text| format!(": {text}"))
                .unwrap_or_default();
            Err(format!(
                "it does not match AllowedPattern {pattern}{because}"
            ))
        }
        Err(_) => {
            // Java's patterns know more (look-around) than ones that always match in linear time.
            let place = files.place(entry.at);
            let message = format!(
                "AllowedPattern of parameter '{}' cannot be read here; not checked",
                entry.key
            );
            findings.push(Finding { place, message });
            Ok(())
        }
    }
}
