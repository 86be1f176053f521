//! The blocking face of a server: requests come out of it one at a time, whatever carries them.
//!
//! Order of a stop: [`Server::stop_consuming`], the handlers end and answer, [`Server::close`].
//! Must not: run a handler.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::evidence::Words;
use crate::inbox::Next;
use crate::incoming::Incoming;
use crate::reception::{Counts, Reception};

/// How much a server takes, and what it remembers.
#[derive(Default)]
pub struct ServerOptions {
    /// Messages that wait or are in hand without being recorded; 0 is 128, twice the original's
    /// threads. It bounds memory: what is not taken stays with its sender.
    pub prefetch: usize,
    /// Where it stands which body is being read, for a successor. Without it a body that kills its
    /// reader kills every one.
    pub words: Option<Box<dyn Words>>,
}

impl ServerOptions {
    pub(crate) fn prefetch(&self) -> usize {
        if self.prefetch == 0 { 128 } else { self.prefetch }
    }
}

/// What carries the messages of a server.
pub(crate) trait Carrier: Send + Sync {
    /// Takes nothing more. Replies of what is in hand still go out.
    fn stop_consuming(&self);
    /// Ends all of it, when the last replies have been read or have had their time.
    fn close(&self);
}

/// A server of one or more targets.
pub struct Server {
    carrier: Box<dyn Carrier>,
    reception: Arc<Reception>,
    /// The process that made it. Its threads are not in a forked copy, so nothing comes there.
    opener: u32,
    number: u64,
}

/// What came of waiting for a request.
#[derive(Debug)]
pub enum Received {
    /// One came.
    Request(Box<Incoming>),
    /// None came in time.
    Nothing,
    /// None will come: the server stops.
    Stopped,
}

impl Server {
    pub(crate) fn new(carrier: Box<dyn Carrier>, reception: Arc<Reception>) -> Self {
        Self { carrier, reception, opener: std::process::id(), number: 0 }
    }

    /// The same under a number of its bus.
    #[cfg(feature = "rabbit")]
    pub(crate) fn numbered(mut self, number: u64) -> Self {
        self.number = number;
        self
    }

    /// Its number among the servers of a broker's bus, as in what the bus tells of its state.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next request; waits for one until [`Server::stop_consuming`].
    #[must_use]
    pub fn next(&self) -> Option<Incoming> {
        if self.is_copy() {
            return None;
        }
        match self.reception.inbox.next(None) {
            Next::Request(incoming) => Some(*incoming),
            Next::Nothing | Next::Closed => None,
        }
    }

    /// The next request, if one comes in time.
    #[must_use]
    pub fn next_within(&self, limit: Duration) -> Received {
        if self.is_copy() {
            return Received::Stopped;
        }
        match self.reception.inbox.next(Instant::now().checked_add(limit)) {
            Next::Request(incoming) => Received::Request(incoming),
            Next::Nothing => Received::Nothing,
            Next::Closed => Received::Stopped,
        }
    }

    /// What has come so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.reception.counts()
    }

    /// Takes nothing more; what waits is given back. Replies of what is in hand still go out.
    pub fn stop_consuming(&self) {
        if self.is_copy() {
            return;
        }
        self.carrier.stop_consuming();
        self.reception.inbox.close();
    }

    /// The same, and waits a moment for the last replies to be read. What is not settled by now is
    /// sent again by its sender.
    pub fn close(&self) {
        if self.is_copy() {
            return; // it would wait for a thread that is in another process
        }
        self.stop_consuming();
        self.carrier.close();
    }

    fn is_copy(&self) -> bool {
        std::process::id() != self.opener
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Bus;
    use crate::target::Target;

    #[test]
    fn in_another_process_a_server_does_nothing_and_leaves_the_real_one_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let target = Target::new("openstack", "t", "s").expect("good names");
        let served = Bus::local(dir.path()).serve(&[target], ServerOptions::default());
        let mut server = served.expect("a server");
        server.opener += 1; // as a forked child finds it
        assert!(server.next().is_none());
        assert!(matches!(server.next_within(Duration::from_secs(600)), Received::Stopped));
        server.close();
        assert!(dir.path().join("t,s").exists(), "the real one still listens");
        server.opener -= 1;
        drop(server);
        assert!(!dir.path().join("t,s").exists());
    }
}
