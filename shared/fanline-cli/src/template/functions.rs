//! The intrinsic functions that only compute: joining, selecting, looking up.
//! `Fn::If` evaluates the branch that is taken and no other, as CloudFormation does.

use std::net::Ipv4Addr;

use base64::Engine as _;

use super::error::TemplateError;
use super::evaluate::{Evaluated, Evaluator};
use super::node::{Node, Position, Value};
use super::path::Path;
use crate::suggest;

const FUNCTIONS: [&str; 14] = [
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::FindInMap",
    "Fn::GetAZs",
    "Fn::GetAtt",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Length",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
    "Fn::ToJsonString",
    "Fn::Equals",
];

impl Evaluator<'_> {
    pub(super) fn call(
        &self,
        function: &str,
        argument: &Node,
        at: Position,
        path: Path<'_>,
    ) -> Evaluated {
        let arguments = argument.as_list().unwrap_or_default();
        let wrong = |expected: &str| {
            let message = format!(
                "{function} in {path} is given {}; expected {expected}",
                argument.description()
            );
            Err(self.error(at, message))
        };
        match function {
            "Fn::If" => match arguments {
                [condition, yes, no] => {
                    let Some(name) = condition.as_text() else {
                        return wrong("[condition, value, value]");
                    };
                    let taken = if self.condition(name, at, path)? {
                        yes
                    } else {
                        no
                    };
                    self.evaluate(taken, path)
                }
                _ => wrong("[condition, value, value]"),
            },
            "Fn::Join" => match arguments {
                [separator, parts] => {
                    let separator = self.text_of(function, separator, path)?;
                    let parts = self.texts_of(function, parts, path)?;
                    let length: usize = parts.iter().map(|part| part.len() + separator.len()).sum();
                    self.charge(length / 16, at)?;
                    self.computed(parts.join(&separator), at)
                }
                _ => wrong("[separator, [parts]]"),
            },
            "Fn::Select" => match arguments {
                [index, items] => {
                    let index = self.text_of(function, index, path)?;
                    let Some(items) = self.evaluate(items, path)? else {
                        return wrong("[index, [items]]");
                    };
                    let Value::List(mut list) = items.value else {
                        return wrong("[index, [items]]");
                    };
                    match index.parse::<usize>() {
                        Ok(index) if index < list.len() => Ok(Some(list.swap_remove(index))),
                        _ => {
                            let message = format!(
                                "Fn::Select in {path}: no item '{index}' in a list of {}",
                                list.len()
                            );
                            Err(self.error(at, message))
                        }
                    }
                }
                _ => wrong("[index, [items]]"),
            },
            "Fn::Split" => match arguments {
                [separator, text] => {
                    let separator = self.text_of(function, separator, path)?;
                    let text = self.text_of(function, text, path)?;
                    if separator.is_empty() {
                        return wrong("a separator that is not empty");
                    }
                    let parts: Vec<Node> = text
                        .split(&*separator)
                        .map(|part| Node::text(part, at))
                        .collect();
                    self.charge(parts.len(), at)?;
                    Ok(Some(Node::list(parts, at)))
                }
                _ => wrong("[separator, text]"),
            },
            "Fn::FindInMap" => match arguments {
                [map, first, second] => self.find_in_map([map, first, second], None, at, path),
                [map, first, second, options] => {
                    self.find_in_map([map, first, second], options.get("DefaultValue"), at, path)
                }
                _ => wrong("[map, key, key]"),
            },
            "Fn::Base64" => {
                let text = self.text_of(function, argument, path)?;
                self.computed(base64::engine::general_purpose::STANDARD.encode(text), at)
            }
            "Fn::GetAZs" => {
                let region = self.text_of(function, argument, path)?;
                let region = if region.is_empty() {
                    &self.environment.region
                } else {
                    &region
                };
                let zones = ["a", "b", "c"].map(|zone| Node::text(format!("{region}{zone}"), at));
                Ok(Some(Node::list(zones.into(), at)))
            }
            "Fn::Cidr" => self.cidr(arguments, at, path),
            "Fn::ToJsonString" => match self.evaluate(argument, path)? {
                Some(node) => self.computed(node.to_json().to_string(), at),
                None => wrong("a map or a list"),
            },
            "Fn::Length" => match self.evaluate(argument, path)?.map(|node| node.value) {
                Some(Value::List(items)) => Ok(Some(Node {
                    value: Value::Scalar {
                        text: items.len().to_string(),
                        plain: true,
                    },
                    at,
                })),
                _ => wrong("a list"),
            },
            "Fn::ImportValue" => {
                let message = format!(
                    "Fn::ImportValue in {path}: values of other stacks are not known here; make it a parameter"
                );
                Err(self.only_on_aws(at, message))
            }
            "Fn::Transform" => {
                let message = format!("Fn::Transform in {path} is not interpreted");
                Err(self.only_on_aws(at, message))
            }
            _ => {
                let hint = suggest::hint(function, FUNCTIONS);
                Err(self.error(
                    at,
                    format!(
                        "{function} in {path} is no function of CloudFormation for a value{hint}"
                    ),
                ))
            }
        }
    }

    fn find_in_map(
        &self,
        names: [&Node; 3],
        default: Option<&Node>,
        at: Position,
        path: Path<'_>,
    ) -> Evaluated {
        let mut found = self.document.mappings.as_ref();
        let mut trail = String::from("Mappings");
        for name in names {
            let name = self.text_of("Fn::FindInMap", name, path)?;
            let Some(map) = found else { break };
            self.charge(map.entries().len() / 16, at)?;
            let inner = map.get(&name);
            if inner.is_none() && default.is_none() {
                let hint = suggest::hint(&name, map.entries().iter().map(|entry| &*entry.key));
                let message = format!("Fn::FindInMap in {path}: no '{name}' in {trail}{hint}");
                return Err(self.error(at, message));
            }
            trail = format!("{trail}/{name}");
            found = inner;
        }
        match found.or(default) {
            Some(node) => self.evaluate(node, path),
            None => Err(self.error(
                at,
                format!("Fn::FindInMap in {path}: the template has no Mappings"),
            )),
        }
    }

    /// IPv4 only; nothing that runs here has an address in a subnet.
    fn cidr(&self, arguments: &[Node], at: Position, path: Path<'_>) -> Evaluated {
        let mut texts = Vec::new();
        for argument in arguments.iter().take(3) {
            texts.push(self.text_of("Fn::Cidr", argument, path)?);
        }
        let blocks = texts.first().zip(texts.get(1)).and_then(|(block, count)| {
            let (address, length) = block.split_once('/')?;
            let address = u64::from(u32::from(address.parse::<Ipv4Addr>().ok()?));
            let length: u32 = length.parse().ok().filter(|length| *length <= 32)?;
            let count: u64 = count
                .parse()
                .ok()
                .filter(|count| (1..=256).contains(count))?;
            let bits: u32 = texts.get(2).map_or(Some(8), |bits| bits.parse().ok())?;
            if bits > 32 - length {
                return None;
            }
            let (start, step) = (address >> (32 - length) << (32 - length), 1_u64 << bits);
            if step * count > 1 << (32 - length) {
                return None;
            }
            let block = |index: u64| {
                let address = Ipv4Addr::from(u32::try_from(start + index * step).ok()?);
                Some(Node::text(format!("{address}/{}", 32 - bits), at))
            };
            (0..count).map(block).collect::<Option<Vec<_>>>()
        });
        match blocks {
            Some(blocks) => Ok(Some(Node::list(blocks, at))),
            None => {
                let message = format!(
                    "Fn::Cidr in {path}: expected [IPv4 block, count up to 256, bits] with room for them"
                );
                Err(self.error(at, message))
            }
        }
    }

    fn text_of(
        &self,
        function: &str,
        node: &Node,
        path: Path<'_>,
    ) -> Result<String, TemplateError> {
        match self.evaluate(node, path)? {
            Some(Node {
                value: Value::Scalar { text, .. },
                ..
            }) => Ok(text),
            Some(Node {
                value: Value::Null, ..
            }) => Ok(String::new()),
            other => {
                let found = other.map_or_else(|| "nothing".to_owned(), |node| node.description());
                let message = format!("{function} in {path} is given {found}; expected text");
                Err(self.error(node.at, message))
            }
        }
    }

    fn texts_of(
        &self,
        function: &str,
        node: &Node,
        path: Path<'_>,
    ) -> Result<Vec<String>, TemplateError> {
        match self.evaluate(node, path)? {
            Some(Node {
                value: Value::List(items),
                ..
            }) => items
                .iter()
                .map(|item| self.text_of(function, item, path))
                .collect(),
            other => {
                let found = other.map_or_else(|| "nothing".to_owned(), |node| node.description());
                let message = format!("{function} in {path} is given {found}; expected a list");
                Err(self.error(node.at, message))
            }
        }
    }
}
