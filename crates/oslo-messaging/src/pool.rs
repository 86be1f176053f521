//! Threads that carry out what a server takes: so many handlers at a time and no more.
//!
//! One thread waits for a request; when it has one it leaves its place to another, and those that
//! find the place taken for a while end. So an idle service has one thread, and a busy one starts
//! none. The one that waits also tells callers that their calls go on. Must not: run a handler on
//! the thread of a transport.

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
    /// Somebody else may wait for a request.
    vacant: Condvar,
}

#[derive(Default)]
struct State {
    threads: usize,
    /// Threads that wait for the place of the one that waits for a request.
    spare: usize,
    /// Whether one of them waits for a request, or for a handler to end.
    has_waiter: bool,
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
            vacant: Condvar::new(),
        });
        shared.spawn()?;
        Ok(Self { shared })
    }

    /// What runs now.
    #[must_use]
    pub fn running(&self) -> Vec<Running> {
        let state = self.shared.lock();
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
        self.shared.server.stop_consuming();
        let state = self.shared.lock();
        let busy = |state: &mut State| state.threads > 0;
        let waited = self.shared.changed.wait_timeout_while(state, limit, busy);
        let late = waited.unwrap_or_else(PoisonError::into_inner).1.timed_out();
        self.shared.server.close();
        !late
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

    /// Becomes the thread that waits for a request; false if there is one and goes on to be.
    fn take_place(&self) -> bool {
        let mut state = self.lock();
        state.spare += 1;
        let taken = |state: &mut State| state.has_waiter && !state.stopping;
        let waited = self.vacant.wait_timeout_while(state, IDLE, taken);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.spare -= 1;
        !std::mem::replace(&mut state.has_waiter, true)
    }

    /// Leaves the place to another thread; the number of what this one runs from now on.
    fn leave_place(self: &Arc<Self>, admitted: &Admitted) -> u64 {
        let now = Instant::now();
        let pulse = admitted.incoming().pulse().map(|pulse| {
            let due = now + pulse.every();
            (pulse, due)
        });
        let request_id = admitted.context().request_id().map(|id| id.chars().take(100).collect());
        let entry = Entry { method: admitted.method(), request_id, since: now, pulse };
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.running.insert(number, entry);
        state.has_waiter = false;
        let has_spare = state.spare > 0;
        drop(state);
        self.vacant.notify_one();
        if !has_spare && let Err(error) = self.spawn() {
            // This one takes the place again when it has ended what it runs.
            tracing::warn!(target: "oslo_messaging.server", "No thread for the next request: {error}");
        }
        number
    }

    /// The server has stopped: signs of life go on until the last handler has ended.
    fn outlast(&self) {
        let mut state = self.lock();
        state.stopping = true;
        self.vacant.notify_all();
        while !state.running.is_empty() {
            let now = Instant::now();
            let due = state.beat(now).map_or(IDLE, |due| due.saturating_duration_since(now));
            let waited = self.changed.wait_timeout(state, due);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next request, waited for as long as this thread is the one that waits.
    fn next(&self) -> Option<Admitted> {
        loop {
            let mut state = self.lock();
            let due = state.beat(Instant::now());
            if state.running.len() >= self.most {
                // No more at a time; but somebody has to say that these go on.
                let wait = due.map_or(IDLE, |due| due.saturating_duration_since(Instant::now()));
                let waited = self.changed.wait_timeout(state, wait);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
                continue;
            }
            drop(state);
            let wait = due.map_or(IDLE, |due| due.saturating_duration_since(Instant::now()));
            match self.server.next_within(wait) {
                Received::Request(incoming) => {
                    if let Some(admitted) = self.dispatcher.admit(*incoming) {
                        return Some(admitted);
                    }
                }
                Received::Nothing => {}
                Received::Stopped => return None,
            }
        }
    }
}

impl State {
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
    /// Waits for a request, leaves that to another thread, carries the request out; again.
    fn run(self) {
        let shared = &self.0;
        while shared.take_place() {
            let Some(admitted) = shared.next() else {
                shared.outlast();
                return;
            };
            let number = shared.leave_place(&admitted);
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
