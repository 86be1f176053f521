//! What is peculiar to MySQL and MariaDB: logging in, the session, its locks.
//!
//! Must not: know a table of Cinder's.
//!
//! Diesel asks the library for CLIENT_FOUND_ROWS, so an UPDATE counts the rows that matched
//! even where it changed nothing, as upstream's does (`spec/schema.md §6`).

mod address;
mod authorities;
mod greeting;

use std::time::Duration;

use diesel::{
    QueryResult, RunQueryDsl,
    connection::{AnsiTransactionManager, SimpleConnection as _},
    mysql::MysqlConnection,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_query,
    sql_types::{BigInt, Nullable},
};
use tracing::debug;

use self::greeting::NoTls;
use super::{Extent, MultiBackend, Native, open_error, refused};
use crate::{
    error::DbError,
    options::DatabaseOptions,
    protection::{Checked, Protection},
    url::{MysqlAccess, MysqlLevel as Level, Server},
};

/// How long, in seconds, to wait for another daemon that creates a row.
const TURN_PATIENCE: u32 = 5;

/// What [`DatabaseOptions::new`] sets; somebody who sets less has a reason of his own.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn open(server: &Server, options: &DatabaseOptions) -> Result<MysqlConnection, DbError> {
    let access = MysqlAccess::of(server).map_err(|source| refused(options, source))?;
    // With what an option file says: errors name a login, and must not show a password.
    let server = &Server {
        user: access.user.clone(),
        password: access.password.clone(),
        database: Some(access.database.clone()),
        ..server.clone()
    };
    let failed = |source: &dyn std::error::Error| open_error(server, options, source);
    let told = |source: NoTls| {
        let database = options.url.to_string();
        DbError::Open { database, fault: source.fault(), source: source.into() }
    };
    let timeout = access.connect_timeout.map_or(options.connect_timeout, |theirs| {
        // Who is less patient than usual, as a heartbeat is, stays so.
        match options.connect_timeout {
            ours if ours < DEFAULT_TIMEOUT => theirs.min(ours),
            _ => theirs,
        }
    });
    if greeting::is_needed(&access) {
        greeting::look(&access, timeout).map_err(told)?;
    }
    let mut native = address::establish(&access, timeout).map_err(|source| match source {
        address::Failure::Library(source) => failed(&source),
        address::Failure::NoTls(source) => told(source),
    })?;
    if access.tls.level >= Level::Required {
        let cipher = cipher(&mut native).map_err(|source| failed(&source))?;
        if cipher.is_empty() {
            return Err(told(NoTls::Session));
        }
    }
    settle(&mut native, &access, options).map_err(|source| failed(&source))?;
    Ok(native)
}

/// Without TLS this is empty, on a server that cannot have any, too.
fn cipher(native: &mut MysqlConnection) -> QueryResult<String> {
    let row: Status = sql_query("SHOW SESSION STATUS LIKE 'Ssl_cipher'").get_result(native)?;
    Ok(row.cipher)
}

#[derive(diesel::QueryableByName)]
struct Status {
    #[diesel(sql_type = diesel::sql_types::Text, column_name = "Value")]
    cipher: String,
}

pub(super) fn protection(
    native: &mut MysqlConnection,
    server: &Server,
) -> Result<Protection, DbError> {
    let checked = match MysqlAccess::of(server).map(|access| access.tls.level) {
        Ok(Level::Host) => Checked::HostName,
        Ok(Level::Authority) => Checked::Certificate,
        _ => Checked::Nothing,
    };
    let cipher = Some(cipher(native)?).filter(|cipher| !cipher.is_empty());
    Ok(Protection::Session { cipher, checked })
}

