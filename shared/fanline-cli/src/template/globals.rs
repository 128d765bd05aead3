//! SAM's `Globals`, merged into each function and simple table as SAM does it: maps key by key,
//! lists joined with the global part first, anything else replaced. A call of a function such as
//! `!If` is never merged into, since its result is not known yet.

use std::collections::HashMap;

use super::node::{Entry, Node, Value};

/// `properties` of a resource of type `kind` with what `globals` says for that type.
pub(super) fn merge(kind: &str, globals: &[Entry], properties: Node) -> Node {
    let section = match kind {
        "AWS::Serverless::Function" => "Function",
        "AWS::Serverless::SimpleTable" => "SimpleTable",
        _ => return properties,
    };
    match globals.iter().find(|entry| entry.key == section) {
        Some(entry) => merge_nodes(&entry.node, properties),
        None => properties,
    }
}

fn merge_nodes(global: &Node, own: Node) -> Node {
    if global.as_call().is_some() || own.as_call().is_some() {
        return own;
    }
    let at = own.at;
    match (&global.value, own.value) {
        (Value::Map(global), Value::Map(own)) => {
            let order: Vec<String> = own.iter().map(|entry| entry.key.clone()).collect();
            let mut own: HashMap<String, Entry> = own
                .into_iter()
                .map(|entry| (entry.key.clone(), entry))
                .collect();
            let mut merged = Vec::with_capacity(global.len() + own.len());
            for entry in global {
                merged.push(match own.remove(&entry.key) {
                    Some(mine) => Entry {
                        node: merge_nodes(&entry.node, mine.node),
                        ..mine
                    },
                    None => entry.clone(),
                });
            }
            merged.extend(order.iter().filter_map(|key| own.remove(key)));
            Node::map(merged, at)
        }
        (Value::List(global), Value::List(own)) => {
            Node::list(global.iter().cloned().chain(own).collect(), at)
        }
        (_, value) => Node { value, at },
    }
}
