//! Threads that carry out what a server takes: so many handlers at a time and no more, in each lane.
//!
//! A lane is a limit of its own, so that what takes long does not keep what is short from running. A
//! request whose lane is full waits without a thread; it is not acknowledged, so that their number is
//! bounded by what the transport hands out, and goes back after [`LONGEST_WAIT`].
//!
//! Threads that wait and threads that run together are never more than that. Whoever takes the request
//! that the last waiting thread was there for starts another one; those that wait in vain for a
//! while end, but for one. So an idle service has one thread, and a busy one neither starts nor wakes
//! any but the one that carries a request out. Threads that wait also tell callers that their calls
//! go on; when all run, one more does that. Must not: run a handler on the thread of a transport.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::dispatch::{Admitted, Dispatcher};
use crate::incoming::Pulse;
use crate::server::{Received, Server};

/// How long a thread that is not needed stays.
const IDLE: Duration = Duration::from_secs(10);
/// How long the only one waits where nothing is parked: only a request, which wakes it, can change anything then.
const ALONE: Duration = Duration::from_secs(3600);

/// A request that has waited so long for its lane is given back, to be taken again: a broker closes the
/// channel of a message that is not acknowledged for 30 minutes.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// How many handlers run at a time: one number for each lane.
#[derive(Debug, Clone)]
pub struct Lanes(Vec<Lane>);

#[derive(Debug, Clone, Copy)]
struct Lane {
    most: usize,
    patience: Duration,
}

impl Lanes {
    /// Lanes with these limits; one of 0 is one of 1.
    #[must_use]
    pub fn of(limits: &[usize]) -> Self {
        let lane = |limit: &usize| Lane { most: (*limit).max(1), patience: Duration::MAX };
        Self(limits.iter().map(lane).collect())
    }

    /// With how long a handler of each may run before it counts as stuck: another one may then run in its place, up to
    /// as many as the lane has; nobody waits for it any more, a stop neither.
    #[must_use]
    pub fn patient(mut self, patience: &[Duration]) -> Self {
        for (lane, patience) in self.0.iter_mut().zip(patience) {
            lane.patience = *patience;
        }
        self
    }

    fn all(&self) -> usize {
        self.0.iter().map(|lane| lane.most).sum()
    }
}

/// One lane for everything.
impl From<usize> for Lanes {
    fn from(most: usize) -> Self {
        Self::of(&[most])
    }
}

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
    /// The number of its lane.
    pub lane: usize,
    /// Of the request, if it has one.
    pub request_id: Option<String>,
    /// How long it has run.
    pub age: Duration,
    /// Whether that is longer than its lane is patient.
    pub is_stuck: bool,
}

/// Looks after the requests that wait. All of it is called under the pool's lock and must not wait.
pub trait Attendant: Send + Sync {
    /// So many requests wait for a lane, by its number: told when one begins to wait, and when one ends it.
    fn waits(&self, lane: usize, count: usize) {
        let _ = (lane, count);
    }

    /// Whether this one is to wait although there may be room. It is asked again when another request
    /// comes or has ended, and every few seconds.
    fn holds(&self, request: &Admitted) -> bool {
        let _ = request;
        false
    }
}

/// Nobody: what has room begins.
impl Attendant for () {}

struct Shared {
    server: Server,
    dispatcher: Dispatcher,
    lanes: Lanes,
    attendant: Arc<dyn Attendant>,
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
    /// Requests whose lane is full, in the order in which they came.
    parked: VecDeque<(usize, Admitted)>,
}

struct Entry {
    method: &'static str,
    lane: usize,
    request_id: Option<String>,
    since: Instant,
    /// It has run for longer than its lane is patient, which has been said.
    is_stuck: bool,
    pulse: Option<(Pulse, Instant)>,
}

