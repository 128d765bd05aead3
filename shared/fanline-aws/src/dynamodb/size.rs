//! How large a transaction is, before DynamoDB says that it is too large.
//!
//! Counted as DynamoDB counts items (developer guide, "DynamoDB item sizes and formats"): names and values.
//! What an Update leaves in place is not known here, so an estimate too low is still refused by DynamoDB.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};

/// Bytes of what is written, and of what conditions compare with.
pub(super) fn size(action: &TransactWriteItem) -> usize {
    let put = action
        .put
        .as_ref()
        .map(|put| of_map(&put.item) + of_optional(put.expression_attribute_values.as_ref()));
    let update = action.update.as_ref().map(|update| {
        of_map(&update.key) + of_optional(update.expression_attribute_values.as_ref())
    });
    let delete = action.delete.as_ref().map(|delete| {
        of_map(&delete.key) + of_optional(delete.expression_attribute_values.as_ref())
    });
    let check = action
        .condition_check
        .as_ref()
        .map(|check| of_map(&check.key) + of_optional(check.expression_attribute_values.as_ref()));
    [put, update, delete, check].into_iter().flatten().sum()
}

fn of_optional(values: Option<&HashMap<String, AttributeValue>>) -> usize {
    values.map_or(0, of_map)
}

fn of_map(values: &HashMap<String, AttributeValue>) -> usize {
    let values = values.iter();
    values
        .map(|(name, value)| name.len() + of_value(value))
        .sum()
}

fn of_value(value: &AttributeValue) -> usize {
    /// Of a list or map, and of each of its elements.
    const OVERHEAD: usize = 3;
    match value {
        AttributeValue::S(text) => text.len(),
        // About a byte for two digits, and one.
        AttributeValue::N(number) => number.len() / 2 + 1,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::Ss(texts) => texts.iter().map(String::len).sum(),
        AttributeValue::Ns(numbers) => numbers.iter().map(|number| number.len() / 2 + 1).sum(),
        AttributeValue::Bs(blobs) => blobs.iter().map(|blob| blob.as_ref().len()).sum(),
        AttributeValue::L(values) => {
            OVERHEAD
                + values
                    .iter()
                    .map(|value| 1 + of_value(value))
                    .sum::<usize>()
        }
        AttributeValue::M(values) => OVERHEAD + values.len() + of_map(values),
        _ => 1,
    }
}
