//! A dedup record as a DynamoDB item, and back.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use fanline::{
    Timestamp,
    dedup::{Claim, Record, Status},
};

pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) const LEASED: &str = "LEASED";
pub(super) const DONE: &str = "DONE";

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn milliseconds(time: Timestamp) -> AttributeValue {
    AttributeValue::N(time.as_millisecond().to_string())
}

/// TTL attributes are whole seconds.
pub(super) fn seconds(time: Timestamp) -> AttributeValue {
    AttributeValue::N(time.as_second().to_string())
}

/// The item of a committed transaction: done, without ever having been leased.
pub(super) fn done(claim: &Claim) -> Item {
    [
        ("id", text(&claim.id)),
        ("status", text(DONE)),
        ("owner", text(&claim.owner)),
        ("lease_until", milliseconds(claim.lease_until)),
        ("expires_at", seconds(claim.expires_at)),
        ("fingerprint", text(&claim.fingerprint)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Reads what another worker wrote. An item that is not of this shape is an error: treating
/// it as absent could run an effect twice.
pub(super) fn record(item: &Item) -> Result<Record, String> {
    let status = match get_text(item, "status")? {
        LEASED => Status::Leased,
        DONE => Status::Done,
        other => {
            return Err(unreadable(
                "status",
                &format!("expected LEASED or DONE, found {other:?}"),
            ));
        }
    };
    Ok(Record {
        status,
        owner: get_text(item, "owner")?.to_owned(),
        lease_until: Timestamp::from_millisecond(get_number(item, "lease_until")?)
            .map_err(|error| unreadable("lease_until", &error.to_string()))?,
        expires_at: Timestamp::from_second(get_number(item, "expires_at")?)
            .map_err(|error| unreadable("expires_at", &error.to_string()))?,
        fingerprint: get_text(item, "fingerprint")?.to_owned(),
        attempts: get_number(item, "attempts")
            .unwrap_or_default()
            .try_into()
            .unwrap_or(0),
        last_error: get_text(item, "last_error").ok().map(str::to_owned),
    })
}

fn get_text<'a>(item: &'a Item, name: &str) -> Result<&'a str, String> {
    let value = item.get(name).and_then(|value| value.as_s().ok());
    value
        .map(String::as_str)
        .ok_or_else(|| unreadable(name, "expected a string"))
}

fn get_number(item: &Item, name: &str) -> Result<i64, String> {
    let value = item.get(name).and_then(|value| value.as_n().ok());
    value
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| unreadable(name, "expected a whole number"))
}

fn unreadable(name: &str, problem: &str) -> String {
    format!(
        "dedup record cannot be read: {name}: {problem}; is FANLINE_DEDUP_TABLE the right table?"
    )
}
