//! The one connection type that queries run on, and everything in which the databases differ.
//!
//! Must not: know a table of Cinder's. Queries speak the SQL that all databases share; where
//! there is none (opening, locks, keys of new rows, error texts, timestamps) they call a
//! function of this module, which asks the file of the database at hand.
//!
//! `Native` is an enum over the connection types of the databases that are built in. Diesel
//! derives a backend for it, so each query is compiled once (docs/adr/0005).

mod among;
mod fault;
mod host;
mod kept;
mod lock;
mod multi;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
mod timestamp;

use std::{collections::BTreeSet, time::Duration};

use diesel::{QueryResult, RunQueryDsl as _, connection::TransactionManager as _};

use crate::{error::DbError, options::DatabaseOptions, protection::Protection, url::Target};
#[cfg(any(feature = "mysql", feature = "postgres"))]
use crate::{
    error::Fault,
    url::{Server, UrlError},
};

pub(crate) use among::among;
pub(crate) use fault::fault;
pub(crate) use host::{exactly, on_host};
pub(crate) use kept::kept_update;
pub(crate) use lock::for_update;
pub(crate) use multi::{MultiBackend, MultiRawValue, Native};

/// What tells that an open connection no longer leads to its database.
#[derive(Debug)]
pub(crate) enum Stamp {
    /// The file that was opened.
    #[cfg(feature = "sqlite")]
    File(sqlite::FileStamp),
    /// A server tells by itself, at the next statement.
    #[cfg(any(feature = "mysql", feature = "postgres"))]
    Server,
}

impl Stamp {
    /// Looks without asking the database.
    pub(crate) fn check(&self) -> Result<(), DbError> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::File(stamp) => stamp.check(),
            #[cfg(any(feature = "mysql", feature = "postgres"))]
            Self::Server => Ok(()),
        }
    }
}

/// Opens an existing database and sets the session up.
pub(crate) fn open(options: &DatabaseOptions) -> Result<(Native, Stamp), DbError> {
    match options.url.target() {
        #[cfg(feature = "sqlite")]
        Target::Sqlite { file, .. } => sqlite::open(file, options)
            .map(|(native, stamp)| (Native::Sqlite(native), Stamp::File(stamp))),
        #[cfg(feature = "mysql")]
        Target::Mysql(server) => {
            mysql::open(server, options).map(|native| on_server(Native::Mysql(native), options))
        }
        #[cfg(feature = "postgres")]
        Target::Postgres(server) => postgres::open(server, options)
            .map(|native| on_server(Native::Postgres(native), options)),
        #[cfg(not(all(feature = "sqlite", feature = "mysql", feature = "postgres")))]
        _ => unreachable!("a URL whose database is not built in is refused when it is parsed"),
    }
}

/// A session may be shared, and a server may have no prepared statement left for us: by default
/// nothing stays prepared. PostgreSQL then gets statement and values in one message, which is one
/// round trip as before; MySQL prepares, executes and forgets, which is two.
#[cfg(any(feature = "mysql", feature = "postgres"))]
fn on_server(mut native: Native, options: &DatabaseOptions) -> (Native, Stamp) {
    use diesel::{Connection as _, connection::CacheSize};
    if !options.statement_cache {
        native.set_prepared_statement_cache_size(CacheSize::Disabled);
    }
    (native, Stamp::Server)
}

/// Runs `body`, whose statements may each take so long, and which writes in one of them at most.
///
/// MySQL's sessions have limits of their own (`mysql.rs`), SQLite its busy timeout; on PostgreSQL
/// the limit is that of a transaction.
#[cfg_attr(not(feature = "postgres"), expect(unused_variables, reason = "for PostgreSQL alone"))]
pub(crate) fn limited<T>(
    native: &mut Native,
    limit: Option<Duration>,
    body: impl FnOnce(&mut Native) -> Result<T, DbError>,
) -> Result<T, DbError> {
    #[cfg(feature = "postgres")]
    if let (Native::Postgres(_), Some(limit)) = (&native, limit) {
        postgres::begin_limited(native, limit)?;
        return finish(native, body);
    }
    body(native)
}

