//! What is peculiar to SQLite: opening, pragmas, locks, which file is open.
//!
//! Must not: know a table of Cinder's.
//!
//! The order on opening matters: `busy_timeout` comes first, because every later pragma
//! can meet a lock, and without it would fail at once instead of waiting.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use diesel::{
    Connection as _, ConnectionError, QueryResult, QueryableByName, RunQueryDsl,
    connection::{AnsiTransactionManager, SimpleConnection},
    sql_query,
    sql_types::Text,
    sqlite::SqliteConnection,
};

use super::fault;
use crate::{
    error::{DbError, Fault},
    options::DatabaseOptions,
    url::percent,
};

/// Page cache per connection in KiB. A daemon has a connection per worker and its rows fit
/// in a few pages; SQLite's default lets each grow to 2 MiB.
const CACHE_KIB: u32 = 32;

/// How long the one attempt to enable the write-ahead log may wait for other users.
const WAL_PATIENCE: Duration = Duration::from_millis(200);

/// Which file a connection has open, so that a vanished or replaced one is noticed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FileStamp {
    file: PathBuf,
    inode: (u64, u64),
}

impl FileStamp {
    fn of(file: &Path) -> io::Result<Self> {
        let _metadata = fs::metadata(file)?;
        Ok(Self {
            file: file.to_owned(),
            inode: {
                use std::os::unix::fs::MetadataExt as _;
                (_metadata.dev(), _metadata.ino())
            },
        })
    }

    /// Fails once the path leads somewhere else than at opening.
    ///
    /// Costs one `stat`. SQLite itself goes on writing into an unlinked file for ever.
    pub(crate) fn check(&self) -> Result<(), DbError> {
        match Self::of(&self.file) {
            Ok(now) if now == *self => Ok(()),
            _ => Err(DbError::Replaced { file: self.file.clone() }),
        }
    }
}

/// Opens an existing file; never creates one.
pub(super) fn open(
    file: &Path,
    options: &DatabaseOptions,
) -> Result<(SqliteConnection, FileStamp), DbError> {
    let mut native = establish(file).map_err(|source| not_opened(file, options, source))?;
    settle(&mut native, options).map_err(|source| match source.to_string() {
        text if text.contains("not a database") => DbError::NotADatabase { file: file.to_owned() },
        _ => DbError::Open {
            database: options.url.to_string(),
            fault: fault(&source),
            source: source.into(),
        },
    })?;
    let stamp = FileStamp::of(file).map_err(|source| {
        open_error(options, ConnectionError::BadConnection(source.to_string()))
    })?;
    Ok((native, stamp))
}

/// The library says only that it could not; the system is asked why. To open the file for that would give up the locks
/// of other connections of this process (fcntl(2)).
fn not_opened(file: &Path, options: &DatabaseOptions, said: ConnectionError) -> DbError {
    use nix::unistd::{AccessFlags, eaccess};
    let looked = fs::metadata(file);
    let looked = looked.and_then(|_| Ok(eaccess(file, AccessFlags::R_OK | AccessFlags::W_OK)?));
    let Err(cause) = looked else { return open_error(options, said) };
    // Nobody gets rights by waiting.
    let is_denied = cause.kind() == io::ErrorKind::PermissionDenied;
    DbError::Open {
        database: options.url.to_string(),
        fault: if is_denied { Fault::Refused } else { Fault::Lost },
        source: cause.into(),
    }
}

fn open_error(options: &DatabaseOptions, source: ConnectionError) -> DbError {
    let database = options.url.to_string();
    DbError::Open { database, fault: Fault::Lost, source: source.into() }
}

/// Opens a file as it is, without settings. `mode=rw` keeps SQLite from creating it.
pub(crate) fn establish(file: &Path) -> Result<SqliteConnection, ConnectionError> {
    SqliteConnection::establish(&format!("file:{}?mode=rw", percent_encoded(file)))
}