/// One statement for all settings.
///
/// They are the session's: MySQL has none of a transaction. Its poolers know that and tell sessions
/// apart by them (ProxySQL sets a client's variables before its statements or keeps a session for
/// it alone, MaxScale repeats them), but read them from statements that come as text. Diesel's own
/// four, on character sets and the time zone, are prepared, which cannot be helped; nothing we send
/// depends on the latter.
///
/// Error texts come in English then, because Diesel passes few numbers on (see `fault`).
fn settle(
    native: &mut MysqlConnection,
    access: &MysqlAccess,
    options: &DatabaseOptions,
) -> QueryResult<()> {
    if !address::is_simple(&access.database) {
        native.batch_execute(&format!("USE `{}`", access.database.replace('`', "``")))?;
    }
    if let Some(command) = &access.init_command {
        native.batch_execute(command)?;
    }
    let mut settings = vec!["lc_messages = 'en_US'".to_owned()];
    if let Some(bits) = options.mysql_wsrep_sync_wait {
        settings.push(format!("wsrep_sync_wait = {bits}"));
    }
    if let Some(limit) = options.statement_timeout {
        let limit = limit.as_secs().max(1);
        settings.push(format!("innodb_lock_wait_timeout = {limit}, lock_wait_timeout = {limit}"));
    }
    // As upstream, where the option is set after what the driver has set.
    if let Some(mode) = options.mysql_sql_mode.as_ref().or(access.sql_mode.as_ref()) {
        settings.push(format!("sql_mode = {}", literal(mode)));
    }
    native.batch_execute(&format!("SET SESSION {}", settings.join(", ")))
}

/// A text as a literal. Doubled backslashes end nothing even where the server takes each for one
/// character; no SQL mode has any.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

pub(super) fn ping(native: &mut MysqlConnection) -> QueryResult<()> {
    // DO returns no rows, so one packet comes back.
    sql_query("DO 1").execute(native).map(drop)
}

/// Begins a transaction that sees the database as it is at its first read, unless the server's
/// default is another level than REPEATABLE READ.
pub(super) fn begin_read_only(native: &mut MysqlConnection) -> QueryResult<()> {
    AnsiTransactionManager::begin_transaction_sql(native, "START TRANSACTION READ ONLY")
}

/// Diesel begins and ends a transaction in three round trips each: it allows several statements
/// in one text before, and forbids them afterwards. Nothing is begun where that can be helped.
pub(super) fn exclusive_transaction<T>(
    native: &mut Native,
    extent: Extent,
    body: impl FnOnce(&mut Native) -> Result<T, DbError>,
) -> Result<T, DbError> {
    // Some clusters forbid named locks, and another node's would not help anyway.
    let taken = Turn::Take.call(native);
    if !matches!(taken, Ok(Some(1))) {
        debug!(target: "cinder.db", "going on without the lock for new rows: {taken:?}");
    }
    let done = match extent {
        Extent::OneStatement => body(native),
        Extent::Several => super::write_transaction(native, body),
    };
    if matches!(taken, Ok(Some(1))) {
        // What fails here is the connection, whose locks end with it.
        let _ = Turn::GiveUp.call(native);
    }
    done
}

/// A call about the named lock. A query of our own stays prepared, one as text would not.
#[derive(Debug, Clone, Copy)]
enum Turn {
    Take,
    GiveUp,
}

impl Turn {
    fn call(self, native: &mut Native) -> QueryResult<Option<i64>> {
        self.get_result(native)
    }
}

impl QueryFragment<MultiBackend> for Turn {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        // Named locks belong to the server, so the database is part of the name.
        const NAME: &str = "concat('cinder ', md5(database()))";
        out.push_sql(&match self {
            Self::Take => format!("SELECT CAST(get_lock({NAME}, {TURN_PATIENCE}) AS SIGNED)"),
            Self::GiveUp => format!("SELECT CAST(release_lock({NAME}) AS SIGNED)"),
        });
        Ok(())
    }
}

impl Query for Turn {
    type SqlType = Nullable<BigInt>;
}

impl RunQueryDsl<Native> for Turn {}

impl QueryId for Turn {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// See `dialect::column_names`; only those that the account may use.
pub(super) const COLUMN_NAMES: &str = "SELECT table_name AS table_of, column_name AS name FROM information_schema.columns \
     WHERE table_schema = database()";
