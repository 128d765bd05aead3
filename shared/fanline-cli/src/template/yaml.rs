//! YAML (and so JSON) text into [`Node`]s, with CloudFormation's short tags written out:
//! `!Ref X` becomes `Ref: X`, `!Sub X` becomes `Fn::Sub: X`, so that the rest knows one form.
//! Everything is bounded, since aliases let a few lines stand for gigabytes.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use super::error::TemplateError;
use super::node::{Entry, Files, Node, Position, Value, is_null};

/// What CloudFormation accepts from S3.
pub(super) const LARGEST_FILE: usize = 1024 * 1024;
const DEEPEST_NESTING: usize = 64;
/// Bytes that copies of anchored nodes may take in all.
const LARGEST_EXPANSION: usize = 8 * 1024 * 1024;

/// Parses the one document of `text`. `None` if it is empty.
pub(super) fn parse(text: &str, file: u16, files: &Files) -> Result<Option<Node>, TemplateError> {
    let mut builder = Builder {
        file,
        files,
        open: Vec::new(),
        root: None,
        anchors: HashMap::new(),
        copied: 0,
    };
    if text.len() > LARGEST_FILE {
        let message = format!(
            "the file has {} bytes; CloudFormation takes no more than {LARGEST_FILE}",
            text.len()
        );
        return Err(builder.syntax_error(1, 1, message));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| builder.scan_error(&error))?;
        builder.take(
            event,
            line_of(span.start.line()),
            column_of(span.start.col()),
        )?;
    }
    Ok(builder.root)
}

/// A collection whose end has not come yet.
struct Open {
    collection: Collection,
    at: Position,
    anchor: usize,
    function: Option<&'static str>,
}

enum Collection {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        seen: HashSet<String>,
        key: Option<(String, Position)>,
    },
}

