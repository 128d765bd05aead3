//! Which messages of a batch are deleted after an invocation, as AWS documents partial batch
//! responses.
//!
//! The one thing to get wrong: taking an answer that cannot be read for a success. A response that
//! names a message wrongly says that something failed but not what, so nothing is deleted.

use crate::lambda::InvokeError;
use bytes::Bytes;
use serde_json::Value;
use std::collections::BTreeSet;

/// What becomes of a batch: each id is in exactly one list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use]
pub struct Settlement {
    /// Messages to delete.
    pub delete: Vec<String>,
    /// Messages that stay, their visibility untouched.
    pub keep: Vec<String>,
    /// Why some stay, in one line; empty when none does.
    pub reason: String,
}

/// Decides by the function's response.
pub fn settle(
    batch_ids: &[String],
    report_batch_item_failures: bool,
    response: &Result<Bytes, InvokeError>,
) -> Settlement {
    let body = match response {
        Err(error) => return keep_all(batch_ids, error.to_string()),
        Ok(_) if !report_batch_item_failures => return without(batch_ids, &BTreeSet::new()),
        Ok(body) => body,
    };
    match failed_ids(batch_ids, body) {
        Ok(failed) => without(batch_ids, &failed),
        Err(problem) => keep_all(batch_ids, problem),
    }
}

/// The ids a response lists, or why the response says nothing that can be relied on.
fn failed_ids(batch_ids: &[String], body: &[u8]) -> Result<BTreeSet<String>, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(BTreeSet::new());
    }
    let response: Value = serde_json::from_slice(body)
        .map_err(|error| format!("the response is not JSON ({error}); expected {EXPECTED}"))?;
    let failures = match &response {
        Value::Null => return Ok(BTreeSet::new()),
        Value::Object(fields) => fields.get("batchItemFailures"),
        other => {
            return Err(format!(
                "the response is {}; expected {EXPECTED}",
                kind(other)
            ));
        }
    };
    match failures {
        None | Some(Value::Null) => Ok(BTreeSet::new()),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| failed_id(batch_ids, item))
            .collect(),
        Some(other) => Err(format!(
            "batchItemFailures is {}; expected {EXPECTED}",
            kind(other)
        )),
    }
}

fn failed_id(batch_ids: &[String], item: &Value) -> Result<String, String> {
    let Some(identifier) = item.get("itemIdentifier") else {
        return Err(format!(
            "an entry of batchItemFailures has no itemIdentifier; expected {EXPECTED}"
        ));
    };
    match identifier.as_str() {
        None => Err(format!(
            "an itemIdentifier is {}; expected a message id",
            kind(identifier)
        )),
        Some("") => Err("an itemIdentifier is empty; expected a message id".to_owned()),
        Some(id) if batch_ids.iter().any(|known| known == id) => Ok(id.to_owned()),
        Some(id) => Err(format!(
            "itemIdentifier {id:.80} is no message of this batch"
        )),
    }
}

const EXPECTED: &str = r#"{"batchItemFailures":[{"itemIdentifier":"<message id>"}]}"#;

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn keep_all(batch_ids: &[String], reason: String) -> Settlement {
    Settlement {
        delete: Vec::new(),
        keep: batch_ids.to_vec(),
        reason,
    }
}

fn without(batch_ids: &[String], failed: &BTreeSet<String>) -> Settlement {
    let (keep, delete): (Vec<_>, Vec<_>) = batch_ids
        .iter()
        .cloned()
        .partition(|id| failed.contains(id));
    let reason = if keep.is_empty() {
        ""
    } else {
        "the function reported them as failed"
    };
    Settlement {
        delete,
        keep,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
#[path = "settle/tests.rs"]
mod tests;
