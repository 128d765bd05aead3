//! The file: its tables, its version, and whose queues are in it.
//!
//! A file of another version or account is refused rather than read: half-understood queues would
//! lose messages in silence.

use super::DataError;
use crate::identity::Identity;
use rusqlite::{Connection, ErrorCode};
use std::path::Path;
use std::time::Duration;

/// Changes whenever an older engine could not read the file.
const VERSION: i64 = 1;

/// How long an engine that is just ending may still have the file.
const PATIENCE: Duration = Duration::from_millis(500);

const TABLES: &str = "
    CREATE TABLE owner (
        region TEXT NOT NULL, account TEXT NOT NULL, starts INTEGER NOT NULL
    );
    CREATE TABLE definitions (
        kind TEXT NOT NULL, place INTEGER NOT NULL, json TEXT NOT NULL,
        PRIMARY KEY (kind, place)
    ) WITHOUT ROWID;
    CREATE TABLE messages (
        queue INTEGER NOT NULL, number INTEGER NOT NULL, slot INTEGER NOT NULL,
        id BLOB NOT NULL, body TEXT NOT NULL, attributes TEXT, rare TEXT, sent INTEGER NOT NULL,
        first_received INTEGER, receive_count INTEGER NOT NULL, receives_here INTEGER NOT NULL,
        state INTEGER NOT NULL, until INTEGER NOT NULL, since INTEGER NOT NULL,
        PRIMARY KEY (queue, number)
    ) WITHOUT ROWID;
    CREATE TABLE originals (
        scope TEXT NOT NULL, message_group TEXT, deduplication TEXT NOT NULL,
        message_id BLOB NOT NULL, sequence INTEGER NOT NULL, until INTEGER NOT NULL
    );
    CREATE INDEX originals_until ON originals (until);
";

/// Opens the file; returns also how often that was done.
pub(super) fn open(file: &Path, identity: &Identity) -> Result<(Connection, u64), DataError> {
    let connection = Connection::open(file)?;
    let start = prepare(&connection, identity).map_err(|error| match error {
        Trouble::Said(text) => DataError(text),
        Trouble::Sqlite(error) => DataError(match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another engine has it open; stop that one or choose another folder".to_owned()
            }
            Some(ErrorCode::NotADatabase) => format!(
                "{} is no file of this engine; move it away or choose another folder",
                file.display()
            ),
            _ => error.to_string(),
        }),
    })?;
    Ok((connection, start))
}

enum Trouble {
    Said(String),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn prepare(connection: &Connection, identity: &Identity) -> Result<u64, Trouble> {
    connection.busy_timeout(PATIENCE)?;
    // Set before the first read, so that it takes the file for this process alone.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A transaction is in the operating system's hands when it is committed: enough for a
    // process that is killed.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match version {
        0 => {
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
            ))?;
            connection.execute(
                "INSERT INTO owner (region, account, starts) VALUES (?, ?, 0)",
                [&identity.region, &identity.account],
            )?;
        }
        VERSION => check_owner(connection, identity)?,
        other => {
            return Err(Trouble::Said(format!(
                "it was written by another version of the engine (file format {other}, this one reads {VERSION})"
            )));
        }
    }
    // The write also takes the lock, which a read alone would not.
    connection.execute("UPDATE owner SET starts = starts + 1", [])?;
    let starts: i64 = connection.query_row("SELECT starts FROM owner", [], |row| row.get(0))?;
    Ok(starts as u64)
}

fn check_owner(connection: &Connection, identity: &Identity) -> Result<(), Trouble> {
    let (region, account): (String, String) =
        connection.query_row("SELECT region, account FROM owner", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if region == identity.region && account == identity.account {
        return Ok(());
    }
    Err(Trouble::Said(format!(
        "it holds queues of account {account} in {region}, not of account {} in {}",
        identity.account, identity.region
    )))
}
