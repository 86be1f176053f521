//! What this crate wants to know of `[database]`; the binary fills it from the configuration.
//!
//! Must not: read configuration. Field names and defaults are oslo.db's, so that an
//! operator's file keeps its meaning.

use std::time::Duration;

use crate::url::DatabaseUrl;

/// How to reach the database and how patiently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseOptions {
    /// `connection`.
    pub url: DatabaseUrl,
    /// `max_retries`: tries at start after the first; -1 means for ever.
    pub max_retries: i64,
    /// `retry_interval`: the wait between them.
    pub retry_interval: Duration,
    /// `max_pool_size`: connections a pool may keep; 0 means no limit of its own.
    pub max_pool_size: u32,
    /// `max_overflow`: connections beyond that for a peak.
    pub max_overflow: u32,
    /// `pool_timeout`: how long a caller waits for one of them.
    pub pool_timeout: Duration,
    /// `connection_recycle_time`: the age at which a pooled connection is replaced.
    pub connection_recycle_time: Duration,
    /// `sqlite_synchronous`: whether SQLite waits for the disk.
    pub sqlite_synchronous: bool,
    /// How long SQLite waits for another process's lock.
    pub busy_timeout: Duration,
    /// `mysql_sql_mode`: the SQL mode of MySQL sessions; `None` keeps the server's.
    pub mysql_sql_mode: Option<String>,
    /// `mysql_wsrep_sync_wait`: causality checks of a Galera cluster.
    pub mysql_wsrep_sync_wait: Option<i64>,
    /// How long connecting to a server may take.
    pub connect_timeout: Duration,
    /// The longest a server may take for one statement, waiting for locks included; `None` leaves
    /// it to the server. Only connections that would rather fail than wait have a limit.
    pub statement_timeout: Option<Duration>,
    /// Whether a server keeps our statements prepared. That is state of a session, which does not
    /// survive a pooler that hands sessions round, and servers limit how many there may be.
    pub statement_cache: bool,
}

impl DatabaseOptions {
    /// Upstream's defaults for a database.
    ///
    /// The lock timeout is the URL's `?timeout=`, else Python's default of 5 s.
    #[must_use]
    pub fn new(url: DatabaseUrl) -> Self {
        Self {
            max_retries: 10,
            retry_interval: Duration::from_secs(10),
            max_pool_size: 5,
            max_overflow: 50,
            pool_timeout: Duration::from_secs(30),
            connection_recycle_time: Duration::from_secs(3600),
            sqlite_synchronous: true,
            mysql_sql_mode: Some("TRADITIONAL".into()),
            mysql_wsrep_sync_wait: None,
            connect_timeout: Duration::from_secs(10),
            statement_timeout: None,
            statement_cache: false,
            busy_timeout: url.timeout().unwrap_or(Duration::from_secs(5)),
            url,
        }
    }
}
