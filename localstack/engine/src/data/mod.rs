//! A folder that keeps queues, topics and messages over restarts: SQLite, which DynamoDB's
//! stand-in brings along.
//!
//! Changes are written before the call that made them is answered, one transaction per call, so a
//! process that is killed has lost nothing it acknowledged. (A machine that loses power may lose
//! the last moments: SQLite does not wait for the disk here.) If a write fails, its call fails,
//! and the next write brings everything, as the changes in between can no longer be told.

mod messages;
mod schema;

use crate::EpochMillis;
use crate::engine::Engine;
use crate::identity::Identity;
use crate::sqs::deduplication::{DeduplicationKey, Original};
use crate::sqs::saved::{SavedQueue, SavedRest};
use rusqlite::{Connection, Transaction, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Queues, topics and messages of one engine.
const QUEUES: &str = "queues.sqlite3";
/// DynamoDB's tables.
const TABLES: &str = "tables.sqlite3";

/// An open folder. Only one engine can have it open.
pub(crate) struct Data {
    connection: Connection,
    /// How often the folder was opened, this time included.
    start: u64,
    /// Whether a write failed, so that the file lacks something.
    is_behind: bool,
}

/// Why a folder cannot be used.
#[derive(Debug)]
pub(crate) struct DataError(String);

impl fmt::Display for DataError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for DataError {}

impl From<rusqlite::Error> for DataError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for DataError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// The file for DynamoDB's tables.
pub(crate) fn tables(folder: &Path) -> std::path::PathBuf {
    folder.join(TABLES)
}

impl Data {
    /// Opens a folder, making it if it is not there.
    pub(crate) fn open(folder: &Path, identity: &Identity) -> Result<Self, DataError> {
        std::fs::create_dir_all(folder).map_err(|error| DataError(error.to_string()))?;
        let (connection, start) = schema::open(&folder.join(QUEUES), identity)?;
        Ok(Self {
            connection,
            start,
            is_behind: false,
        })
    }

    /// Puts everything that was kept into an empty engine, which notes its changes from then on.
    pub(crate) fn load(&self, engine: &mut Engine, now: EpochMillis) -> Result<(), DataError> {
        let queues = self.definitions::<SavedQueue>("queue")?;
        for queue in queues {
            let messages = messages::load(&self.connection, queue.id)?;
            let originals = self.originals(now, &queue.id.to_string())?;
            let restored = engine
                .sqs
                .restore_queue(self.start, queue, messages, originals);
            restored.map_err(|error| DataError(error.to_string()))?;
        }
        for rest in self.definitions::<SavedRest>("rest")? {
            engine.sqs.restore_rest(rest);
        }
        for topic in self.definitions("topic")? {
            let restored = engine.sns.restore_topic(topic);
            let arn = restored.map_err(|error| DataError(error.to_string()))?;
            let originals = self.originals(now, &arn)?;
            engine.sns.restore_originals(&arn, originals);
        }
        engine.keep_journal();
        Ok(())
    }

    /// Writes what changed since the last time.
    pub(crate) fn save(&mut self, engine: &mut Engine, now: EpochMillis) -> Result<(), DataError> {
        let is_behind = self.is_behind;
        self.is_behind = true;
        if is_behind {
            let transaction = self.connection.transaction()?;
            write_all(&transaction, engine)?;
            transaction.commit()?;
        } else {
            let changes = Changes::take(engine);
            if !changes.is_empty() {
                let transaction = self.connection.transaction()?;
                changes.write(&transaction, engine, now)?;
                transaction.commit()?;
            }
        }
        self.is_behind = false;
        Ok(())
    }

    fn definitions<Saved: DeserializeOwned>(&self, kind: &str) -> Result<Vec<Saved>, DataError> {
        let sql = "SELECT json FROM definitions WHERE kind = ? ORDER BY place";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query([kind])?;
        let mut definitions = Vec::new();
        while let Some(row) = rows.next()? {
            definitions.push(serde_json::from_str(
                row.get_ref(0)?.as_str().unwrap_or_default(),
            )?);
        }
        Ok(definitions)
    }

    fn originals(&self, now: EpochMillis, scope: &str) -> Result<Vec<Remembered>, DataError> {
        let sql = "SELECT until, message_group, deduplication, message_id, sequence FROM originals \
                   WHERE scope = ? AND until > ? ORDER BY until";
        let mut statement = self.connection.prepare(sql)?;
        let mut rows = statement.query(params![scope, now as i64])?;
        let mut originals = Vec::new();
        while let Some(row) = rows.next()? {
            let group: Option<Arc<str>> = row.get(1)?;
            let original = Original {
                message_id: u128::from_be_bytes(row.get(3)?),
                sequence: row.get::<_, i64>(4)? as u64,
            };
            originals.push((row.get::<_, i64>(0)? as u64, (group, row.get(2)?), original));
        }
        Ok(originals)
    }
}

type Remembered = (EpochMillis, DeduplicationKey, Original);

/// What an engine noted since it was last asked.
struct Changes {
    queues: bool,
    topics: bool,
    messages: Vec<messages::QueueChanges>,
    originals: Vec<(String, Remembered)>,
}

impl Changes {
    fn take(engine: &mut Engine) -> Self {
        let mut messages = Vec::new();
        let mut originals = Vec::new();
        for queue in engine.sqs.queues_mut() {
            let id = queue.id;
            let remembered = std::mem::take(&mut queue.new_originals).into_iter();
            originals.extend(remembered.map(|original| (id.to_string(), original)));
            messages.extend(messages::QueueChanges::take(queue));
        }
        for (arn, until, key, original) in engine.sns.take_originals() {
            originals.push((arn.to_string(), (until, key, original)));
        }
        Self {
            queues: engine.sqs.take_definitions_changed(),
            topics: engine.sns.take_definitions_changed(),
            messages,
            originals,
        }
    }

    fn is_empty(&self) -> bool {
        !self.queues && !self.topics && self.messages.is_empty() && self.originals.is_empty()
    }

    fn write(
        &self,
        transaction: &Transaction<'_>,
        engine: &mut Engine,
        now: EpochMillis,
    ) -> Result<(), DataError> {
        if self.queues {
            write_queues(transaction, engine)?;
        }
        if self.topics {
            write_definitions(transaction, "topic", engine.sns.saved_topics())?;
        }
        for queue in engine.sqs.queues_mut() {
            for changes in self.messages.iter().filter(|it| it.queue == queue.id) {
                changes.write(transaction, &queue.store)?;
            }
        }
        if !self.originals.is_empty() {
            transaction
                .prepare_cached("DELETE FROM originals WHERE until <= ?")?
                .execute([now as i64])?;
        }
        for (scope, original) in &self.originals {
            write_original(transaction, scope, original)?;
        }
        Ok(())
    }
}

/// Replaces everything. What FIFO queues and topics remember is left: it is only ever added to,
/// and what is missing of it lasts five minutes.
fn write_all(transaction: &Transaction<'_>, engine: &mut Engine) -> Result<(), DataError> {
    // The whole state is written, so what was noted is taken only to be forgotten.
    let noted = Changes::take(engine);
    write_queues(transaction, engine)?;
    write_definitions(transaction, "topic", engine.sns.saved_topics())?;
    transaction.execute("DELETE FROM messages", [])?;
    for queue in engine.sqs.queues_mut() {
        messages::write_all(transaction, queue.id, &queue.store)?;
    }
    for (scope, original) in &noted.originals {
        write_original(transaction, scope, original)?;
    }
    Ok(())
}

fn write_queues(transaction: &Transaction<'_>, engine: &Engine) -> Result<(), DataError> {
    let queues: Vec<SavedQueue> = engine.sqs.saved_queues().collect();
    let ids: Vec<u64> = queues.iter().map(|queue| queue.id).collect();
    messages::delete_all_but(transaction, &ids)?;
    write_definitions(transaction, "queue", queues)?;
    write_definitions(transaction, "rest", [engine.sqs.saved_rest()])
}

fn write_definitions(
    transaction: &Transaction<'_>,
    kind: &str,
    definitions: impl IntoIterator<Item = impl Serialize>,
) -> Result<(), DataError> {
    transaction
        .prepare_cached("DELETE FROM definitions WHERE kind = ?")?
        .execute([kind])?;
    let sql = "INSERT INTO definitions (kind, place, json) VALUES (?, ?, ?)";
    let mut statement = transaction.prepare_cached(sql)?;
    for (definition, place) in definitions.into_iter().zip(0_i64..) {
        statement.execute(params![kind, place, serde_json::to_string(&definition)?])?;
    }
    Ok(())
}

fn write_original(
    transaction: &Transaction<'_>,
    scope: &str,
    (until, (group, deduplication), original): &Remembered,
) -> Result<(), DataError> {
    let sql = "INSERT INTO originals (scope, message_group, deduplication, message_id, sequence, until) \
               VALUES (?, ?, ?, ?, ?, ?)";
    transaction.prepare_cached(sql)?.execute(params![
        scope,
        group,
        deduplication,
        original.message_id.to_be_bytes(),
        original.sequence as i64,
        *until as i64,
    ])?;
    Ok(())
}

#[cfg(test)]
mod tests;