/// One round trip to a server; a file cannot be away while it is open.
pub(crate) fn ping(native: &mut Native) -> QueryResult<()> {
    match native {
        #[cfg(feature = "sqlite")]
        Native::Sqlite(_) => Ok(()),
        #[cfg(feature = "mysql")]
        Native::Mysql(native) => mysql::ping(native),
        #[cfg(feature = "postgres")]
        Native::Postgres(native) => postgres::ping(native),
    }
}

/// Whether a transaction is open that nobody is going to end.
pub(crate) fn is_broken(native: &mut Native) -> bool {
    <Native as diesel::Connection>::TransactionManager::is_broken_transaction_manager(native)
}

/// Brings a database that was opened into the best shape for many users; once per start.
#[cfg_attr(not(feature = "sqlite"), expect(unused_variables, reason = "servers need nothing"))]
pub(crate) fn prefer_concurrency(
    native: &mut Native,
    options: &DatabaseOptions,
) -> Result<(), DbError> {
    match native {
        #[cfg(feature = "sqlite")]
        Native::Sqlite(native) => Ok(sqlite::prefer_wal(native, options.busy_timeout)?),
        #[cfg(any(feature = "mysql", feature = "postgres"))]
        _ => Ok(()),
    }
}

/// Runs `body` in a transaction that is going to write.
///
/// On SQLite it takes the write lock at once: a transaction that reads first and then writes
/// can find that another process wrote in between, and is failed then without waiting.
pub(crate) fn write_transaction<T>(
    native: &mut Native,
    body: impl FnOnce(&mut Native) -> Result<T, DbError>,
) -> Result<T, DbError> {
    match native {
        #[cfg(feature = "sqlite")]
        Native::Sqlite(native) => sqlite::begin_immediate(native)?,
        #[cfg(any(feature = "mysql", feature = "postgres"))]
        _ => <Native as diesel::Connection>::TransactionManager::begin_transaction(native)?,
    }
    finish(native, body)
}

/// Runs `body` in a transaction that only reads, all of it as the database was at one moment.
///
/// PostgreSQL has to be told; the others do so by default.
pub(crate) fn read_transaction<T>(
    native: &mut Native,
    body: impl FnOnce(&mut Native) -> Result<T, DbError>,
) -> Result<T, DbError> {
    match native {
        #[cfg(feature = "sqlite")]
        Native::Sqlite(native) => sqlite::begin_deferred(native)?,
        #[cfg(feature = "mysql")]
        Native::Mysql(native) => mysql::begin_read_only(native)?,
        #[cfg(feature = "postgres")]
        Native::Postgres(native) => postgres::begin_read_only(native)?,
    }
    finish(native, body)
}

/// Runs `body` and ends the transaction that was begun for it.
fn finish<T>(
    native: &mut Native,
    body: impl FnOnce(&mut Native) -> Result<T, DbError>,
) -> Result<T, DbError> {
    type Manager = <Native as diesel::Connection>::TransactionManager;
    match body(native) {
        Ok(value) => {
            Manager::commit_transaction(native)?;
            Ok(value)
        }
        Err(error) => {
            // The error that led here says more than one of the rollback; a connection that
            // could not roll back is found broken at its next use.
            let _ = Manager::rollback_transaction(native);
            Err(error)
        }
    }
}

/// Whether a writing transaction keeps all other writers out.
pub(crate) fn writers_take_turns(native: &Native) -> bool {
    match native {
        #[cfg(feature = "sqlite")]
        Native::Sqlite(_) => true,
        #[cfg(any(feature = "mysql", feature = "postgres"))]
        _ => false,
    }
}

/// How much of what a body does has to happen together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// It changes something in one statement only, and may do without a transaction.
    OneStatement,
    /// It needs one.
    Several,
}

