//! What is shown of the bus to operators: connections, servers, replies.
//!
//! The messaging thread puts a new picture up whenever something has changed; whoever looks takes
//! the last one. Must not: make anybody wait. The lock is held for as long as a pointer is copied.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
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
    /// Whether anything but numbers is different.
    fn differs(&self, other: &Self) -> bool {
        self.connections != other.connections
            || self.servers != other.servers
            || self.ended != other.ended
    }

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
pub(crate) struct Picture {
    last: Mutex<Arc<BusState>>,
    watcher: OnceLock<Watcher>,
}

/// Told when it is worth another look.
type Watcher = Box<dyn Fn() + Send + Sync>;

impl Picture {
    pub(crate) fn new(state: BusState) -> Self {
        Self { last: Mutex::new(Arc::new(state)), watcher: OnceLock::new() }
    }

    pub(crate) fn show(&self, state: BusState) {
        let state = Arc::new(state);
        let before = {
            let mut place = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *place, Arc::clone(&state))
        };
        // Not under the lock: whoever is told may look at once.
        if let Some(watcher) = self.watcher.get()
            && state.differs(&before)
        {
            watcher();
        }
    }

    pub(crate) fn last(&self) -> Arc<BusState> {
        Arc::clone(&self.last.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The first one is told, others are not.
    pub(crate) fn watch(&self, watcher: Watcher) {
        let _ = self.watcher.set(watcher);
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Picture").field(&self.last()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn whoever_watches_is_told_of_connections_and_servers_and_not_of_numbers() {
        let picture = Picture::new(BusState::resting("h:5672".into()));
        let told = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&told);
        picture.watch(Box::new(move || _ = count.fetch_add(1, Ordering::SeqCst)));
        type Change = fn(&mut BusState);
        let changes: [(usize, Change); 5] = [
            (0, |state| state.answered += 1),
            (0, |state| state.waiting_replies += 1),
            (1, |state| state.connections[0].phase = ConnectionPhase::Up),
            (1, |state| state.connections[1].blocked = Some("low on memory".into())),
            (1, |state| state.ended = Some("a panic".into())),
        ];
        for (expected, change) in changes {
            let mut state = BusState::clone(&picture.last());
            change(&mut state);
            picture.show(state);
            assert_eq!(told.swap(0, Ordering::SeqCst), expected, "{:?}", picture.last());
        }
    }
}
