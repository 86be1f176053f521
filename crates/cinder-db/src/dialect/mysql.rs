//! What is peculiar to MySQL and MariaDB: the client library's URL, TLS, the session.
//!
//! Must not: know a table of Cinder's.
//!
//! Diesel asks the library for CLIENT_FOUND_ROWS, so an UPDATE counts the rows that matched
//! even where it changed nothing, as upstream's does (`spec/schema.md §6`).

use std::{fmt::Write as _, time::Duration};

use diesel::{
    Connection as _, ConnectionError, QueryResult, RunQueryDsl,
    connection::{AnsiTransactionManager, SimpleConnection as _},
    mysql::MysqlConnection,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_query,
    sql_types::{BigInt, Nullable},
};
use tracing::debug;

use super::{Extent, MultiBackend, Native, open_error};
use crate::{
    error::DbError,
    options::DatabaseOptions,
    url::{Server, percent},
};

/// How long, in seconds, to wait for another daemon that creates a row.
const TURN_PATIENCE: u32 = 5;

pub(super) fn open(server: &Server, options: &DatabaseOptions) -> Result<MysqlConnection, DbError> {
    let failed = |source: &dyn std::error::Error| open_error(server, options, source);
    let mut native = establish(server, options).map_err(|source| failed(&source))?;
    settle(&mut native, options).map_err(|source| failed(&source))?;
    Ok(native)
}

/// MariaDB's library takes options in the place of the host (`mariadb_connect` in its header);
/// no other way leads through Diesel to its connect timeout. Oracle's library looks for a host
/// of that name and finds none, nor could an IPv6 address stand there.
fn establish(
    server: &Server,
    options: &DatabaseOptions,
) -> Result<MysqlConnection, ConnectionError> {
    if let Some(host) = host_with_options(server, options.connect_timeout) {
        match MysqlConnection::establish(&url(server, &host)) {
            Err(ConnectionError::BadConnection(text)) if text.contains(&host) => {}
            done => return done,
        }
    }
    MysqlConnection::establish(&url(server, &plain_host(server)))
}

/// Upstream's driver takes `localhost` for a host like any other; the C libraries take it for
/// the local socket, which may belong to another server.
fn plain_host(server: &Server) -> String {
    match server.host.as_deref() {
        _ if server.parameter("unix_socket").is_some() => "localhost".into(),
        Some("localhost") | None => "127.0.0.1".into(),
        Some(host) if host.contains(':') => format!("[{host}]"),
        Some(host) => host.to_owned(),
    }
}

fn host_with_options(server: &Server, timeout: Duration) -> Option<String> {
    if server.parameter("unix_socket").is_some() {
        return None;
    }
    let host = plain_host(server);
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    host.bytes()
        .all(usual)
        .then(|| format!("host={host};connect-timeout={}", timeout.as_secs().max(1)))
}

/// Diesel's own URL form, with everything encoded.
fn url(server: &Server, host: &str) -> String {
    let mut url = String::from("mysql://");
    let mut add = |part: std::fmt::Arguments<'_>| {
        url.write_fmt(part).expect("writing to a String cannot fail");
    };
    add(format_args!("{}", percent::encode(server.user.as_deref().unwrap_or_default())));
    if let Some(password) = &server.password {
        add(format_args!(":{}", percent::encode(password.reveal())));
    }
    add(format_args!("@{host}"));
    if let Some(port) = server.port {
        add(format_args!(":{port}"));
    }
    add(format_args!("/{}", server.database.as_deref().unwrap_or_default()));
    let mut separator = '?';
    for name in ["unix_socket", "ssl_ca", "ssl_cert", "ssl_key"] {
        if let Some(value) = server.parameter(name) {
            add(format_args!("{separator}{name}={}", percent::encode(value)));
            separator = '&';
        }
    }
    url
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
fn settle(native: &mut MysqlConnection, options: &DatabaseOptions) -> QueryResult<()> {
    let mut settings = vec!["lc_messages = 'en_US'".to_owned()];
    if let Some(bits) = options.mysql_wsrep_sync_wait {
        settings.push(format!("wsrep_sync_wait = {bits}"));
    }
    if let Some(limit) = options.statement_timeout {
        let limit = limit.as_secs().max(1);
        settings.push(format!("innodb_lock_wait_timeout = {limit}, lock_wait_timeout = {limit}"));
    }
    if let Some(mode) = &options.mysql_sql_mode {
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