struct Builder<'f> {
    file: u16,
    files: &'f Files,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    copied: usize,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, line: u32, column: u32) -> Result<(), TemplateError> {
        let at = Position {
            file: self.file,
            line,
        };
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(self.syntax_error(line, column, "a second document starts here; expected one"))
            }
            Event::Scalar(text, style, anchor, tag) => {
                let function = self.function(tag, line, column)?;
                let plain = style == ScalarStyle::Plain;
                let value = if plain && is_null(&text) && function.is_none() {
                    Value::Null
                } else {
                    Value::Scalar {
                        text: text.into_owned(),
                        plain,
                    }
                };
                self.finish(Node { value, at }, function, anchor, line, column)
            }
            Event::SequenceStart(anchor, tag) => {
                self.start(Collection::List(Vec::new()), anchor, tag, line, column)
            }
            Event::MappingStart(anchor, tag) => {
                let map = Collection::Map {
                    entries: Vec::new(),
                    seen: HashSet::new(),
                    key: None,
                };
                self.start(map, anchor, tag, line, column)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else {
                    return Ok(());
                };
                let value = match open.collection {
                    Collection::List(items) => Value::List(items),
                    Collection::Map { entries, .. } => Value::Map(entries),
                };
                let node = Node { value, at: open.at };
                self.finish(node, open.function, open.anchor, line, column)
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(self.syntax_error(
                        line,
                        column,
                        "the alias stands inside its own anchor",
                    ));
                };
                let mut node = node.clone();
                node.at = at;
                self.charge(&node, line, column)?;
                self.place(node, line, column)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn start(
        &mut self,
        collection: Collection,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
        line: u32,
        column: u32,
    ) -> Result<(), TemplateError> {
        if self.open.len() >= DEEPEST_NESTING {
            let message = format!("nested deeper than {DEEPEST_NESTING} levels");
            return Err(self.syntax_error(line, column, message));
        }
        let function = self.function(tag, line, column)?;
        let at = Position {
            file: self.file,
            line,
        };
        self.open.push(Open {
            collection,
            at,
            anchor,
            function,
        });
        Ok(())
    }

    fn finish(
        &mut self,
        node: Node,
        function: Option<&'static str>,
        anchor: usize,
        line: u32,
        column: u32,
    ) -> Result<(), TemplateError> {
        let at = node.at;
        let node = match function {
            Some(name) => Node::map(
                vec![Entry {
                    key: name.to_owned(),
                    at,
                    node,
                }],
                at,
            ),
            None => node,
        };
        if anchor != 0 {
            self.charge(&node, line, column)?;
            self.anchors.insert(anchor, node.clone());
        }
        self.place(node, line, column)
    }

    /// Puts a finished node where it belongs: as the root, an item, a key or a key's value.
    fn place(&mut self, node: Node, line: u32, column: u32) -> Result<(), TemplateError> {
        let problem = match self.open.last_mut().map(|open| &mut open.collection) {
            None => {
                self.root = Some(node);
                return Ok(());
            }
            Some(Collection::List(items)) => {
                items.push(node);
                return Ok(());
            }
            Some(Collection::Map { entries, seen, key }) => match key.take() {
                Some((key, at)) => {
                    entries.push(Entry { key, at, node });
                    return Ok(());
                }
                None => match node.value {
                    Value::Scalar { text, .. } if seen.insert(text.clone()) => {
                        *key = Some((text, node.at));
                        return Ok(());
                    }
                    Value::Scalar { text, .. } => {
                        let first = entries.iter().find(|entry| entry.key == text);
                        let line = first.map_or(0, |entry| entry.at.line);
                        format!("key '{text}' stands twice in one map, first in line {line}")
                    }
                    _ => format!("a key is {}; expected text", node.description()),
                },
            },
        };
        Err(self.syntax_error(line, column, problem))
    }

    fn charge(&mut self, node: &Node, line: u32, column: u32) -> Result<(), TemplateError> {
        self.copied = self.copied.saturating_add(size(node));
        if self.copied > LARGEST_EXPANSION {
            let message = format!("anchors and aliases expand to over {LARGEST_EXPANSION} bytes");
            return Err(self.syntax_error(line, column, message));
        }
        Ok(())
    }

    fn function(
        &self,
        tag: Option<Cow<'_, Tag>>,
        line: u32,
        column: u32,
    ) -> Result<Option<&'static str>, TemplateError> {
        let Some(tag) = tag else { return Ok(None) };
        if tag.is_yaml_core_schema() {
            return Ok(None);
        }
        if tag.handle == "!"
            && let Some((_, long)) = SHORT_TAGS.iter().find(|(short, _)| *short == tag.suffix)
        {
            return Ok(Some(long));
        }
        let hint = crate::suggest::hint(&tag.suffix, SHORT_TAGS.iter().map(|(short, _)| *short));
        let message = format!("tag '{tag}' is no function of CloudFormation{hint}");
        Err(self.syntax_error(line, column, message))
    }

    fn scan_error(&self, error: &ScanError) -> TemplateError {
        let (line, column) = (
            line_of(error.marker().line()),
            column_of(error.marker().col()),
        );
        self.syntax_error(line, column, format!("not valid YAML: {}", error.info()))
    }

    fn syntax_error(&self, line: u32, column: u32, message: impl Into<String>) -> TemplateError {
        let place = self.files.place(Position {
            file: self.file,
            line,
        });
        TemplateError::at_column(place, column, message)
    }
}

/// `!GetAtt` and the like; `Condition` is the only one whose long form has no prefix but `Ref`.
const SHORT_TAGS: [(&str, &str); 20] = [
    ("Ref", "Ref"),
    ("Condition", "Condition"),
    ("Sub", "Fn::Sub"),
    ("GetAtt", "Fn::GetAtt"),
    ("Join", "Fn::Join"),
    ("If", "Fn::If"),
    ("Equals", "Fn::Equals"),
    ("Not", "Fn::Not"),
    ("And", "Fn::And"),
    ("Or", "Fn::Or"),
    ("Select", "Fn::Select"),
    ("Split", "Fn::Split"),
    ("FindInMap", "Fn::FindInMap"),
    ("ImportValue", "Fn::ImportValue"),
    ("Base64", "Fn::Base64"),
    ("Cidr", "Fn::Cidr"),
    ("GetAZs", "Fn::GetAZs"),
    ("Transform", "Fn::Transform"),
    ("ToJsonString", "Fn::ToJsonString"),
    ("Length", "Fn::Length"),
];

/// Roughly the bytes a node takes in memory.
pub(super) fn size(node: &Node) -> usize {
    const PER_NODE: usize = 64;
    PER_NODE
        + match &node.value {
            Value::Null => 0,
            Value::Scalar { text, .. } => text.len(),
            Value::List(items) => items.iter().map(size).sum(),
            Value::Map(entries) => entries
                .iter()
                .map(|entry| PER_NODE + entry.key.len() + size(&entry.node))
                .sum(),
        }
}

fn line_of(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX).max(1)
}

/// The parser counts columns from 0.
fn column_of(column: usize) -> u32 {
    u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1)
}
