//! A YAML or JSON value that knows where it was written.
//! Scalars keep their text as written and get a type only when one is asked for: an account id
//! `012345678901` read as a number would lose its zero.

use serde_json::{Map, Number, Value as Json};

use super::error::Place;

/// Where a node starts; `file` is an index into [`Files`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Position {
    pub(super) file: u16,
    pub(super) line: u32,
}

/// The names of the files that positions point into.
#[derive(Debug, Default)]
pub(super) struct Files(Vec<String>);

impl Files {
    pub(super) fn add(&mut self, name: &str) -> u16 {
        self.0.push(name.to_owned());
        u16::try_from(self.0.len() - 1).unwrap_or(u16::MAX)
    }

    pub(super) fn place(&self, at: Position) -> Place {
        let file = self
            .0
            .get(usize::from(at.file))
            .cloned()
            .unwrap_or_default();
        Place {
            file,
            line: at.line,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) at: Position,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    /// `plain` is a scalar without quotes, which may also be read as a number or a boolean.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: Position,
    pub(super) node: Node,
}

impl Node {
    pub(super) fn text(text: impl Into<String>, at: Position) -> Self {
        Self {
            value: Value::Scalar {
                text: text.into(),
                plain: false,
            },
            at,
        }
    }

    pub(super) fn list(items: Vec<Node>, at: Position) -> Self {
        Self {
            value: Value::List(items),
            at,
        }
    }

    pub(super) fn map(entries: Vec<Entry>, at: Position) -> Self {
        Self {
            value: Value::Map(entries),
            at,
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// A scalar's text; of the ways to write a boolean CloudFormation keeps one.
    pub(super) fn to_text(&self) -> Option<String> {
        match &self.value {
            Value::Scalar { text, plain } => Some(match boolean(text).filter(|_| *plain) {
                Some(value) => value.to_string(),
                None => text.clone(),
            }),
            _ => None,
        }
    }

    pub(super) fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.value, Value::Map(_))
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.node)
    }

    /// The function and its argument if this node calls an intrinsic function.
    pub(super) fn as_call(&self) -> Option<(&str, &Node)> {
        match self.entries() {
            [entry] if entry.key == "Ref" || entry.key.starts_with("Fn::") => {
                Some((&entry.key, &entry.node))
            }
            _ => None,
        }
    }

    /// For messages: what was found.
    pub(super) fn description(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Scalar { text, .. } => format!("'{}'", shortened(text)),
            Value::List(items) => format!("a list of {}", items.len()),
            Value::Map(_) => "a map".to_owned(),
        }
    }

    /// Numbers and booleans without quotes become JSON's own, as CloudFormation makes them.
    pub(super) fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Scalar { text, plain: false } => Json::String(text.clone()),
            Value::Scalar { text, plain: true } => boolean(text)
                .map(Json::Bool)
                .or_else(|| number(text).map(Json::Number))
                .unwrap_or_else(|| Json::String(text.clone())),
            Value::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Map(entries) => Json::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.node.to_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }
}

/// YAML 1.1's booleans (CloudFormation reads 1.1), without its single letters, as SAM's reader has it.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    unsigned
        .parse::<i64>()
        .ok()
        .map(Number::from)
        .or_else(|| unsigned.parse::<u64>().ok().map(Number::from))
        .or_else(|| unsigned.parse::<f64>().ok().and_then(Number::from_f64))
}

/// Long values are cut in messages, which are one line.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN_CHARACTERS: usize = 60;
    let line: String = text
        .chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .take(SHOWN_CHARACTERS)
        .collect();
    if text.chars().nth(SHOWN_CHARACTERS).is_some() {
        format!("{line}...")
    } else {
        line
    }
}
