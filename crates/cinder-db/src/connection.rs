//! One database connection that knows which process opened it.
//!
//! Must not: cross a fork. Two processes that share a SQLite handle lose each other's locks
//! and damage the file; two that share a socket read each other's answers. A handle is
//! therefore useless in any other process: every use is refused, and dropping it there leaks
//! it, because closing would act on the opener's file or socket.

use std::{error::Error, fmt, ops::ControlFlow, time::Duration};

use tracing::warn;

#[cfg(feature = "sqlite")]
use crate::embedded;
use crate::{
    dialect::{self, Native, Stamp},
    error::DbError,
    options::DatabaseOptions,
    protection::Protection,
    queries::schema_version,
    url::DatabaseUrl,
};

/// A plain connection, usable in the process that opened it.
pub struct Connection {
    /// `None` only while being dropped.
    native: Option<Native>,
    stamp: Stamp,
    url: DatabaseUrl,
    database: String,
    /// How long a statement may take, where that is asked for.
    limit: Option<Duration>,
    opener: u32,
}

impl Connection {
    /// Opens an existing database; never creates a file.
    ///
    /// # Errors
    ///
    /// [`DbError::Open`] or [`DbError::NotADatabase`].
    pub fn open(options: &DatabaseOptions) -> Result<Self, DbError> {
        let (native, stamp) = dialect::open(options)?;
        Ok(Self {
            native: Some(native),
            stamp,
            url: options.url.clone(),
            database: options.url.to_string(),
            limit: options.statement_timeout,
            opener: std::process::id(),
        })
    }

    /// Reads `alembic_version` and the list of tables, and refuses what we do not know.
    ///
    /// # Errors
    ///
    /// [`DbError::SchemaMissing`] or [`DbError::SchemaVersion`]; nothing is ever written.
    pub fn check_schema(&mut self) -> Result<(), DbError> {
        let database = self.database.clone();
        self.limited(|native| schema_version::check(native, &database))
    }

    /// Whether the file is still the one that was opened and this the opener's process.
    ///
    /// # Errors
    ///
    /// [`DbError::Replaced`] or [`DbError::ForeignProcess`].
    pub fn check_alive(&self) -> Result<(), DbError> {
        self.check_process()?;
        self.stamp.check()
    }

    /// Asks the database for a sign of life; a file is only looked at.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::check_alive`], and [`DbError::Query`].
    pub fn ping(&mut self) -> Result<(), DbError> {
        self.check_alive()?;
        Ok(dialect::ping(self.native()?)?)
    }

    /// How the way to the database is protected; one round trip to a server.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::check_alive`], and [`DbError::Query`].
    pub fn protection(&mut self) -> Result<Protection, DbError> {
        self.check_alive()?;
        let url = self.url.clone();
        dialect::protection(self.native()?, url.target())
    }

    /// Whether an error or a panic left it in the middle of a transaction.
    pub(crate) fn is_broken(&mut self) -> bool {
        self.check_alive().is_err() || self.native().map_or(true, dialect::is_broken)
    }

    /// Closes the connection; the same as dropping it, but says so where it matters.
    pub fn close(self) {
        drop(self);
    }

    pub(crate) fn native(&mut self) -> Result<&mut Native, DbError> {
        self.check_process()?;
        Ok(self.native.as_mut().expect("only drop takes it out"))
    }

    /// Runs `body`, which writes in one statement at most, within the limit of this connection.
    pub(crate) fn limited<T>(
        &mut self,
        body: impl FnOnce(&mut Native) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        let limit = self.limit;
        dialect::limited(self.native()?, limit, body)
    }

    fn check_process(&self) -> Result<(), DbError> {
        match std::process::id() {
            here if here == self.opener => Ok(()),
            here => Err(DbError::ForeignProcess { opener: self.opener, here }),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.check_process().is_err() {
            std::mem::forget(self.native.take());
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("database", &self.database)
            .field("opener", &self.opener)
            .finish_non_exhaustive()
    }
}

/// Creates a SQLite file that does not exist, with schema and first rows.
///
/// Returns whether this call created it. Missing directories are made. The schema of any other
/// database belongs to `cinder-manage`, so nothing happens to it.
///
/// # Errors
///
/// [`DbError::Create`] or [`DbError::CreateSchema`]; no file of that name is left then.
pub fn create(url: &DatabaseUrl) -> Result<bool, DbError> {
    match url.file() {
        #[cfg(feature = "sqlite")]
        Some(file) => embedded::create(file),
        _ => Ok(false),
    }
}

/// Opens the database and checks the schema; creates a SQLite file that does not exist.
///
/// # Errors
///
/// Those of [`create`], [`Connection::open`] and [`Connection::check_schema`].
pub fn open_or_create(options: &DatabaseOptions) -> Result<Connection, DbError> {
    create(&options.url)?;
    let mut connection = Connection::open(options)?;
    connection.check_schema()?;
    dialect::prefer_concurrency(connection.native()?, options)?;
    Ok(connection)
}

/// Opens the database, creating a missing SQLite file, and waits while it is away.
///
/// Tries once and then `max_retries` times more (-1: for ever). `wait` sleeps between two
/// attempts; it returns `Break` to give up, for example on SIGTERM. What waiting cannot
/// cure (an unknown schema, a directory in the file's place) is returned at once.
///
/// # Errors
///
/// The last attempt's error, or [`DbError::GaveUp`] with it when `wait` said so.
pub fn retry_connect(
    options: &DatabaseOptions,
    mut wait: impl FnMut(Duration) -> ControlFlow<()>,
) -> Result<Connection, DbError> {
    let mut left = options.max_retries;
    loop {
        let error = match open_or_create(options) {
            Ok(connection) => return Ok(connection),
            Err(error) if left != 0 && error.is_unavailable() => error,
            Err(error) => return Err(error),
        };
        // The words and the count are upstream's, which counts down from -1 as well.
        warn!(
            target: "oslo_db.sqlalchemy.engines",
            error = &error as &(dyn Error + 'static),
            "SQL connection failed. {left} attempts left."
        );
        left -= 1;
        if wait(options.retry_interval).is_break() {
            return Err(DbError::GaveUp { source: Box::new(error) });
        }
    }
}
