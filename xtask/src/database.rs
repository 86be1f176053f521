//! The daemon's database, seen from outside: read-only queries, and the faults we inject.
//!
//! Reading opens an SQLite file read-only each time, so that a scenario never holds a lock by
//! accident. The few functions that write or lock say so in their names; they play the part of
//! an operator or of another program.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};

use crate::servers::Database;

/// The database of one scenario.
#[derive(Clone)]
pub(crate) enum Store {
    /// An SQLite file.
    File(PathBuf),
    /// A database on a server.
    Server(Database),
}

impl From<&Path> for Store {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl Store {
    /// Every row of `services`, deleted ones included, in order of creation.
    ///
    /// # Errors
    ///
    /// When the database or the table is not there (yet), or cannot be asked.
    pub(crate) fn services(&self) -> Result<Vec<Service>> {
        match self {
            Self::File(path) => services(path),
            Self::Server(database) => {
                database.ask(SERVICES)?.iter().map(|row| service_of(row)).collect()
            }
        }
    }

    /// The answer to any query, each row with its columns joined by `|`.
    ///
    /// # Errors
    ///
    /// As [`Store::services`].
    pub(crate) fn lines(&self, sql: &str) -> Result<Vec<String>> {
        match self {
            Self::File(path) => lines(path, sql),
            Self::Server(database) => {
                Ok(database.ask(sql)?.iter().map(|row| row.join("|")).collect())
            }
        }
    }

    /// Writes as an operator with a database shell would.
    ///
    /// # Errors
    ///
    /// When the statement is wrong or the database cannot be written to.
    pub(crate) fn write(&self, sql: &str) -> Result<()> {
        match self {
            Self::File(path) => write(path, sql),
            Self::Server(database) => database.ask(sql).map(drop),
        }
    }
}

/// Reads wait this long for a writer to finish.
const BUSY: Duration = Duration::from_secs(2);

/// One row of table `services`, as text where the exact text matters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Service {
    pub(crate) id: i64,
    pub(crate) host: String,
    pub(crate) binary: Option<String>,
    pub(crate) topic: Option<String>,
    pub(crate) report_count: i64,
    pub(crate) disabled: Option<i64>,
    pub(crate) disabled_reason: Option<String>,
    pub(crate) availability_zone: Option<String>,
    pub(crate) rpc_version: Option<String>,
    pub(crate) object_version: Option<String>,
    pub(crate) uuid: Option<String>,
    pub(crate) cluster_name: Option<String>,
    pub(crate) replication_status: Option<String>,
    pub(crate) frozen: Option<i64>,
    pub(crate) active_backend_id: Option<String>,
    pub(crate) created_at: String,
    pub(crate) updated_at: String,
    pub(crate) deleted: Option<i64>,
}

const SERVICES: &str = "SELECT id, host, \"binary\", topic, report_count, disabled, \
    disabled_reason, availability_zone, rpc_current_version, object_current_version, uuid, \
    cluster_name, replication_status, frozen, active_backend_id, created_at, updated_at, deleted \
    FROM services ORDER BY id";

fn service(row: &Row<'_>) -> rusqlite::Result<Service> {
    Ok(Service {
        id: row.get(0)?,
        host: row.get(1)?,
        binary: row.get(2)?,
        topic: row.get(3)?,
        report_count: row.get(4)?,
        disabled: row.get(5)?,
        disabled_reason: row.get(6)?,
        availability_zone: row.get(7)?,
        rpc_version: row.get(8)?,
        object_version: row.get(9)?,
        uuid: row.get(10)?,
        cluster_name: row.get(11)?,
        replication_status: row.get(12)?,
        frozen: row.get(13)?,
        active_backend_id: row.get(14)?,
        created_at: row.get(15)?,
        updated_at: row.get(16)?,
        deleted: row.get(17)?,
    })
}

