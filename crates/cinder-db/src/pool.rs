//! The connection pool of a worker: r2d2 over connections that know their process.
//!
//! Must not: be opened before a fork. Its scheduler thread would not exist in the child, so
//! a child that used it would wait for connections that nobody opens; it is refused instead.

use std::{
    fmt, mem, ops,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use scheduled_thread_pool::ScheduledThreadPool;
use tracing::debug;

use crate::{
    connection::Connection,
    error::{DbError, chain},
    options::DatabaseOptions,
};

/// How long a connection may be unused before it is closed. Long enough to serve a burst,
/// short enough that a quiet worker holds none.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// The most connections when `max_pool_size` sets no limit; beyond that a server would
/// refuse first.
const UNLIMITED: u32 = 1_000;

/// A pool of connections for the process that made it; cloning shares it.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    options: DatabaseOptions,
    /// Made by the first caller: a worker without operations needs neither the thread nor
    /// the memory.
    inner: OnceLock<r2d2::Pool<Opener>>,
    opener: u32,
    /// Callers of [`Pool::get`] that have no connection yet.
    waiting: AtomicU32,
}

/// What a [`Pool`] holds at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolState {
    /// Connections there may be.
    pub most: u32,
    /// Connections that are open, lent or idle.
    pub open: u32,
    /// Open connections that nobody uses.
    pub idle: u32,
    /// Callers that wait for one.
    pub waiting: u32,
}

impl PoolState {
    /// Open connections that somebody uses.
    #[must_use]
    pub fn lent(&self) -> u32 {
        self.open.saturating_sub(self.idle)
    }
}

/// A connection on loan from a [`Pool`]; goes back when dropped.
pub struct PooledConnection {
    inner: r2d2::PooledConnection<Opener>,
}

impl Pool {
    /// Makes a pool. The first caller of [`Pool::get`] starts its one thread, which opens
    /// connections and closes idle ones.
    #[must_use]
    pub fn new(options: DatabaseOptions) -> Self {
        let opener = std::process::id();
        let (inner, waiting) = (OnceLock::new(), AtomicU32::new(0));
        Self { shared: Arc::new(Shared { options, inner, opener, waiting }) }
    }

    /// Lends a connection, waiting up to `pool_timeout` for one.
    ///
    /// As upstream does, a server is asked for a sign of life before, so that nobody is given
    /// a connection that died in the meantime.
    ///
    /// # Errors
    ///
    /// [`DbError::Pool`] if none became free, [`DbError::NoThread`] when the first caller gets no thread for it,
    /// [`DbError::ForeignProcess`] after a fork.
    pub fn get(&self) -> Result<PooledConnection, DbError> {
        let (opener, here) = (self.shared.opener, std::process::id());
        if here != opener {
            return Err(DbError::ForeignProcess { opener, here });
        }
        let pool = match self.shared.inner.get() {
            Some(pool) => pool,
            None => {
                let made = open(&self.shared.options)?;
                self.shared.inner.get_or_init(|| made)
            }
        };
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        let lent = pool.get();
        self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
        let inner = lent.map_err(|source| DbError::Pool { source: source.into() })?;
        Ok(PooledConnection { inner })
    }

    /// Runs `body` with a connection, which goes back afterwards.
    ///
    /// # Errors
    ///
    /// Those of [`Pool::get`], and those of `body`.
    pub fn with<T, E: From<DbError>>(
        &self,
        body: impl FnOnce(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        body(&mut *self.get()?)
    }

    /// How many connections are open, lent or idle.
    #[must_use]
    pub fn open_connections(&self) -> u32 {
        self.state().open
    }

    /// What there is, and who waits. Never waits itself for a connection or a server.
    #[must_use]
    pub fn state(&self) -> PoolState {
        let inner = self.shared.inner.get().map(r2d2::Pool::state);
        PoolState {
            most: most(&self.shared.options),
            open: inner.as_ref().map_or(0, |state| state.connections),
            idle: inner.as_ref().map_or(0, |state| state.idle_connections),
            waiting: self.shared.waiting.load(Ordering::Relaxed),
        }
    }
}

/// How many connections these options allow.
fn most(options: &DatabaseOptions) -> u32 {
    match options.max_pool_size {
        0 => UNLIMITED,
        size => size.saturating_add(options.max_overflow).min(UNLIMITED),
    }
}

/// Opens it, with its thread.
///
/// # Errors
///
/// [`DbError::NoThread`].
fn open(options: &DatabaseOptions) -> Result<r2d2::Pool<Opener>, DbError> {
    // The library panics where it gets no thread, so that is found out with one of our own.
    let trial = std::thread::Builder::new().name("db-pool".to_owned()).spawn(|| {});
    drop(trial.map_err(|source| DbError::NoThread { source })?.join());
    let threads =
        ScheduledThreadPool::builder().num_threads(1).thread_name_pattern("db-pool").build();
    let pool = r2d2::Pool::builder()
        .max_size(most(options))
        .min_idle(Some(0))
        .idle_timeout(Some(IDLE_TIMEOUT))
        .max_lifetime(Some(options.connection_recycle_time).filter(|time| !time.is_zero()))
        .connection_timeout(options.pool_timeout)
        .thread_pool(Arc::new(threads))
        .error_handler(Box::new(Reporter))
        .build_unchecked(Opener { options: options.clone() });
    Ok(pool)
}

impl Drop for Shared {
    fn drop(&mut self) {
        // In another process the thread does not exist, and the connections are the opener's.
        if std::process::id() != self.opener {
            mem::forget(self.inner.take());
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("open", &self.open_connections())
            .field("opener", &self.shared.opener)
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

/// An error with all its causes in one text: r2d2 passes nothing else on.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Reason(String);

struct Opener {
    options: DatabaseOptions,
}

impl r2d2::ManageConnection for Opener {
    type Connection = Connection;
    type Error = Reason;

    fn connect(&self) -> Result<Connection, Reason> {
        Connection::open(&self.options).map_err(|error| Reason(chain(&error)))
    }

    fn is_valid(&self, connection: &mut Connection) -> Result<(), Reason> {
        connection.ping().map_err(|error| Reason(chain(&error)))
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.is_broken()
    }
}

/// Carries the pool's own complaints into our log. Quietly: it tries several times a second, and
/// whoever waits for a connection gets the last reason as an error.
#[derive(Debug)]
struct Reporter;

impl r2d2::HandleError<Reason> for Reporter {
    fn handle_error(&self, error: Reason) {
        debug!(target: "cinder.db", %error, "a pooled database connection could not be opened");
    }
}
