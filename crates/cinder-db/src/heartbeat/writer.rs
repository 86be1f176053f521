//! The database work of a beat, and who does it.
//!
//! An SQLite file is written to by the thread that beats. A server may have gone mute with the
//! connection open, and the client libraries wait for its answer without a limit; so there a
//! second thread does the writing, and is left behind with its connection when the answer takes
//! too long. Each one left behind had a connection that once worked, so a server that stays mute
//! costs one thread, not one per beat: connecting has a limit of its own.
//!
//! Must not: log, or decide when to beat.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use tracing::{debug, dispatcher};

use super::{Beat, HeartbeatPlan, STACK_SIZE, Shared};
use crate::{
    connection::Connection,
    error::DbError,
    queries::services,
    registry::{self, Registration},
    timestamp::Timestamp,
};

/// The longest that a beat on a server may take, connecting included. Two of them fit into
/// upstream's `service_down_time` of 60 s several times over.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// How long a stop waits for a beat in progress.
pub(super) const STOP_LIMIT: Duration = Duration::from_secs(2);

/// What a beat came to; a panic is handed on to whoever asked.
pub(super) type Answer = thread::Result<Result<Beat, DbError>>;

/// Writes beats with a connection of its own.
pub(super) struct Writer {
    plan: HeartbeatPlan,
    connection: Option<Connection>,
}

impl Writer {
    /// Writes a beat. A connection that broke since the last one is replaced without a word:
    /// a server that was restarted, or a proxy that closed it, is no outage.
    fn write(&mut self) -> Result<Beat, DbError> {
        let used_before = self.connection.is_some();
        let mut beat = self.try_write();
        if used_before && beat.as_ref().is_err_and(DbError::is_connection_lost) {
            self.connection = None;
            beat = self.try_write();
        }
        if beat.is_err() {
            // Opened afresh at the next beat: what is broken may be the connection.
            self.connection = None;
        }
        beat
    }

    /// One statement in the good case (on PostgreSQL in a transaction, for its limit); find-or-create and a second try when the row is gone.
    fn try_write(&mut self) -> Result<Beat, DbError> {
        let connection = match &mut self.connection {
            Some(connection) => {
                connection.check_alive()?;
                connection
            }
            empty => empty.insert(Connection::open(&self.plan.database)?),
        };
        let Registration { host, availability_zone: zone, .. } = &self.plan.registration;
        let host = host.as_str();
        let at = Timestamp::now();
        let service = self.plan.service.get();
        if connection.limited(|native| Ok(services::beat(native, service, host, zone, at)?))? {
            return Ok(Beat { at, service: self.plan.service, recreated: None });
        }
        debug!(
            target: "cinder.service",
            host,
            "The service database object disappeared, recreating it."
        );
        let successor = registry::register(connection, &self.plan.registration)?;
        self.plan.service = successor.id;
        let at = Timestamp::now();
        connection
            .limited(|native| Ok(services::beat(native, successor.id.get(), host, zone, at)?))?;
        Ok(Beat { at, service: successor.id, recreated: Some(successor.uuid) })
    }
}

/// How beats are written.
pub(super) enum Writing {
    /// By the thread that asks.
    Here(Writer),
    /// By one beside it.
    Aside(Aside),
}

/// The most threads that may wait for answers nobody wants any more. Only where connecting has
/// no limit (an IPv6 address of a MySQL server) there can be more than one.
const MOST_LEFT_BEHIND: usize = 8;

/// Has beats written by a thread that can be left behind.
pub(super) struct Aside {
    plan: HeartbeatPlan,
    /// One that was open before, for the first thread.
    connection: Option<Connection>,
    orders: Option<Sender<()>>,
    /// Those that were started and may not have ended.
    threads: Vec<thread::JoinHandle<()>>,
    /// Number of the thread that counts now; answers of those before are thrown away.
    generation: u64,
}

impl Writing {
    pub(super) fn new(plan: HeartbeatPlan, connection: Option<Connection>) -> Self {
        if plan.database.url.file().is_some() {
            return Self::Here(Writer { plan, connection });
        }
        let threads = Vec::new();
        Self::Aside(Aside { plan, connection, orders: None, threads, generation: 0 })
    }

    /// Writes one beat, or says why there is none.
    pub(super) fn write(&mut self, shared: &Arc<Shared>) -> Result<Beat, DbError> {
        match self {
            Self::Here(writer) => writer.write(),
            Self::Aside(aside) => aside.write(shared),
        }
    }

    /// Forgets the connection: a panic may have left it in any state.
    pub(super) fn start_afresh(&mut self) {
        match self {
            Self::Here(writer) => writer.connection = None,
            Self::Aside(aside) => aside.orders = None,
        }
    }
}

impl Aside {
    fn write(&mut self, shared: &Arc<Shared>) -> Result<Beat, DbError> {
        if self.orders.as_ref().is_none_or(|orders| orders.send(()).is_err()) {
            self.threads.retain(|thread| !thread.is_finished());
            if self.threads.len() > MOST_LEFT_BEHIND {
                return Err(DbError::NoAnswer { limit: self.limit() });
            }
            let orders = self.begin(shared).map_err(|source| DbError::NoThread { source })?;
            // The thread that was just started has not dropped the other end.
            let _ = orders.send(());
            self.orders = Some(orders);
        }
        let limit = self.limit();
        match shared.wait_for_answer(self.generation, limit) {
            Some(Ok(Ok(beat))) => {
                self.plan.service = beat.service;
                Ok(beat)
            }
            Some(Ok(Err(failure))) => Err(failure),
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => {
                self.orders = None;
                Err(DbError::NoAnswer { limit })
            }
        }
    }

    /// Connecting and a statement have their own limits where the library knows any.
    fn limit(&self) -> Duration {
        let database = &self.plan.database;
        database.connect_timeout + database.statement_timeout.unwrap_or_default()
    }

    fn begin(&mut self, shared: &Arc<Shared>) -> io::Result<Sender<()>> {
        self.generation += 1;
        let (orders, received) = channel();
        let writer = Writer { plan: self.plan.clone(), connection: self.connection.take() };
        let (generation, shared) = (self.generation, Arc::clone(shared));
        let log = dispatcher::get_default(Clone::clone);
        let body = move || {
            dispatcher::with_default(&log, || obey(writer, &received, generation, &shared));
        };
        let builder = thread::Builder::new().name("heartbeat sql".into()).stack_size(STACK_SIZE);
        self.threads.push(builder.spawn(body)?);
        Ok(orders)
    }
}

/// Writes a beat per order until nobody can order any more.
fn obey(mut writer: Writer, orders: &Receiver<()>, generation: u64, shared: &Shared) {
    while orders.recv().is_ok() {
        let answer = catch_unwind(AssertUnwindSafe(|| writer.write()));
        if answer.is_err() {
            writer.connection = None;
        }
        shared.answer(generation, answer);
    }
}
