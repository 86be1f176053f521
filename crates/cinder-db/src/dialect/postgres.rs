//! What is peculiar to PostgreSQL: the client library's connection string, its timeouts.
//!
//! Must not: know a table of Cinder's, or leave anything set on a session. Behind a pooler that
//! hands sessions round, as pgbouncer does with `pool_mode = transaction`, the next transaction is
//! somebody else's; so settings are those of a transaction, and so are locks. For the same reason no
//! setting of ours goes into the connection string: pgbouncer refuses those that it does not know.
//! (Diesel sets TimeZone and client_encoding, of which pgbouncer keeps each client's own.)

use std::time::Duration;

use diesel::{
    Connection as _, QueryResult,
    connection::{AnsiTransactionManager, SimpleConnection as _},
    pg::PgConnection,
};

use tracing::debug;

use super::{Native, fault, open_error};
use crate::{
    error::{DbError, Fault},
    options::DatabaseOptions,
    url::Server,
};

/// A peer that stays silent is asked after this time, three times, five seconds apart; and what
/// was sent must be acknowledged within as long.
const SILENCE: Duration = Duration::from_secs(15);

pub(super) fn open(server: &Server, options: &DatabaseOptions) -> Result<PgConnection, DbError> {
    PgConnection::establish(&conninfo(server, options))
        .map_err(|source| open_error(server, options, &source))
}

/// libpq's `key='value'` form. What the URL says overrides our timeouts.
fn conninfo(server: &Server, options: &DatabaseOptions) -> String {
    let silence = options.statement_timeout.unwrap_or(SILENCE);
    let ours = [
        ("connect_timeout", options.connect_timeout.as_secs().max(2).to_string()),
        ("keepalives_idle", silence.as_secs().max(1).to_string()),
        ("keepalives_interval", "5".to_owned()),
        ("keepalives_count", "3".to_owned()),
        ("tcp_user_timeout", silence.as_millis().max(1).to_string()),
        ("application_name", "cinder-volume".to_owned()),
    ];
    let mut pairs: Vec<(&str, &str)> =
        ours.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let port = server.port.map(|port| port.to_string());
    let login = [
        ("user", server.user.as_deref()),
        ("password", server.password.as_ref().map(|password| password.reveal())),
        ("host", server.host.as_deref()),
        ("port", port.as_deref()),
        ("dbname", server.database.as_deref()),
    ];
    pairs.extend(login.into_iter().filter_map(|(key, value)| Some((key, value?))));
    // Of two values for one key libpq takes the last.
    pairs.extend(server.parameters.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('\'', "\\'");
    let words: Vec<_> =
        pairs.iter().map(|(key, value)| format!("{key}='{}'", quoted(value))).collect();
    words.join(" ")
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
