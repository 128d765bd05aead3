//! Publishes rows and deletes those that are published, in this order.
//!
//! Killed in between, it publishes them again later: consumers recognise the event id.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    types::{DeleteRequest, WriteRequest},
};
use fanline::{System, Timestamp, publish::Outgoing};

use super::row::{Item, Row};
use crate::{Error, Publisher, RefusedEvent, describe};

/// Requests in one BatchWriteItem (DynamoDB API reference).
const MOST_DELETES: usize = 25;

/// How often what BatchWriteItem left out is asked for.
const TRIES: u32 = 4;

/// Publishes an outbox table's rows to a topic.
///
/// Costs one PublishBatch per 10 events and one BatchWriteItem per 25. Needs `sns:Publish` on the topic,
/// `dynamodb:BatchWriteItem` on the table, and to sweep `dynamodb:Scan`.
#[derive(Clone, Debug)]
pub struct Relay {
    dynamodb: Client,
    table: String,
    publisher: Publisher,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relayed {
    /// The topic has it. The row is gone, or will be published once more.
    Published,
    /// Not yet: the row is still there, and should be tried again.
    Postponed {
        /// What SNS said.
        reason: String,
    },
    /// The topic will never take it. The row is still there, for a person to look at.
    Refused {
        /// What SNS said.
        reason: String,
    },
}

/// What a sweep came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Rows older than the threshold that are published now.
    pub published: usize,
    /// Rows that are not, with reasons.
    pub failed: Vec<String>,
}

impl Relay {
    /// A relay from `table` to the publisher's topic.
    pub fn new(dynamodb: Client, table: impl Into<String>, publisher: Publisher) -> Self {
        Self {
            dynamodb,
            table: table.into(),
            publisher,
        }
    }

    /// Publishes rows in the order of each entity and deletes what is published; says of each row what
    /// became of it.
    pub async fn relay(&self, rows: &[Row]) -> Vec<Relayed> {
        let outgoing: Vec<Outgoing> = rows.iter().map(|row| row.outgoing.clone()).collect();
        let mut relayed = vec![Relayed::Published; rows.len()];
        if let Err(error) = self.publisher.send(&outgoing).await {
            for RefusedEvent {
                index,
                reason,
                is_final,
                ..
            } in error.refused
            {
                relayed[index] = match is_final {
                    true => Relayed::Refused { reason },
                    false => Relayed::Postponed { reason },
                };
            }
        }
        let published = rows.iter().zip(&relayed);
        let published = published.filter(|(_, relayed)| **relayed == Relayed::Published);
        self.delete(published.map(|(row, _)| row.key()).collect())
            .await;
        relayed
    }

    /// Publishes all rows that were written before `older_than`, oldest first for each entity by the events'
    /// timestamps: two of one millisecond, or of processes whose clocks differ, may be swapped. Reads the
    /// whole table, which holds only what is not yet published.
    ///
    /// # Errors
    /// If the table cannot be read.
    pub async fn sweep(&self, older_than: Timestamp) -> Result<Swept, Error> {
        let mut swept = Swept::default();
        let mut by_entity: BTreeMap<(String, Timestamp, String), Row> = BTreeMap::new();
        let scan = self.dynamodb.scan().table_name(&self.table);
        let mut items = scan.consistent_read(true).into_paginator().items().send();
        while let Some(item) = items.next().await {
            let item = item.map_err(|error| {
                Error::new(format!("cannot scan {}: {}", self.table, describe(&error)))
            })?;
            match Row::from_item(&item) {
                Ok(row) if row.created_at < older_than => {
                    let outgoing = &row.outgoing;
                    let place = (
                        outgoing.entity.clone(),
                        row.created_at,
                        outgoing.event_id.clone(),
                    );
                    by_entity.insert(place, row);
                }
                Ok(_) => {}
                Err(problem) => swept.failed.push(problem),
            }
        }
        let rows: Vec<Row> = by_entity.into_values().collect();
        for (row, relayed) in rows.iter().zip(self.relay(&rows).await) {
            let id = &row.outgoing.event_id;
            match relayed {
                Relayed::Published => swept.published += 1,
                Relayed::Postponed { reason } => {
                    swept
                        .failed
                        .push(format!("event {id} not published: {reason}"));
                }
                Relayed::Refused { reason } => {
                    swept
                        .failed
                        .push(format!("event {id} refused for good: {reason}"));
                }
            }
        }
        Ok(swept)
    }

    async fn delete(&self, mut keys: Vec<Item>) {
        for attempt in 1..=TRIES {
            let mut left = Vec::new();
            for chunk in keys.chunks(MOST_DELETES) {
                left.extend(self.delete_chunk(chunk).await);
            }
            if left.is_empty() {
                return;
            }
            keys = left;
            tokio::time::sleep(pause(self.publisher.its_system(), attempt)).await;
        }
        tracing::warn!(
            rows = keys.len(),
            "published rows not deleted; they will be published again"
        );
    }

    /// The keys that are left.
    async fn delete_chunk(&self, keys: &[Item]) -> Vec<Item> {
        let requests: Result<Vec<_>, _> = keys
            .iter()
            .map(|key| {
                let delete = DeleteRequest::builder()
                    .set_key(Some(key.clone()))
                    .build()?;
                Ok(WriteRequest::builder().delete_request(delete).build())
            })
            .collect::<Result<_, aws_sdk_dynamodb::error::BuildError>>();
        let Ok(requests) = requests else {
            return keys.to_vec();
        };
        let call = self.dynamodb.batch_write_item();
        match call.request_items(&self.table, requests).send().await {
            Ok(answer) => {
                let left = answer.unprocessed_items.unwrap_or_default().into_values();
                let left = left.flatten().filter_map(|request| request.delete_request);
                left.map(|delete| delete.key).collect()
            }
            Err(error) => {
                let problem = describe(&error);
                tracing::warn!(problem, "cannot delete published rows");
                keys.to_vec()
            }
        }
    }
}

/// Up to 50 ms, doubling, fully jittered.
fn pause(system: &dyn System, attempt: u32) -> Duration {
    let most = 50_u64 << (attempt - 1);
    Duration::from_millis((system.random() % u128::from(most)) as u64)
}
