//! The connection pool of a worker: r2d2 over connections that know their process.
//!
//! Must not: be opened before a fork. Its scheduler thread would not exist in the child, so
//! a child that used it would wait for connections that nobody opens; it is refused instead.

use std::{error::Error, fmt, ops, sync::Arc, time::Duration};

use scheduled_thread_pool::ScheduledThreadPool;
use tracing::warn;

use crate::{connection::Connection, error::DbError, options::DatabaseOptions};

/// How long a connection may be unused before it is closed. Long enough to serve a burst,
/// short enough that a quiet worker holds none.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The most connections when `max_pool_size` sets no limit; beyond that a server would
/// refuse first.
const UNLIMITED: u32 = 1_000;

/// A pool of connections for the process that made it; cloning shares it.
#[derive(Clone)]
pub struct Pool {
    /// `None` only while being dropped.
    inner: Option<r2d2::Pool<Opener>>,
    opener: u32,
}

/// A connection on loan from a [`Pool`]; goes back when dropped.
pub struct PooledConnection {
    inner: r2d2::PooledConnection<Opener>,
}

impl Pool {
    /// Makes a pool; its first connection is opened when somebody asks for one.
    ///
    /// Starts one thread, which opens connections and closes idle ones.
    #[must_use]
    pub fn new(options: DatabaseOptions) -> Self {
        let threads =
            ScheduledThreadPool::builder().num_threads(1).thread_name_pattern("db-pool").build();
        let max_size = match options.max_pool_size {
            0 => UNLIMITED,
            size => size.saturating_add(options.max_overflow).min(UNLIMITED),
        };
        let inner = r2d2::Pool::builder()
            .max_size(max_size)
            .min_idle(Some(0))
            .idle_timeout(Some(IDLE_TIMEOUT))
            .max_lifetime(Some(options.connection_recycle_time).filter(|time| !time.is_zero()))
            .connection_timeout(options.pool_timeout)
            .thread_pool(Arc::new(threads))
            .error_handler(Box::new(Reporter))
            .build_unchecked(Opener { options });
        Self { inner: Some(inner), opener: std::process::id() }
    }

    /// Lends a connection, waiting up to `pool_timeout` for one.
    ///
    /// # Errors
    ///
    /// [`DbError::Pool`] if none became free, [`DbError::ForeignProcess`] after a fork.
    pub fn get(&self) -> Result<PooledConnection, DbError> {
        let here = std::process::id();
        if here != self.opener {
            return Err(DbError::ForeignProcess { opener: self.opener, here });
        }
        let pool = self.inner.as_ref().expect("only drop takes it out");
        let inner = pool.get().map_err(|source| DbError::Pool { source: source.into() })?;
        Ok(PooledConnection { inner })
    }

    /// How many connections are open, lent or idle.
    #[must_use]
    pub fn open_connections(&self) -> u32 {
        self.inner.as_ref().map_or(0, |pool| pool.state().connections)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if std::process::id() != self.opener {
            std::mem::forget(self.inner.take());
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("open", &self.open_connections())
            .field("opener", &self.opener)
            .finish()
    }
}

impl fmt::Debug for PooledConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PooledConnection").field(&**self).finish()
    }
}

impl ops::Deref for PooledConnection {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.inner
    }
}

impl ops::DerefMut for PooledConnection {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.inner
    }
}

struct Opener {
    options: DatabaseOptions,
}

impl r2d2::ManageConnection for Opener {
    type Connection = Connection;
    type Error = DbError;

    fn connect(&self) -> Result<Connection, DbError> {
        Connection::open(&self.options)
    }

    fn is_valid(&self, connection: &mut Connection) -> Result<(), DbError> {
        connection.check_alive()
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.check_alive().is_err()
    }
}

/// Carries the pool's own complaints into our log.
#[derive(Debug)]
struct Reporter;

impl r2d2::HandleError<DbError> for Reporter {
    fn handle_error(&self, error: DbError) {
        warn!(target: "cinder.db", error = &error as &(dyn Error + 'static), "a pooled database connection could not be opened");
    }
}