/// A row as a server's client prints it: truth is `1` on one and `t` on the other.
fn service_of(row: &[String]) -> Result<Service> {
    ensure!(row.len() == 18, "{} columns of services: {row:?}", row.len());
    let text = |at: usize| row.get(at).filter(|text| *text != "NULL").cloned();
    let required = |at: usize| text(at).with_context(|| format!("column {at} is empty: {row:?}"));
    let number = |at: usize| -> Result<Option<i64>> {
        let value = text(at).map(|text| match text.as_str() {
            "t" => Ok(1),
            "f" => Ok(0),
            digits => digits.parse(),
        });
        value.transpose().with_context(|| format!("column {at} is no number: {row:?}"))
    };
    Ok(Service {
        id: number(0)?.context("no id")?,
        host: required(1)?,
        binary: text(2),
        topic: text(3),
        report_count: number(4)?.context("no report_count")?,
        disabled: number(5)?,
        disabled_reason: text(6),
        availability_zone: text(7),
        rpc_version: text(8),
        object_version: text(9),
        uuid: text(10),
        cluster_name: text(11),
        replication_status: text(12),
        frozen: number(13)?,
        active_backend_id: text(14),
        created_at: required(15)?,
        updated_at: required(16)?,
        deleted: number(17)?,
    })
}

fn open(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)
        .with_context(|| format!("cannot read {}", path.display()))?;
    db.busy_timeout(BUSY)?;
    Ok(db)
}

/// Every row of `services`, deleted ones included, in order of creation.
///
/// # Errors
///
/// When the file or the table is not there (yet), or stays locked.
pub(crate) fn services(path: &Path) -> Result<Vec<Service>> {
    let db = open(path)?;
    let mut query = db.prepare(SERVICES)?;
    let rows = query.query_map([], service)?.collect::<rusqlite::Result<_>>()?;
    Ok(rows)
}

/// The answer to any query, each row with its columns joined by `|`.
///
/// # Errors
///
/// As [`services`].
pub(crate) fn lines(path: &Path, sql: &str) -> Result<Vec<String>> {
    let db = open(path)?;
    let mut query = db.prepare(sql)?;
    let columns = query.column_count();
    let rows = query.query_map([], |row| {
        let texts: rusqlite::Result<Vec<_>> =
            (0..columns).map(|at| row.get_ref(at).map(display)).collect();
        texts.map(|texts| texts.join("|"))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn display(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
    }
}

/// Writes to the file, creating it if need be, as an operator with a database shell would.
///
/// # Errors
///
/// When the file stays locked or the statement is wrong.
pub(crate) fn write(path: &Path, sql: &str) -> Result<()> {
    let db = Connection::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    db.busy_timeout(Duration::from_secs(10))?;
    db.execute_batch(sql).with_context(|| format!("cannot run {sql}"))
}

/// Nobody else can write until this is dropped.
pub(crate) struct Lock(Connection);

impl Lock {
    /// Takes the exclusive lock.
    ///
    /// # Errors
    ///
    /// When others keep the file busy for ten seconds.
    pub(crate) fn take(path: &Path) -> Result<Self> {
        let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        db.busy_timeout(Duration::from_secs(10))?;
        db.execute_batch("BEGIN EXCLUSIVE").context("cannot lock the database")?;
        Ok(Self(db))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the connection gives the lock back too; an error here changes nothing.
        let _ = self.0.execute_batch("ROLLBACK");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_file_refuses_writers_until_the_lock_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.sqlite");
        write(&path, "CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('x'), (NULL)").unwrap();
        let lock = Lock::take(&path).unwrap();
        let other = Connection::open(&path).unwrap();
        other.busy_timeout(Duration::ZERO).unwrap();
        assert!(other.execute_batch("DELETE FROM t").is_err());
        drop(lock);
        other.execute_batch("DELETE FROM t WHERE a IS NULL").unwrap();
        assert_eq!(lines(&path, "SELECT a, 1 FROM t").unwrap(), ["x|1"]);
    }
}
