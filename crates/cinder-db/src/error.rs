//! What can go wrong with the database, sorted by what an operator would do about it.
//!
//! Must not: show types of the SQL library. Its errors travel as sources, so that a caller
//! can print the chain without depending on it.

use std::{io, path::PathBuf, time::Duration};

use crate::dialect;

/// The database library's own error.
pub type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What an error means for whoever has to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The database cannot be reached, or went away in the middle.
    Lost,
    /// Somebody else held a lock for too long, or the statement took too long.
    Busy,
    /// The database undid a transaction to let others go on; it can be tried anew at once.
    Deadlock,
    /// The server has no connection, or no prepared statement, left for us.
    TooManyConnections,
    /// The database takes no changes at present: a replica, or a disk mounted read-only.
    ReadOnly,
    /// No space is left for data.
    Full,
    /// A constraint of the schema forbids the change.
    Constraint,
    /// A value does not fit its column.
    Value,
    /// The database answered, and refused.
    Refused,
}

impl Fault {
    /// Whether trying the same again later can help.
    #[must_use]
    pub fn may_pass(self) -> bool {
        !matches!(self, Self::Constraint | Self::Value | Self::Refused)
    }
}

/// Why a database operation failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// The database could not be opened.
    #[error("cannot open database {database}")]
    Open {
        /// The database, without password.
        database: String,
        /// What it means.
        fault: Fault,
        /// What the library said.
        source: Cause,
    },

    /// A statement failed.
    #[error("database query failed")]
    Query {
        /// What it means.
        fault: Fault,
        /// What the library said.
        source: Cause,
    },

    /// The file vanished or was replaced under an open connection. SQLite would go on
    /// writing into the file that nobody else sees any more.
    #[error("database file {} is no longer the one that was opened", file.display())]
    Replaced {
        /// The path that was opened.
        file: PathBuf,
    },

    /// The file exists and is something else.
    #[error("{} is not a SQLite database", file.display())]
    NotADatabase {
        /// The file.
        file: PathBuf,
    },

    /// A missing SQLite file could not be created.
    #[error("cannot create database file {}: {step} failed", file.display())]
    Create {
        /// The file that was to be.
        file: PathBuf,
        /// The step that failed.
        step: &'static str,
        /// Why.
        source: io::Error,
    },

    /// The schema could not be written into a new SQLite file.
    #[error("cannot create the schema in new database file {}", file.display())]
    CreateSchema {
        /// The file that was to be.
        file: PathBuf,
        /// What the library said.
        source: Cause,
    },

    /// The database has no schema, or not all of it. We never create or migrate one.
    #[error(
        "database {database} lacks {missing}; this release needs schema {needed}, which \
         \"cinder-manage db sync\" of release {release} makes"
    )]
    SchemaMissing {
        /// The database, without password.
        database: String,
        /// The first missing tables and columns.
        missing: String,
        /// The revision we work with.
        needed: &'static str,
        /// The release that has it.
        release: &'static str,
    },

    /// The database has the schema of an older release.
    #[error(
        "database {database} has schema {found}{}; this release needs schema {needed}, which \
         \"cinder-manage db sync\" of release {release} makes",
        missing.as_ref().map(|names| format!(" and lacks {names}")).unwrap_or_default()
    )]
    SchemaVersion {
        /// The database, without password.
        database: String,
        /// What `alembic_version` says.
        found: String,
        /// The first missing tables and columns, if any are.
        missing: Option<String>,
        /// The revision we work with.
        needed: &'static str,
        /// The release that has it.
        release: &'static str,
    },

    /// A handle crossed a fork. Our bug, never the operator's: two processes that share
    /// one connection corrupt each other's answers, and SQLite's file besides.
    #[error("a database handle opened by process {opener} was used in process {here}")]
    ForeignProcess {
        /// The process that opened it.
        opener: u32,
        /// The process that used it.
        here: u32,
    },

    /// A row that was to be changed does not exist, or is deleted.
    #[error("{what} {id} does not exist")]
    NotFound {
        /// The kind of resource.
        what: &'static str,
        /// Its key.
        id: String,
    },

    /// A volume has this note of its image already, with another value.
    #[error("volume {volume} has image metadata {key:?} with another value")]
    ImageMetadataExists {
        /// The volume.
        volume: String,
        /// The note's key.
        key: String,
    },

    /// A service that is too old to have said what it speaks.
    #[error("service {binary} on host {host} announces no {what} version: it is too old")]
    ServiceTooOld {
        /// The service's binary.
        binary: String,
        /// Its host.
        host: String,
        /// Which version is missing.
        what: &'static str,
    },

    /// A version in table `services` that is not `major.minor`.
    #[error("service {binary} on host {host} announces an unreadable version")]
    ServiceVersion {
        /// The service's binary.
        binary: String,
        /// Its host.
        host: String,
        /// The text.
        source: cinder_types::ParseVersionError,
    },

    /// A change that MySQL cannot make in one statement: it sets one column after the other.
    #[error("columns {} cannot exchange values", columns.join(", "))]
    Exchange {
        /// The columns that read each other.
        columns: Vec<&'static str>,
    },

    /// The caller's wait said to give up while the database was away.
    #[error("gave up waiting for the database")]
    GaveUp {
        /// Why the last attempt failed.
        source: Box<DbError>,
    },

    /// A server kept a connection open and did not answer.
    #[error("the database server has not answered within {} s", limit.as_secs())]
    NoAnswer {
        /// How long it was given.
        limit: Duration,
    },

    /// The thread that writes heartbeats could not be started.
    #[error("cannot start a thread for the heartbeat")]
    NoThread {
        /// Why.
        source: io::Error,
    },

    /// No pooled connection was to be had in time.
    #[error("no database connection became free in time")]
    Pool {
        /// What the pool said.
        source: Cause,
    },
}

impl DbError {
    /// Whether the database is away, so that trying again later can help.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Open { fault, .. } | Self::Query { fault, .. } => fault.may_pass(),
            Self::Replaced { .. }
            | Self::Pool { .. }
            | Self::NoAnswer { .. }
            | Self::NoThread { .. } => true,
            _ => false,
        }
    }

    /// Whether the connection is of no more use, while a new one might be.
    #[must_use]
    pub fn is_connection_lost(&self) -> bool {
        self.fault() == Some(Fault::Lost) || matches!(self, Self::Replaced { .. })
    }

    /// What a failed statement or attempt to connect means; `None` for all other errors.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Self::Open { fault, .. } | Self::Query { fault, .. } => Some(*fault),
            _ => None,
        }
    }
}

impl From<diesel::result::Error> for DbError {
    fn from(source: diesel::result::Error) -> Self {
        Self::Query { fault: dialect::fault(&source), source: source.into() }
    }
}

/// The texts of an error and of all its causes in one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
