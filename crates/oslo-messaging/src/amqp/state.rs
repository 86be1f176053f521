//! What is shown of the bus to operators: connections, servers, replies.
//!
//! The messaging thread puts a new picture up whenever something has changed; whoever looks takes
//! the last one. Must not: make anybody wait. The lock is held for as long as a pointer is copied.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is known of a bus that has a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BusState {
    /// The connection that takes, and the one that sends.
    pub connections: Vec<ConnectionState>,
    /// The servers in the order in which they were made, each with a line per target.
    pub servers: Vec<ServerState>,
    /// Replies that no broker has confirmed yet.
    pub waiting_replies: usize,
    /// Queues that were not there for so long that replies to them are dropped.
    pub dead_reply_queues: usize,
    /// Replies that a broker has confirmed.
    pub answered: u64,
    /// Replies that came back because their queue was missing.
    pub returned: u64,
    /// Replies that were dropped.
    pub dropped: u64,
    /// How often both connections were made anew.
    pub reconnects: u64,
    /// How long the sending connection has been blocked by the broker, all times together.
    pub blocked: Duration,
    /// Why the messaging thread has ended, if it did by accident. Nothing comes or goes any more.
    pub ended: Option<String>,
}

/// One connection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionState {
    /// What it is for.
    pub purpose: Purpose,
    /// `host:port` that it is open to, or tried at.
    pub host: String,
    /// Whether it is open.
    pub phase: ConnectionPhase,
    /// Since when.
    pub since: Instant,
    /// Why it is not open, if it was tried.
    pub reason: Option<String>,
    /// Why the broker does not take anything from it, if so.
    pub blocked: Option<String>,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Requests and replies come over it.
    Consuming,
    /// Replies and requests go over it.
    Publishing,
}

/// Whether a connection is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionPhase {
    /// Nobody needs it yet.
    Resting,
    /// It is being opened.
    Connecting,
    /// It is open.
    Up,
    /// The next try comes soon.
    Waiting,
    /// It is closed for good.
    Closed,
}

/// One target of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerState {
    /// Number of the server, see [`crate::Server::number`].
    pub number: u64,
    /// The queues that it takes from.
    pub queues: Vec<String>,
    /// Whether it does.
    pub is_serving: bool,
    /// Since when.
    pub since: Instant,
    /// Why it does not, if the broker or its absence is the reason.
    pub reason: Option<String>,
}

impl BusState {
    /// Whether a server takes messages from all of its queues.
    #[must_use]
    pub fn is_serving(&self, number: u64) -> bool {
        let mut its = self.servers.iter().filter(|one| one.number == number).peekable();
        its.peek().is_some() && its.all(|one| one.is_serving)
    }

    /// Before anything has been opened.
    pub(crate) fn resting(host: String) -> Self {
        let connection = |purpose| ConnectionState {
            purpose,
            host: host.clone(),
            phase: ConnectionPhase::Resting,
            since: Instant::now(),
            reason: None,
            blocked: None,
        };
        Self {
            connections: vec![connection(Purpose::Consuming), connection(Purpose::Publishing)],
            servers: Vec::new(),
            waiting_replies: 0,
            dead_reply_queues: 0,
            answered: 0,
            returned: 0,
            dropped: 0,
            reconnects: 0,
            blocked: Duration::ZERO,
            ended: None,
        }
    }
}

/// Where the last picture hangs.
#[derive(Debug)]
pub(crate) struct Picture(Mutex<Arc<BusState>>);

impl Picture {
    pub(crate) fn new(state: BusState) -> Self {
        Self(Mutex::new(Arc::new(state)))
    }

    pub(crate) fn show(&self, state: BusState) {
        let state = Arc::new(state);
        let before = {
            let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *place, state)
        };
        drop(before); // not under the lock
    }

    pub(crate) fn last(&self) -> Arc<BusState> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
