//! `[database]`: the connection, its pool and its retries; `[database_client]`: what is our own.

use crate::{Opt, Secret, section};

section! {
    /// The SQL database.
    pub struct Database in "database" {
        /// URL of the database, as SQLAlchemy writes it: `mysql+pymysql://user:password@host/cinder`,
        /// `postgresql://…` or `sqlite:///path`.
        connection: Secret = Opt::string("").secret().default_text("sqlite:///$state_path/cinder.sqlite");
        /// URL of a read-only copy; this service reads from the main database.
        slave_connection: Option<Secret> = Opt::string("").secret();
        /// Upstream's connection for asyncio code; not used here.
        asyncio_connection: Option<Secret> = Opt::string("").secret();
        /// Upstream's read-only connection for asyncio code; not used here.
        asyncio_slave_connection: Option<Secret> = Opt::string("").secret();
        /// Extra parameters for the connection URL, as `a=1&b=2`.
        connection_parameters: String = Opt::string("").default_text("");
        /// Database layer; only `sqlalchemy` exists upstream.
        backend: String = Opt::string("").default_text("sqlalchemy");
        /// Make SQLite wait for the disk at each commit.
        sqlite_synchronous: bool = Opt::boolean("").default_bool(true);
        /// SQL mode for MySQL sessions; empty keeps the server's.
        mysql_sql_mode: String = Opt::string("").default_text("TRADITIONAL");
        /// Causality checks of a Galera cluster: a bit mask for wsrep_sync_wait.
        mysql_wsrep_sync_wait: Option<i64> = Opt::integer("");
        /// Seconds after which an idle connection is replaced.
        connection_recycle_time: i64 = Opt::integer("").default_int(3600);
        /// Connections kept open per worker; 0 is no limit.
        max_pool_size: i64 = Opt::integer("").default_int(5);
        /// Connections beyond the pool that a worker may open under load.
        max_overflow: i64 = Opt::integer("").default_int(50);
        /// Seconds to wait for a free connection.
        pool_timeout: Option<i64> = Opt::integer("");
        /// Attempts to connect at start-up; -1 tries for ever.
        max_retries: i64 = Opt::integer("").default_int(10);
        /// Seconds between two attempts to connect at start-up.
        retry_interval: i64 = Opt::integer("").default_int(10);
        /// Repeat an operation that lost its connection.
        use_db_reconnect: bool = Opt::boolean("").default_bool(false);
        /// Seconds before a failed operation is repeated.
        db_retry_interval: i64 = Opt::integer("").default_int(1);
        /// Double that time at every repetition.
        db_inc_retry_interval: bool = Opt::boolean("").default_bool(true);
        /// Longest time between two repetitions, in seconds.
        db_max_retry_interval: i64 = Opt::integer("").default_int(10);
        /// Repetitions before the error is reported; -1 repeats for ever.
        db_max_retries: i64 = Opt::integer("").default_int(20);
        /// Detail of SQL tracing, from 0 (none) to 100.
        connection_debug: i64 = Opt::integer("").default_int(0).min(0).max(100);
        /// Add the calling code to SQL statements as a comment.
        connection_trace: bool = Opt::boolean("").default_bool(false);
        /// Make readers of a replicated database wait until it has caught up.
        synchronous_reader: bool = Opt::boolean("").default_bool(true);
    }
}

section! {
    /// How statements are sent to a database server. A section of this service alone; upstream ignores
    /// it.
    pub struct DatabaseClient in "database_client" {
        /// Let the server keep statements prepared. Saves MySQL and MariaDB a round trip per statement
        /// and every server some work. Not behind a pooler that hands sessions round (pgbouncer with
        /// `pool_mode` transaction or statement), and each connection takes its share of MySQL's
        /// `max_prepared_stmt_count`.
        statement_cache: bool = Opt::boolean("").default_bool(false);
    }
}
