//! Messages in the file, one row each.
//!
//! A receive or a change of visibility updates the few columns it changes and leaves the body
//! where it is.

use super::DataError;
use crate::sqs::message::{Key, Message, State};
use crate::sqs::queue::Queue;
use crate::sqs::store::{Change, Store};
use rusqlite::{Connection, Row, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The changes of one queue, each message once.
pub(super) struct QueueChanges {
    pub(super) queue: u64,
    purged: bool,
    touched: BTreeSet<Key>,
}

impl QueueChanges {
    /// None if nothing changed.
    pub(super) fn take(queue: &mut Queue) -> Option<Self> {
        let journal = queue.store.take_journal();
        if journal.is_empty() {
            return None;
        }
        let mut changes = Self {
            queue: queue.id,
            purged: false,
            touched: BTreeSet::new(),
        };
        for change in journal {
            match change {
                Change::Kept(key) | Change::Removed(key) => {
                    changes.touched.insert(key);
                }
                Change::Purged => {
                    changes.purged = true;
                    changes.touched.clear();
                }
            }
        }
        Some(changes)
    }

    /// Makes the rows what the messages are now.
    pub(super) fn write(
        &self,
        transaction: &Transaction<'_>,
        store: &Store,
    ) -> Result<(), DataError> {
        let queue = self.queue as i64;
        if self.purged {
            transaction.execute("DELETE FROM messages WHERE queue = ?", [queue])?;
        }
        for key in &self.touched {
            match store.get(*key) {
                Some(message) => keep(transaction, queue, *key, message)?,
                None => {
                    let sql = "DELETE FROM messages WHERE queue = ? AND number = ?";
                    let mut statement = transaction.prepare_cached(sql)?;
                    statement.execute([queue, key.number as i64])?;
                }
            }
        }
        Ok(())
    }
}

pub(super) fn write_all(
    transaction: &Transaction<'_>,
    queue: u64,
    store: &Store,
) -> Result<(), DataError> {
    for (key, message) in store.iter() {
        keep(transaction, queue as i64, key, message)?;
    }
    Ok(())
}

pub(super) fn delete_all_but(
    transaction: &Transaction<'_>,
    queues: &[u64],
) -> Result<(), DataError> {
    let mut statement = transaction.prepare_cached("SELECT DISTINCT queue FROM messages")?;
    let kept: Vec<i64> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for queue in kept {
        if !queues.contains(&(queue as u64)) {
            transaction.execute("DELETE FROM messages WHERE queue = ?", [queue])?;
        }
    }
    Ok(())
}

fn keep(
    transaction: &Transaction<'_>,
    queue: i64,
    key: Key,
    message: &Message,
) -> Result<(), DataError> {
    let (state, until, since) = match message.state {
        State::Delayed { until } => (0, until, 0),
        State::Available => (1, 0, 0),
        State::InFlight { until, since } => (2, until, since),
    };
    let sql = "UPDATE messages SET first_received = ?, receive_count = ?, receives_here = ?, \
               state = ?, until = ?, since = ? WHERE queue = ? AND number = ?";
    let updated = transaction.prepare_cached(sql)?.execute(params![
        message.first_received.map(|at| at as i64),
        message.receive_count,
        message.receives_here,
        state,
        until as i64,
        since as i64,
        queue,
        key.number as i64,
    ])?;
    if updated > 0 {
        return Ok(());
    }
    let sql = "INSERT INTO messages (queue, number, slot, id, body, attributes, rare, sent, \
               first_received, receive_count, receives_here, state, until, since) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    transaction.prepare_cached(sql)?.execute(params![
        queue,
        key.number as i64,
        key.slot,
        message.id.to_be_bytes(),
        &*message.body,
        json(message.attributes.as_deref())?,
        json(message.rare.as_deref())?,
        message.sent as i64,
        message.first_received.map(|at| at as i64),
        message.receive_count,
        message.receives_here,
        state,
        until as i64,
        since as i64,
    ])?;
    Ok(())
}

/// A queue's messages, in order of their numbers.
pub(super) fn load(connection: &Connection, queue: u64) -> Result<Vec<(Key, Message)>, DataError> {
    let sql = "SELECT number, slot, id, body, attributes, rare, sent, first_received, \
               receive_count, receives_here, state, until, since FROM messages \
               WHERE queue = ? ORDER BY number";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([queue as i64])?;
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        messages.push(read(row)?);
    }
    Ok(messages)
}

fn read(row: &Row<'_>) -> Result<(Key, Message), DataError> {
    let moment = |column: &str| Ok::<_, rusqlite::Error>(row.get::<_, i64>(column)? as u64);
    let (until, since) = (moment("until")?, moment("since")?);
    let state = match row.get::<_, i64>("state")? {
        0 => State::Delayed { until },
        1 => State::Available,
        2 => State::InFlight { until, since },
        other => {
            return Err(DataError(format!(
                "a message is in state {other}; known are 0 to 2"
            )));
        }
    };
    let message = Message {
        id: u128::from_be_bytes(row.get("id")?),
        body: row.get::<_, Arc<str>>("body")?,
        attributes: from_json(row.get("attributes")?)?.map(Arc::new),
        rare: from_json(row.get("rare")?)?.map(Box::new),
        sent: moment("sent")?,
        first_received: row
            .get::<_, Option<i64>>("first_received")?
            .map(|at| at as u64),
        receive_count: row.get("receive_count")?,
        receives_here: row.get("receives_here")?,
        state,
    };
    let key = Key {
        number: moment("number")?,
        slot: row.get("slot")?,
    };
    Ok((key, message))
}

fn json<Value: Serialize>(value: Option<&Value>) -> Result<Option<String>, serde_json::Error> {
    value.map(serde_json::to_string).transpose()
}

fn from_json<Value: DeserializeOwned>(
    text: Option<String>,
) -> Result<Option<Value>, serde_json::Error> {
    text.map(|text| serde_json::from_str(&text)).transpose()
}