/// Runs `body` in a transaction while nobody else on this database runs another such.
///
/// For rows that no constraint of the schema keeps single. It begins after its turn has come,
/// so it sees what the one before has committed. Should the turn not come for long, because
/// its holder hangs or the server has no such locks, it goes on without: that is what upstream
/// does always.
#[cfg_attr(not(feature = "mysql"), expect(unused_variables, reason = "for MySQL alone"))]
pub(crate) fn exclusive_transaction<T>(
    native: &mut Native,
    extent: Extent,
    body: impl FnOnce(&mut Native) -> Result<T, DbError>,
) -> Result<T, DbError> {
    match native {
        #[cfg(feature = "sqlite")]
        Native::Sqlite(_) => write_transaction(native, body),
        #[cfg(feature = "mysql")]
        Native::Mysql(_) => mysql::exclusive_transaction(native, extent, body),
        #[cfg(feature = "postgres")]
        Native::Postgres(_) => postgres::exclusive_transaction(native, body),
    }
}

/// Each column of each table: the table's name and its own.
pub(crate) fn column_names(native: &mut Native) -> QueryResult<BTreeSet<(String, String)>> {
    let rows: Vec<ColumnName> = match native {
        #[cfg(feature = "sqlite")]
        Native::Sqlite(native) => diesel::sql_query(sqlite::COLUMN_NAMES).load(native)?,
        #[cfg(feature = "mysql")]
        Native::Mysql(native) => diesel::sql_query(mysql::COLUMN_NAMES).load(native)?,
        #[cfg(feature = "postgres")]
        Native::Postgres(native) => diesel::sql_query(postgres::COLUMN_NAMES).load(native)?,
    };
    Ok(rows.into_iter().map(|row| (row.table_of, row.name)).collect())
}

#[derive(diesel::QueryableByName)]
struct ColumnName {
    #[diesel(sql_type = diesel::sql_types::Text)]
    table_of: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

/// A server could not be reached, or did not like us.
#[cfg(any(feature = "mysql", feature = "postgres"))]
fn open_error(
    server: &Server,
    options: &DatabaseOptions,
    source: &dyn std::error::Error,
) -> DbError {
    let text = source.to_string();
    let text = server.password.as_ref().map_or(text.clone(), |password| password.scrub(&text));
    DbError::Open {
        database: options.url.to_string(),
        fault: fault::at_connecting(&text, login_in_errors(options)),
        source: text.trim_end().into(),
    }
}

/// What the URL names cannot be used any more.
#[cfg(any(feature = "mysql", feature = "postgres"))]
fn refused(options: &DatabaseOptions, source: UrlError) -> DbError {
    let database = options.url.to_string();
    DbError::Open { database, fault: Fault::Refused, source: source.into() }
}

/// How the way to the database is protected, one round trip to a server.
pub(crate) fn protection(native: &mut Native, target: &Target) -> Result<Protection, DbError> {
    match (native, target) {
        #[cfg(feature = "mysql")]
        (Native::Mysql(native), Target::Mysql(server)) => mysql::protection(native, server),
        #[cfg(feature = "postgres")]
        (Native::Postgres(native), Target::Postgres(server)) => {
            postgres::protection(native, server)
        }
        _ => Ok(Protection::File),
    }
}

/// The cipher of a session; empty if it is not encrypted.
#[cfg(feature = "postgres")]
#[derive(diesel::QueryableByName)]
struct Cipher {
    #[diesel(sql_type = diesel::sql_types::Text)]
    cipher: String,
}

/// User and database, where a server that names them refuses them.
#[cfg(any(feature = "mysql", feature = "postgres"))]
fn login_in_errors(options: &DatabaseOptions) -> Option<[&str; 2]> {
    match options.url.target() {
        #[cfg(feature = "mysql")]
        Target::Mysql(server) => {
            Some([&server.user, &server.database].map(|name| name.as_deref().unwrap_or_default()))
        }
        _ => None,
    }
}
