//! Payloads in a DynamoDB table: for local use, and for events that are large only now and then.
//!
//! An item has at most 400 KB, so a payload is several. What could be got wrong is to let a reader see half
//! of one: its first item says how many there are, and is written last.

use std::{fmt, sync::Arc, time::Duration};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use fanline::{
    System, Timestamp,
    claim_check::{Fetched, PayloadStore},
};
use futures_util::{StreamExt, TryStreamExt, future::BoxFuture, stream};

use crate::describe;

/// Below DynamoDB's 400 KB an item (developer guide, "quotas"), with room for the other attributes.
const PART_BYTES: usize = 350_000;

/// 24 items. What is larger regularly is cheaper in S3 by far.
const SIZE_LIMIT: u64 = 8 * 1024 * 1024;

/// Items of one payload that are written or read at once.
const CALLS_AT_ONCE: usize = 4;

/// Queue and dead-letter queue keep messages for 14 days at most, each.
const RETENTION: Duration = Duration::from_secs(28 * 24 * 60 * 60);

/// Payloads of up to 8 MiB in a table with partition key `id` (String) and TTL attribute `expires_at`.
///
/// A payload costs one PutItem per 350 KB and one write unit per KB to put, and one GetItem per 350 KB and one
/// read unit per 4 KB, consistent, for each worker that fetches it: 3 MB are 9 calls and 3,000 write units, where S3
/// takes one request whatever the size. Items of one payload have different partition keys, as a
/// partition takes 1,000 write units a second. Needs `dynamodb:PutItem` to publish and `dynamodb:GetItem` to
/// fetch.
///
/// Payloads stay for 28 days after they were put last.
#[derive(Clone)]
pub struct DynamoPayloads {
    client: Client,
    table: Arc<str>,
    system: Arc<dyn System>,
    retention: Duration,
}

impl fmt::Debug for DynamoPayloads {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DynamoPayloads({})", self.table)
    }
}

impl DynamoPayloads {
    /// Payloads in `table`. Makes no call.
    pub fn new(client: Client, table: impl Into<Arc<str>>, system: Arc<dyn System>) -> Self {
        Self {
            client,
            table: table.into(),
            system,
            retention: RETENTION,
        }
    }

    /// How long payloads stay. Not less than queue and dead-letter queue keep messages together.
    #[must_use]
    pub fn retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    async fn put_all(&self, key: &str, data: &str) -> Result<(), String> {
        let expires_at = self.system.now().checked_add(self.retention);
        let expires_at = expires_at.unwrap_or(Timestamp::MAX).as_second();
        let parts = split(data);
        let rest: Vec<_> = (0_u64..)
            .zip(&parts)
            .skip(1)
            .map(|(number, part)| self.put_item(part_id(key, number), part, expires_at, None))
            .collect();
        let mut rest = stream::iter(rest).buffer_unordered(CALLS_AT_ONCE);
        while rest.try_next().await?.is_some() {}
        let head = (parts.len(), data.len());
        self.put_item(key.to_owned(), parts[0], expires_at, Some(head))
            .await
    }

    async fn put_item(
        &self,
        id: String,
        part: &str,
        expires_at: i64,
        head: Option<(usize, usize)>,
    ) -> Result<(), String> {
        let number = |number: usize| AttributeValue::N(number.to_string());
        let mut put = self
            .client
            .put_item()
            .table_name(self.table.as_ref())
            .item("id", AttributeValue::S(id))
            .item("data", AttributeValue::S(part.to_owned()))
            .item("expires_at", AttributeValue::N(expires_at.to_string()));
        if let Some((parts, bytes)) = head {
            put = put
                .item("parts", number(parts))
                .item("bytes", number(bytes));
        }
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.problem("put into", &describe(&error))),
        }
    }

    async fn fetch_all(&self, key: &str, bytes: u64) -> Result<Fetched, String> {
        let Some(head) = self.get(key.to_owned()).await? else {
            return Ok(Fetched::Missing);
        };
        // A part is shorter than it could be by what is left of a character.
        let most_parts = bytes / (PART_BYTES as u64 - 3) + 1;
        let (parts, Some(found)) = (head.parts.unwrap_or(0), head.bytes) else {
            return Ok(self.foreign());
        };
        if found != bytes {
            return Ok(Fetched::Damaged(format!(
                "it has {found} bytes, not {bytes}"
            )));
        }
        if !(1..=most_parts).contains(&parts) {
            return Ok(self.foreign());
        }
        let rest: Vec<_> = (1..parts)
            .map(|number| self.get(part_id(key, number)))
            .collect();
        let mut rest = stream::iter(rest).buffered(CALLS_AT_ONCE);
        let mut data = head.data;
        while let Some(part) = rest.try_next().await? {
            match part {
                Some(part) => data.push_str(&part.data),
                // TTL takes the items of a payload one after the other.
                None => return Ok(Fetched::Missing),
            }
        }
        Ok(Fetched::Found(data))
    }

    async fn get(&self, id: String) -> Result<Option<Part>, String> {
        let get = self.client.get_item().table_name(self.table.as_ref());
        let get = get.key("id", AttributeValue::S(id)).consistent_read(true);
        let item = match get.send().await {
            Ok(answer) => answer.item,
            Err(error) => return Err(self.problem("get from", &describe(&error))),
        };
        let Some(mut item) = item else {
            return Ok(None);
        };
        let number = |name: &str| -> Option<u64> { item.get(name)?.as_n().ok()?.parse().ok() };
        let now = self.system.now().as_second();
        // DynamoDB deletes within days after the time.
        let is_over = number("expires_at").is_some_and(|time| time as i64 <= now);
        if is_over {
            return Ok(None);
        }
        let (parts, bytes) = (number("parts"), number("bytes"));
        let data = match item.remove("data") {
            Some(AttributeValue::S(data)) => data,
            _ => String::new(),
        };
        Ok(Some(Part { data, parts, bytes }))
    }

    fn foreign(&self) -> Fetched {
        let problem = format!("it is not what a publisher puts into {}", self.table);
        Fetched::Damaged(problem)
    }

    fn problem(&self, what: &str, reason: &str) -> String {
        format!("cannot {what} {}: {reason}", self.table)
    }
}

/// An item. The first one of a payload knows how many there are.
struct Part {
    data: String,
    parts: Option<u64>,
    bytes: Option<u64>,
}

fn part_id(key: &str, number: u64) -> String {
    format!("{key}#{number}")
}

/// Pieces that together are the text; at least one.
fn split(mut text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    while text.len() > PART_BYTES {
        let (part, rest) = text.split_at(text.floor_char_boundary(PART_BYTES));
        parts.push(part);
        text = rest;
    }
    parts.push(text);
    parts
}

impl PayloadStore for DynamoPayloads {
    fn size_limit(&self) -> u64 {
        SIZE_LIMIT
    }

    fn put<'a>(&'a self, key: &'a str, data: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(self.put_all(key, data))
    }

    fn fetch<'a>(&'a self, key: &'a str, bytes: u64) -> BoxFuture<'a, Result<Fetched, String>> {
        Box::pin(self.fetch_all(key, bytes))
    }
}
