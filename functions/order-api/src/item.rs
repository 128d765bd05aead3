//! Attributes of items, read.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use fanline::BoxError;

pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn text(item: &Item, name: &str) -> Result<String, BoxError> {
    let value = item.get(name).and_then(|value| value.as_s().ok());
    value
        .cloned()
        .ok_or_else(|| format!("item without a string {name:?}").into())
}

pub(crate) fn number(item: &Item, name: &str) -> Result<u64, BoxError> {
    let value = item.get(name).and_then(|value| value.as_n().ok());
    value
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| format!("item without a whole number {name:?}").into())
}