/// The path with everything encoded that means something in a URI.
fn percent_encoded(file: &Path) -> String {
    let text = file.to_string_lossy();
    text.split('/').map(percent::encode).collect::<Vec<_>>().join("/")
}

fn settle(native: &mut SqliteConnection, options: &DatabaseOptions) -> QueryResult<()> {
    set_busy_timeout(native, options.busy_timeout)?;
    // Reading the mode is the first access to the file: locks and damage show up here.
    let synchronous = match (options.sqlite_synchronous, journal_mode(native)?.as_str()) {
        (false, _) => "OFF",
        // With a write-ahead log a crash of the machine can undo the last commits under
        // NORMAL, never damage the file. With a rollback journal it could damage it.
        (true, "wal") => "NORMAL",
        (true, _) => "FULL",
    };
    // Foreign keys are enforced as on the other databases; a bug shows on all of them.
    native.batch_execute(&format!(
        "PRAGMA synchronous = {synchronous}; PRAGMA cache_size = -{CACHE_KIB}; \
         PRAGMA foreign_keys = ON;"
    ))
}

fn set_busy_timeout(native: &mut SqliteConnection, timeout: Duration) -> QueryResult<()> {
    let milliseconds = timeout.as_millis().min(i32::MAX.unsigned_abs().into());
    native.batch_execute(&format!("PRAGMA busy_timeout = {milliseconds};"))
}

#[derive(QueryableByName)]
struct JournalMode {
    #[diesel(sql_type = Text)]
    journal_mode: String,
}

fn journal_mode(native: &mut SqliteConnection) -> QueryResult<String> {
    sql_query("PRAGMA journal_mode").get_result::<JournalMode>(native).map(|row| row.journal_mode)
}

/// Tries to switch the file to a write-ahead log, so that readers and the writer do not
/// block each other. The file keeps the mode, so one process does it once, at start.
///
/// A file system without shared memory, or another process in the middle of its work, can
/// stand in the way; the rollback journal is slower but right, so nothing is reported.
pub(crate) fn prefer_wal(native: &mut SqliteConnection, busy_timeout: Duration) -> QueryResult<()> {
    if journal_mode(native)? == "wal" {
        return Ok(());
    }
    set_busy_timeout(native, WAL_PATIENCE.min(busy_timeout))?;
    if let Err(error) = native.batch_execute("PRAGMA journal_mode = WAL;") {
        tracing::debug!(target: "cinder.db", %error, "SQLite keeps its rollback journal");
    }
    set_busy_timeout(native, busy_timeout)
}

/// Prepares a file nobody else knows yet for writing it in one go: a crash leaves a file
/// that will never be used, so neither journal nor waiting for the disk is needed.
pub(crate) fn without_safety_net(native: &mut SqliteConnection) -> QueryResult<()> {
    native.batch_execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
}

/// Begins a transaction that has the write lock.
pub(super) fn begin_immediate(native: &mut SqliteConnection) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction_sql(native, "BEGIN IMMEDIATE")
}

/// Begins a transaction that sees the file as it is at its first read.
pub(super) fn begin_deferred(native: &mut SqliteConnection) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction_sql(native, "BEGIN DEFERRED")
}

/// See `dialect::column_names`.
pub(super) const COLUMN_NAMES: &str = "SELECT t.name AS table_of, c.name AS name FROM sqlite_master t, pragma_table_info(t.name) c \
     WHERE t.type = 'table'";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_any_character_survives_the_uri() {
        assert_eq!(percent_encoded(Path::new("/a b/c?d#e%.x")), "/a%20b/c%3Fd%23e%25.x");
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a b?mode=memory#%41ä.sqlite");
        fs::write(&file, "").unwrap();
        let mut native = establish(&file).unwrap();
        native.batch_execute("CREATE TABLE t (x)").unwrap();
        assert_ne!(fs::metadata(&file).unwrap().len(), 0);
    }

    #[test]
    fn a_missing_file_is_not_created_by_opening_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("absent");
        assert!(establish(&file).is_err());
        assert!(!file.exists());
    }
}
