//! Threads that carry out what a server takes: so many handlers at a time and no more.
//!
//! Threads that wait and threads that run together are never more than that. Whoever takes the request
//! that the last waiting thread was there for starts another one; those that wait in vain for a
//! while end, but for one. So an idle service has one thread, and a busy one neither starts nor wakes
//! any but the one that carries a request out. Threads that wait also tell callers that their calls
//! go on; when all run, one more does that. Must not: run a handler on the thread of a transport.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::dispatch::{Admitted, Dispatcher};
use crate::incoming::Pulse;
use crate::server::{Received, Server};

/// How long a thread that is not needed stays.
const IDLE: Duration = Duration::from_secs(10);

/// Handlers of one server.
pub struct Pool {
    shared: Arc<Shared>,
}

/// A handler that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Running {
    /// Its method.
    pub method: &'static str,
    /// Of the request, if it has one.
    pub request_id: Option<String>,
    /// How long it has run.
    pub age: Duration,
}

struct Shared {
    server: Server,
    dispatcher: Dispatcher,
    most: usize,
    state: Mutex<State>,
    /// A handler or a thread has ended.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    threads: usize,
    /// Threads that wait for a request.
    waiting: usize,
    /// Whether one only tells callers that their calls go on.
    has_watcher: bool,
    stopping: bool,
    next: u64,
    running: BTreeMap<u64, Entry>,
}

struct Entry {
    method: &'static str,
    request_id: Option<String>,
    since: Instant,
    pulse: Option<(Pulse, Instant)>,
}

impl Pool {
    /// Carries out what comes to `server`, at most `most` requests at a time.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub fn start(server: Server, dispatcher: Dispatcher, most: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            server,
            dispatcher,
            most: most.max(1),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        shared.spawn()?;
        Ok(Self { shared })
    }

    /// What runs now.
    #[must_use]
    pub fn running(&self) -> Vec<Running> {
        Self::entries(&self.shared.lock())
    }

    /// The same without waiting for the others who look or change something; nothing if one does.
    #[must_use]
    pub fn running_now(&self) -> Option<Vec<Running>> {
        self.shared.state.try_lock().ok().map(|state| Self::entries(&state))
    }

    fn entries(state: &State) -> Vec<Running> {
        let entry = |one: &Entry| Running {
            method: one.method,
            request_id: one.request_id.clone(),
            age: one.since.elapsed(),
        };
        state.running.values().map(entry).collect()
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.shared.server
    }

    /// Takes nothing more, waits until what runs has ended, and closes the server; says whether all
    /// ended in time.
    pub fn drain(&self, limit: Duration) -> bool {
        let ended = self.finish(limit);
        self.shared.server.close();
        ended
    }

    /// Takes nothing more and waits until what runs has ended; says whether all did in time. Replies
    /// still go out until the server is closed.
    pub fn finish(&self, limit: Duration) -> bool {
        self.shared.server.stop_consuming();
        let state = self.shared.lock();
        let busy = |state: &mut State| state.threads > 0;
        let waited = self.shared.changed.wait_timeout_while(state, limit, busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("running", &self.running()).finish_non_exhaustive()
    }
}

/// Handlers that still run are not waited for; their server stays until they have ended.
impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.server.stop_consuming();
    }
}

impl Shared {
    fn spawn(self: &Arc<Self>) -> io::Result<()> {
        self.lock().threads += 1;
        // Counts itself off, also when there is no thread to run it.
        let one = Thread(Arc::clone(self));
        let thread = std::thread::Builder::new().name("rpc".into());
        thread.spawn(move || one.run()).map(drop)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next request and its number among those that run; nothing if this thread is not needed.
    fn next(self: &Arc<Self>) -> Option<(Admitted, u64)> {
        let mut state = self.lock();
        loop {
            let due = state.beat(Instant::now());
            let left = due.map_or(IDLE, |due| due.saturating_duration_since(Instant::now()));
            if state.stopping || state.waiting + state.running.len() >= self.most {
                state = self.watch(state, left)?;
                continue;
            }
            state.waiting += 1;
            drop(state);
            let received = self.server.next_within(left.min(IDLE));
            // Found out while this thread counts as one that waits: its place is its own.
            let (admitted, stopped) = match received {
                Received::Request(incoming) => (self.dispatcher.admit(*incoming), false),
                Received::Nothing => (None, false),
                Received::Stopped => (None, true),
            };
            state = self.lock();
            state.waiting -= 1;
            state.stopping |= stopped;
            if let Some(admitted) = admitted {
                let number = state.enter(&admitted);
                self.leave_somebody(state);
                return Some((admitted, number));
            }
            if !stopped && state.waiting > 0 && due.is_none() {
                return None; // in vain for long enough, and there are others
            }
        }
    }

    /// Waits for a change while no request can be taken, if nobody else does and somebody has to.
    fn watch<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        left: Duration,
    ) -> Option<MutexGuard<'a, State>> {
        let is_over = state.stopping && state.running.is_empty();
        if state.has_watcher || state.waiting > 0 || is_over {
            return None;
        }
        state.has_watcher = true;
        let waited = self.changed.wait_timeout(state, left);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.has_watcher = false;
        Some(state)
    }

    /// Makes sure that somebody waits for the next request, or watches over those that run.
    fn leave_somebody(self: &Arc<Self>, state: MutexGuard<'_, State>) {
        let room = state.running.len() < self.most;
        let pulses = state.running.values().any(|one| one.pulse.is_some());
        let needed = state.waiting == 0 && !state.has_watcher && (room || pulses);
        drop(state);
        if needed && let Err(error) = self.spawn() {
            // This one waits again when it has ended what it runs.
            tracing::warn!(target: "oslo_messaging.server", "No thread for the next request: {error}");
        }
    }
}

impl State {
    /// One more runs.
    fn enter(&mut self, admitted: &Admitted) -> u64 {
        let since = Instant::now();
        let pulse = admitted.incoming().pulse().map(|pulse| {
            let due = since + pulse.every();
            (pulse, due)
        });
        let request_id = admitted.context().request_id().map(|id| id.chars().take(100).collect());
        let number = self.next;
        self.next += 1;
        self.running.insert(number, Entry { method: admitted.method(), request_id, since, pulse });
        number
    }

    /// Tells callers that their calls go on; says when to do so again.
    fn beat(&mut self, now: Instant) -> Option<Instant> {
        for (pulse, due) in self.running.values_mut().filter_map(|one| one.pulse.as_mut()) {
            if *due <= now {
                pulse.beat();
                *due = now + pulse.every();
            }
        }
        let dues = self.running.values().filter_map(|one| one.pulse.as_ref());
        dues.map(|(_, due)| *due).min()
    }
}

/// One of the threads, which is counted off however it ends.
struct Thread(Arc<Shared>);

impl Thread {
    fn run(self) {
        let shared = &self.0;
        while let Some((admitted, number)) = shared.next() {
            admitted.run();
            shared.lock().running.remove(&number);
            shared.changed.notify_all();
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.0.lock().threads -= 1;
        self.0.changed.notify_all();
    }
}
