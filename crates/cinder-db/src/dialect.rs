//! The one connection type that queries run on, and everything in which the databases differ.
//!
//! Must not: know a table of Cinder's. Queries speak the SQL that all databases share; where
//! there is none (opening, locks, keys of new rows, error texts, timestamps) they call a
//! function of this module, which asks the file of the database at hand.
//!
//! `Native` is an enum over the connection types of the databases that are built in. Diesel
//! derives a backend for it, so each query is compiled once (docs/adr/0005).

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

use diesel::{QueryResult, connection::TransactionManager as _};

#[cfg(any(feature = "mysql", feature = "postgres"))]
use crate::url::Server;
use crate::{error::DbError, options::DatabaseOptions, url::Target};

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
            mysql::open(server, options).map(|native| (Native::Mysql(native), Stamp::Server))
        }
        #[cfg(feature = "postgres")]
        Target::Postgres(server) => {
            postgres::open(server, options).map(|native| (Native::Postgres(native), Stamp::Server))
        }
        #[cfg(not(all(feature = "sqlite", feature = "mysql", feature = "postgres")))]
        _ => unreachable!("a URL whose database is not built in is refused when it is parsed"),
    }
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

/// The names of all tables.
pub(crate) fn table_names(native: &mut Native) -> QueryResult<Vec<String>> {
    match native {
        #[cfg(feature = "sqlite")]
        Native::Sqlite(native) => sqlite::table_names(native),
        #[cfg(feature = "mysql")]
        Native::Mysql(native) => mysql::table_names(native),
        #[cfg(feature = "postgres")]
        Native::Postgres(native) => postgres::table_names(native),
    }
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
        fault: fault::fault_of_text(&text),
        source: text.trim_end().into(),
    }
}

/// Runs a query whose only column is called `name`.
#[cfg(any(feature = "mysql", feature = "postgres"))]
fn names<'q, C>(native: &mut C, sql: &'q str) -> QueryResult<Vec<String>>
where
    C: diesel::connection::LoadConnection,
    Name: diesel::QueryableByName<C::Backend>,
    diesel::query_builder::SqlQuery: diesel::query_dsl::LoadQuery<'q, C, Name>,
{
    use diesel::RunQueryDsl as _;
    let rows: Vec<Name> = diesel::sql_query(sql).load(native)?;
    Ok(rows.into_iter().map(|row| row.name).collect())
}

#[cfg(any(feature = "mysql", feature = "postgres"))]
#[derive(diesel::QueryableByName)]
struct Name {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}
