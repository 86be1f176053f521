//! Everything that is peculiar to SQLite: opening, pragmas, locks, error texts.
//!
//! Must not: know a table of Cinder's. Another database is added by giving it a file like
//! this one and making [`Native`] an enum over both; queries speak portable SQL.
//!
//! The order on opening matters: `busy_timeout` comes first, because every later pragma
//! can meet a lock, and without it would fail at once instead of waiting.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use diesel::{
    Connection as _, ConnectionError, QueryResult, QueryableByName, RunQueryDsl,
    connection::SimpleConnection, sql_query, sql_types::Text, sqlite::SqliteConnection,
};

use crate::{
    error::{DbError, Fault},
    options::DatabaseOptions,
};

/// The connection type that queries run on.
pub(crate) type Native = SqliteConnection;

/// Page cache per connection in KiB. A daemon has a connection per worker and its rows fit
/// in a few pages; SQLite's default lets each grow to 2 MiB.
const CACHE_KIB: u32 = 32;

/// How long the one attempt to enable the write-ahead log may wait for other users.
const WAL_PATIENCE: Duration = Duration::from_millis(200);

/// Which file a connection has open, so that a vanished or replaced one is noticed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct FileStamp {
    file: PathBuf,
    #[cfg(unix)]
    inode: (u64, u64),
}

impl FileStamp {
    fn of(file: &Path) -> io::Result<Self> {
        let _metadata = fs::metadata(file)?;
        Ok(Self {
            file: file.to_owned(),
            #[cfg(unix)]
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
pub(crate) fn open(options: &DatabaseOptions) -> Result<(Native, FileStamp), DbError> {
    let file = options.url.file();
    let mut native = establish(file).map_err(|source| open_error(options, source))?;
    settle(&mut native, options).map_err(|source| match source.to_string() {
        text if text.contains("not a database") => DbError::NotADatabase { file: file.to_owned() },
        text => DbError::Open {
            database: options.url.to_string(),
            fault: fault(&text),
            source: source.into(),
        },
    })?;
    let stamp = FileStamp::of(file).map_err(|source| {
        open_error(options, ConnectionError::BadConnection(source.to_string()))
    })?;
    Ok((native, stamp))
}

fn open_error(options: &DatabaseOptions, source: ConnectionError) -> DbError {
    let database = options.url.to_string();
    DbError::Open { database, fault: Fault::Unavailable, source: source.into() }
}

/// Opens a file as it is, without settings. `mode=rw` keeps SQLite from creating it.
pub(crate) fn establish(file: &Path) -> Result<Native, ConnectionError> {
    Native::establish(&format!("file:{}?mode=rw", percent_encoded(&file.to_string_lossy())))
}

fn percent_encoded(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                encoded.push(char::from(byte));
            }
            _ => write!(encoded, "%{byte:02X}").expect("writing to a String cannot fail"),
        }
    }
    encoded
}

fn settle(native: &mut Native, options: &DatabaseOptions) -> QueryResult<()> {
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

fn set_busy_timeout(native: &mut Native, timeout: Duration) -> QueryResult<()> {
    let milliseconds = timeout.as_millis().min(i32::MAX.unsigned_abs().into());
    native.batch_execute(&format!("PRAGMA busy_timeout = {milliseconds};"))
}

#[derive(QueryableByName)]
struct JournalMode {
    #[diesel(sql_type = Text)]
    journal_mode: String,
}

fn journal_mode(native: &mut Native) -> QueryResult<String> {
    sql_query("PRAGMA journal_mode").get_result::<JournalMode>(native).map(|row| row.journal_mode)
}

/// Tries to switch the file to a write-ahead log, so that readers and the writer do not
/// block each other. The file keeps the mode, so one process does it once, at start.
///
/// A file system without shared memory, or another process in the middle of its work, can
/// stand in the way; the rollback journal is slower but right, so nothing is reported.
pub(crate) fn prefer_wal(native: &mut Native, busy_timeout: Duration) -> QueryResult<()> {
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
pub(crate) fn without_safety_net(native: &mut Native) -> QueryResult<()> {
    native.batch_execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
}

/// Runs `body` in a transaction that takes the write lock at once.
///
/// A transaction that reads first and then writes can find that another process wrote in
/// between; SQLite then fails it without waiting. Taking the lock first avoids that.
pub(crate) fn write_transaction<T>(
    native: &mut Native,
    body: impl FnOnce(&mut Native) -> Result<T, DbError>,
) -> Result<T, DbError> {
    native.immediate_transaction(body)
}

#[derive(QueryableByName)]
struct TableName {
    #[diesel(sql_type = Text)]
    name: String,
}

/// The names of all tables.
pub(crate) fn table_names(native: &mut Native) -> QueryResult<Vec<String>> {
    sql_query("SELECT name FROM sqlite_master WHERE type = 'table'")
        .load::<TableName>(native)
        .map(|rows| rows.into_iter().map(|row| row.name).collect())
}

/// Sorts SQLite's error texts (`sqlite3_errstr`); Diesel passes no code on.
pub(crate) fn fault(text: &str) -> Fault {
    const AWAY: [&str; 7] = [
        "database is locked",
        "database table is locked",
        "locking protocol",
        "unable to open database file",
        "disk I/O error",
        "database or disk is full",
        "attempt to write a readonly database",
    ];
    if AWAY.iter().any(|away| text.contains(away)) { Fault::Unavailable } else { Fault::Refused }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_any_character_survives_the_uri() {
        assert_eq!(percent_encoded("/a b/c?d#e%.x"), "/a%20b/c%3Fd%23e%25.x");
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