impl Pool {
    /// Carries out what comes to `server`, at most so many requests at a time.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub fn start(
        server: Server,
        dispatcher: Dispatcher,
        lanes: impl Into<Lanes>,
    ) -> io::Result<Self> {
        Self::start_attended(server, dispatcher, lanes, Arc::new(()))
    }

    /// As [`start`](Self::start), with somebody who looks after those that wait.
    ///
    /// # Errors
    ///
    /// The system gives no thread.
    pub fn start_attended(
        server: Server,
        dispatcher: Dispatcher,
        lanes: impl Into<Lanes>,
        attendant: Arc<dyn Attendant>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            server,
            dispatcher,
            lanes: lanes.into(),
            attendant,
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
            lane: one.lane,
            request_id: one.request_id.clone(),
            age: one.since.elapsed(),
            is_stuck: one.is_stuck,
        };
        state.running.values().map(entry).collect()
    }

    /// How many requests wait for each lane; nothing if somebody changes that just now.
    #[must_use]
    pub fn waiting_now(&self) -> Option<Vec<usize>> {
        let state = self.shared.state.try_lock().ok()?;
        let of = |lane| state.parked.iter().filter(|(of, _)| *of == lane).count();
        Some((0..self.shared.lanes.0.len()).map(of).collect())
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

    /// Takes nothing more and waits until what runs has ended, but for what is stuck; says whether all did in time.
    /// Replies still go out until the server is closed.
    pub fn finish(&self, limit: Duration) -> bool {
        self.shared.server.stop_consuming();
        // What has not begun does not begin: it goes back, for whoever comes next.
        let mut state = self.shared.lock();
        state.stopping = true;
        let back = state.give_back();
        self.shared.tell(&state);
        drop(state);
        drop(back);
        let begun = Instant::now();
        let mut state = self.shared.lock();
        loop {
            state.lose_patience(&self.shared.lanes);
            let left = limit.saturating_sub(begun.elapsed());
            if state.threads <= state.stuck() || left.is_zero() {
                return state.threads == 0;
            }
            // What gets stuck meanwhile tells nobody.
            let left = left.min(state.until(state.next_stuck(&self.shared.lanes)));
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
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

    fn tell(&self, state: &State) {
        for lane in 0..self.lanes.0.len() {
            self.attendant.waits(lane, state.parked.iter().filter(|(of, _)| *of == lane).count());
        }
    }

    /// The next request and its number among those that run; nothing if this thread is not needed.
    fn next(self: &Arc<Self>) -> Option<(Admitted, u64)> {
        let mut state = self.lock();
        let mut new = false;
        loop {
            state.lose_patience(&self.lanes);
            let due = state.beat(Instant::now());
            let next = due.into_iter().chain(state.next_stuck(&self.lanes)).min();
            let left = state.until(next);
            let back = state.give_back();
            if !back.is_empty() {
                self.tell(&state);
                // Not under the lock: the transport has locks of its own.
                drop(state);
                drop(back);
                state = self.lock();
                continue;
            }
            let (unparked, parked) =
                (state.unpark(&self.lanes, &*self.attendant), std::mem::take(&mut new));
            if parked != unparked.is_some() {
                // Else somebody waits who did not, or the other way round.
                self.tell(&state);
            }
            if let Some((lane, admitted)) = unparked {
                let number = state.enter(&admitted, lane);
                self.leave_somebody(state);
                return Some((admitted, number));
            }
            if state.stopping || !state.has_room(&self.lanes) {
                state = self.watch(state, left)?;
                continue;
            }
            state.waiting += 1;
            drop(state);
            let received = self.server.next_within(left);
            // Found out while this thread counts as one that waits: its place is its own.
            let last = self.lanes.0.len().saturating_sub(1);
            let placed = |admitted: Admitted| (admitted.lane().min(last), admitted);
            let (admitted, stopped) = match received {
                Received::Request(incoming) => {
                    (self.dispatcher.admit(*incoming).map(placed), false)
                }
                Received::Nothing => (None, false),
                Received::Stopped => (None, true),
            };
            state = self.lock();
            state.waiting -= 1;
            state.stopping |= stopped;
            if let Some((lane, admitted)) = admitted {
                // Behind those that came before it; it is taken out again at once where there is room.
                state.parked.push_back((lane, admitted));
                new = true;
                continue;
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
        let is_over = state.stopping && state.running.len() <= state.stuck();
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
        // Where there is no room somebody sees whose calls go on, and what is stuck.
        let needed = state.waiting == 0 && !state.has_watcher;
        drop(state);
        if needed && let Err(error) = self.spawn() {
            // This one waits again when it has ended what it runs.
            tracing::warn!(target: "oslo_messaging.server", "No thread for the next request: {error}");
        }
    }
}

impl State {
    /// How long one of the threads may wait at most if this is the next that it knows to become due.
    fn until(&self, next: Option<Instant>) -> Duration {
        // A second thread may take a request behind the back of this one, which would then have to see whose calls go on.
        let most = if self.threads == 1 && self.parked.is_empty() { ALONE } else { IDLE };
        next.map_or(most, |next| next.saturating_duration_since(Instant::now()).min(most))
    }

    /// The first that waits for a lane which has room.
    fn unpark(&mut self, lanes: &Lanes, by: &dyn Attendant) -> Option<(usize, Admitted)> {
        let free =
            |(lane, one): &(usize, Admitted)| self.is_free(*lane, lanes.0[*lane]) && !by.holds(one);
        let place = self.parked.iter().position(free)?;
        self.parked.remove(place)
    }

    /// Whether one more may run in a lane: there is room beside those that may still end, and not too many do not.
    fn is_free(&self, number: usize, lane: Lane) -> bool {
        let mut of_lane = [0usize; 2];
        let entries = self.running.values().filter(|one| one.lane == number);
        entries.for_each(|one| of_lane[usize::from(one.is_stuck)] += 1);
        let [moving, stuck] = of_lane;
        moving + stuck.saturating_sub(lane.most) < lane.most
    }

    /// Whether one more thread may take a request.
    fn has_room(&self, lanes: &Lanes) -> bool {
        let moving = self.waiting + self.running.len() - self.stuck();
        moving + self.stuck().saturating_sub(lanes.all()) < lanes.all()
    }

    fn stuck(&self) -> usize {
        self.running.values().filter(|one| one.is_stuck).count()
    }

    /// Gives up hope for what has run for too long.
    fn lose_patience(&mut self, lanes: &Lanes) {
        for one in self.running.values_mut().filter(|one| !one.is_stuck) {
            let age = one.since.elapsed();
            if age < lanes.0[one.lane].patience {
                continue;
            }
            one.is_stuck = true;
            let (method, seconds) = (one.method, age.as_secs());
            let request = one.request_id.as_deref().unwrap_or("-").escape_debug().to_string();
            tracing::warn!(
                target: "oslo_messaging.server",
                "{method} of request {request} has run for {seconds} s and may never end; another may take its place"
            );
        }
    }

    /// When hope for the next of them is given up, if it still runs then.
    fn next_stuck(&self, lanes: &Lanes) -> Option<Instant> {
        let hopeful = self.running.values().filter(|one| !one.is_stuck);
        hopeful.filter_map(|one| one.since.checked_add(lanes.0[one.lane].patience)).min()
    }

    /// Those that wait in vain: for too long, or because nothing is to begin any more.
    fn give_back(&mut self) -> Vec<(usize, Admitted)> {
        let is_over = |(_, one): &(usize, Admitted)| one.incoming().age() >= LONGEST_WAIT;
        if self.stopping {
            return self.parked.drain(..).collect();
        }
        let (over, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.parked).into_iter().partition(is_over);
        self.parked = rest.into();
        over
    }

    /// One more runs.
    fn enter(&mut self, admitted: &Admitted, lane: usize) -> u64 {
        let since = Instant::now();
        let pulse = admitted.incoming().pulse().map(|pulse| {
            let due = since + pulse.every();
            (pulse, due)
        });
        let request_id = admitted.context().request_id().map(|id| id.chars().take(100).collect());
        let number = self.next;
        self.next += 1;
        let method = admitted.method();
        self.running
            .insert(number, Entry { method, lane, request_id, since, is_stuck: false, pulse });
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
