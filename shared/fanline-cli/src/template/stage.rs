//! Reads `samconfig.yaml`, SAM CLI's options per environment, so that a local run takes the same
//! parameters as a deployment. An environment takes nothing from another: `default` is only one
//! more name.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::error::TemplateError;
use super::node::{Files, Node, Position, Value, shortened};
use super::yaml;

/// What a stage file says about one environment; empty where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stage {
    /// `stack_name`.
    pub stack_name: Option<String>,
    /// `region`.
    pub region: Option<String>,
    /// `parameter_overrides`.
    pub parameters: BTreeMap<String, String>,
}

/// Reads the environment `name` from the file at `path`. No such file: an empty stage.
///
/// # Errors
/// A file that cannot be read or understood.
pub fn load(path: &Path, name: &str) -> Result<Stage, TemplateError> {
    match std::fs::read_to_string(path) {
        Ok(text) => read(&text, &path.display().to_string(), name),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Stage::default()),
        Err(error) => Err(TemplateError::without_place(format!(
            "cannot read {}: {error}",
            path.display()
        ))),
    }
}

/// As [`load`], for text that is at hand; `file` is what messages call it.
///
/// # Errors
/// As [`load`].
pub fn read(text: &str, file: &str, name: &str) -> Result<Stage, TemplateError> {
    let mut files = Files::default();
    let index = files.add(file);
    let error = |at: Position, message: String| Err(TemplateError::at(files.place(at), message));
    let Some(root) = yaml::parse(text, index, &files)? else {
        return Ok(Stage::default());
    };
    if !root.is_map() {
        let message = format!(
            "a stage file is a map of environments; found {}",
            root.description()
        );
        return error(root.at, message);
    }
    let mut stage = Stage::default();
    // What holds for all commands first, so that what is said for deploy wins.
    for command in ["global", "deploy"] {
        let mut path = name.to_owned();
        let mut node = root.get(name);
        for key in [command, "parameters"] {
            node = match node {
                Some(parent) if parent.is_map() => parent.get(key),
                Some(Node {
                    value: Value::Null, ..
                })
                | None => None,
                Some(parent) => {
                    return error(
                        parent.at,
                        format!("{path} is {}; expected a map", parent.description()),
                    );
                }
            };
            path = format!("{path}/{key}");
        }
        if let Some(parent) = node.filter(|node| !node.is_map() && node.value != Value::Null) {
            return error(
                parent.at,
                format!("{path} is {}; expected a map", parent.description()),
            );
        }
        for entry in node.map(Node::entries).unwrap_or_default() {
            let path = format!("{path}/{}", entry.key);
            let text = |node: &Node| match node.as_text() {
                Some(text) => Ok(text.to_owned()),
                None => Err(TemplateError::at(
                    files.place(node.at),
                    format!("{path} is {}; expected text", node.description()),
                )),
            };
            match &*entry.key {
                "stack_name" => stage.stack_name = Some(text(&entry.node)?),
                "region" => stage.region = Some(text(&entry.node)?),
                "parameter_overrides" => {
                    stage.parameters = match &entry.node.value {
                        Value::Null => BTreeMap::new(),
                        Value::Map(entries) => entries
                            .iter()
                            .map(|entry| Ok((entry.key.clone(), text(&entry.node)?)))
                            .collect::<Result<_, _>>()?,
                        Value::Scalar { .. } | Value::List(_) => {
                            let items = entry
                                .node
                                .as_list()
                                .unwrap_or(std::slice::from_ref(&entry.node));
                            let mut parameters = BTreeMap::new();
                            for item in items {
                                let pairs = overrides(&text(item)?).map_err(|problem| {
                                    TemplateError::at(
                                        files.place(item.at),
                                        format!("{path}: {problem}"),
                                    )
                                })?;
                                parameters.extend(pairs);
                            }
                            parameters
                        }
                    };
                }
                _ => {}
            }
        }
    }
    Ok(stage)
}

/// `A=B C="d e"`, or CloudFormation's older `ParameterKey=A,ParameterValue=B`.
///
/// # Errors
/// What is no pair, in words.
pub fn overrides(text: &str) -> Result<Vec<(String, String)>, String> {
    words(text)?
        .into_iter()
        .map(|word| {
            let long = word
                .strip_prefix("ParameterKey=")
                .and_then(|rest| rest.split_once(",ParameterValue="));
            match long.or_else(|| word.split_once('=')) {
                Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
                _ => Err(format!(
                    "'{}' is no parameter; expected Name=Value",
                    shortened(&word)
                )),
            }
        })
        .collect()
}

/// Splits at blanks outside quotes; quotes go, a backslash keeps the next quote or backslash.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (Some(open), letter) if letter == open => quote = None,
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, '\\') => {
                let kept = letters.next_if(|next| matches!(next, '"' | '\'' | '\\'));
                word.get_or_insert_default().push(kept.unwrap_or('\\'));
            }
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    if let Some(quote) = quote {
        return Err(format!(
            "'{}' has a {quote} that is not closed",
            shortened(text)
        ));
    }
    words.extend(word);
    Ok(words)
}
