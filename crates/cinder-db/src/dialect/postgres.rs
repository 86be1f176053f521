//! What is peculiar to PostgreSQL: the client library's connection string, its timeouts.
//!
//! Must not: know a table of Cinder's, or leave anything set on a session. Behind a pooler that
//! hands sessions round, as pgbouncer does with `pool_mode = transaction`, the next transaction is
//! somebody else's; so settings are those of a transaction, and so are locks. For the same reason no
//! setting of ours goes into the connection string: pgbouncer refuses those that it does not know.
//! (Diesel sets TimeZone and client_encoding, of which pgbouncer keeps each client's own.)

use std::time::Duration;

use diesel::{
    Connection as _, QueryResult, RunQueryDsl as _,
    connection::{AnsiTransactionManager, SimpleConnection as _},
    pg::PgConnection,
    sql_query,
};

use tracing::debug;

use super::{Cipher, Native, fault, open_error, refused};
use crate::{
    error::{DbError, Fault},
    options::DatabaseOptions,
    protection::{Checked, Protection},
    url::{PostgresAccess, Server},
};

/// A peer that stays silent is asked after this time, three times, five seconds apart; and what
/// was sent must be acknowledged within as long.
const SILENCE: Duration = Duration::from_secs(15);

pub(super) fn open(server: &Server, options: &DatabaseOptions) -> Result<PgConnection, DbError> {
    let failed = |source: &dyn std::error::Error| open_error(server, options, source);
    let access = PostgresAccess::of(server).map_err(|source| refused(options, source))?;
    PgConnection::establish(&conninfo(&access, options)).map_err(|source| failed(&source))
}

/// libpq's `key='value'` form. What the URL says overrides our timeouts.
fn conninfo(access: &PostgresAccess, options: &DatabaseOptions) -> String {
    let silence = options.statement_timeout.unwrap_or(SILENCE);
    let ours = [
        ("connect_timeout", options.connect_timeout.as_secs().max(2).to_string()),
        ("keepalives_idle", silence.as_secs().max(1).to_string()),
        ("keepalives_interval", "5".to_owned()),
        ("keepalives_count", "3".to_owned()),
        ("tcp_user_timeout", silence.as_millis().max(1).to_string()),
        ("application_name", "cinder-volume".to_owned()),
    ];
    let ours = ours.iter().map(|(key, value)| (*key, value.as_str()));
    let theirs = access.pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('\'', "\\'");
    // Of two values for one key libpq takes the last.
    let words: Vec<_> =
        ours.chain(theirs).map(|(key, value)| format!("{key}='{}'", quoted(value))).collect();
    words.join(" ")
}

/// What the server says of this session; a pooler speaks of the session that it lends, which need
/// not be protected as the way to the pooler is. What is verified libpq has seen to.
pub(super) fn protection(
    native: &mut PgConnection,
    server: &Server,
) -> Result<Protection, DbError> {
    let access = PostgresAccess::of(server).ok();
    let mode = access.as_ref().and_then(|access| access.get("sslmode"));
    let checked = match mode {
        Some("verify-full") => Checked::HostName,
        Some("verify-ca") => Checked::Certificate,
        _ => Checked::Nothing,
    };
    let rows: Vec<Cipher> = sql_query(
        "SELECT coalesce(version || ' ' || cipher, '') AS cipher FROM pg_stat_ssl \
         WHERE pid = pg_backend_pid()",
    )
    .load(native)?;
    let cipher = rows.into_iter().next().map(|row| row.cipher).filter(|cipher| !cipher.is_empty());
    Ok(Protection::Session { cipher, checked })
}

pub(super) fn ping(native: &mut PgConnection) -> QueryResult<()> {
    native.batch_execute("SELECT 1")
}

/// Begins a transaction that sees the database as it is at its first read.
pub(super) fn begin_read_only(native: &mut PgConnection) -> QueryResult<()> {
    let sql = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
    AnsiTransactionManager::begin_transaction_sql(native, sql)
}

/// Begins a transaction whose statements may each take so long; one round trip.
pub(super) fn begin_limited(native: &mut Native, limit: Duration) -> QueryResult<()> {
    let limit = limit.as_millis().max(1);
    begin(native, &format!("BEGIN; SET LOCAL statement_timeout = {limit}"))
}

fn begin(native: &mut Native, sql: &str) -> QueryResult<()> {
    match native {
        Native::Postgres(native) => AnsiTransactionManager::begin_transaction_sql(native, sql),
        #[cfg(any(feature = "sqlite", feature = "mysql"))]
        _ => unreachable!("only a connection to PostgreSQL comes here"),
    }
}

/// "cinder" in ASCII; such locks belong to the database.
const TURN: u64 = 0x6369_6e64_6572;

pub(super) fn exclusive_transaction<T>(
    native: &mut Native,
    body: impl FnOnce(&mut Native) -> Result<T, DbError>,
) -> Result<T, DbError> {
    // A stricter level would look at the database as it was before the lock was free.
    begin(native, "BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED")?;
    super::finish(native, |native| {
        let taken = native.transaction(|native| {
            native.batch_execute(&format!(
                "SET LOCAL lock_timeout = '5s'; SELECT pg_advisory_xact_lock({TURN}); \
                 SET LOCAL lock_timeout = DEFAULT"
            ))
        });
        if let Err(error) = taken {
            // Whatever else it was was undone with the savepoint. The server says that it waited
            // long enough in its own language, so nobody asks for that.
            if fault(&error) == Fault::Lost {
                return Err(error.into());
            }
            debug!(target: "cinder.db", %error, "going on without the lock for new rows");
        }
        body(native)
    })
}

/// See `dialect::column_names`; only those that the account may use.
pub(super) const COLUMN_NAMES: &str = "SELECT table_name::text AS table_of, column_name::text AS name \
     FROM information_schema.columns WHERE table_schema = ANY (current_schemas(false))";
