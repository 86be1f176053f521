//! The heartbeat of one service: a thread of its own with a connection of its own.
//!
//! Must not: share a lock, pool or thread with drivers or messages. Schedulers take a silent
//! service for dead, so a slow array or a full pool must not silence it.
//!
//! Each tick, `interval` apart by the monotonic clock and never caught up on: ask whether
//! the driver is initialised; if so, write one beat. The database may be away for as long as
//! it likes; the loop tries again at every tick and ends only by [`Heartbeat::stop`].

mod writer;

use std::{
    any::Any,
    error::Error,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use cinder_types::{BINARY, ServiceId, ServiceUuid};
use tracing::{dispatcher, error};

use self::writer::{ANSWER_LIMIT, Answer, STOP_LIMIT, Writing};
use crate::{
    connection::Connection, error::DbError, options::DatabaseOptions, registry::Registration,
    timestamp::Timestamp,
};

/// Stack of the thread. Its deepest path, SQLite parsing the schema, stays far below.
const STACK_SIZE: usize = 256 * 1024;

/// The longest a beat waits for another process's lock; a stop may wait as long. With an
/// interval shorter than that the ticks in between are left out.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);

/// What a heartbeat needs to know.
#[derive(Debug, Clone)]
pub struct HeartbeatPlan {
    /// Where the row is.
    pub database: DatabaseOptions,
    /// What to write into it, and into a new one if it vanishes.
    pub registration: Registration,
    /// The row, as registered.
    pub service: ServiceId,
    /// `report_interval`; zero means no heartbeat.
    pub interval: Duration,
}

impl HeartbeatPlan {
    /// Opens a connection as a heartbeat wants it: one that would rather fail than hang.
    ///
    /// A worker that has something to ask before its heartbeat starts asks over this one and then
    /// hands it to [`Heartbeat::start_on`]: opening costs more than most questions.
    ///
    /// # Errors
    ///
    /// Those of [`Connection::open`].
    pub fn connect(&self) -> Result<Connection, DbError> {
        Connection::open(&impatient(&self.database))
    }
}

/// The same database with the limits of a heartbeat.
fn impatient(database: &DatabaseOptions) -> DatabaseOptions {
    let patience = ANSWER_LIMIT / 2;
    let statement = database.statement_timeout.map_or(patience, |limit| limit.min(patience));
    DatabaseOptions {
        busy_timeout: database.busy_timeout.min(LOCK_PATIENCE),
        connect_timeout: database.connect_timeout.min(patience),
        statement_timeout: Some(statement),
        ..database.clone()
    }
}

/// A beat that has reached the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// The time it wrote.
    pub at: Timestamp,
    /// The row it went to.
    pub service: ServiceId,
    /// Set when the row had vanished: the uuid of its successor.
    pub recreated: Option<ServiceUuid>,
}

/// A try to beat, successful or not.
#[derive(Debug)]
pub struct Pulse<'a> {
    /// How long it took.
    pub took: Duration,
    /// What came of it.
    pub result: Result<&'a Beat, &'a DbError>,
}

/// A running heartbeat; dropping it stops it.
#[derive(Debug)]
pub struct Heartbeat {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    opener: u32,
}

impl Heartbeat {
    /// Starts the thread; `None` when the interval is zero.
    ///
    /// `driver_ready` is asked at every tick whether the driver is initialised, `observe` is
    /// told of every beat. The first beat comes at once if the driver is ready, else with
    /// [`Heartbeat::driver_became_ready`] or at the next tick.
    ///
    /// # Errors
    ///
    /// The system's error if it will not start a thread.
    pub fn start(
        plan: HeartbeatPlan,
        driver_ready: impl FnMut() -> bool + Send + 'static,
        mut observe: impl FnMut(&Beat) + Send + 'static,
    ) -> io::Result<Option<Self>> {
        let observe = move |pulse: &Pulse<'_>| {
            if let Ok(beat) = pulse.result {
                observe(beat);
            }
        };
        Self::start_with(plan, None, Box::new(driver_ready), Box::new(observe))
    }

    /// The same over a connection that is open already, from [`HeartbeatPlan::connect`]; `observe`
    /// is told of every try, with the time that it took.
    ///
    /// # Errors
    ///
    /// As [`Heartbeat::start`].
    pub fn start_on(
        connection: Connection,
        plan: HeartbeatPlan,
        driver_ready: impl FnMut() -> bool + Send + 'static,
        observe: impl FnMut(&Pulse<'_>) + Send + 'static,
    ) -> io::Result<Option<Self>> {
        Self::start_with(plan, Some(connection), Box::new(driver_ready), Box::new(observe))
    }

    fn start_with(
        plan: HeartbeatPlan,
        connection: Option<Connection>,
        driver_ready: Box<dyn FnMut() -> bool + Send>,
        observe: Box<dyn FnMut(&Pulse<'_>) + Send>,
    ) -> io::Result<Option<Self>> {
        if plan.interval.is_zero() {
            return Ok(None);
        }
        let shared = Arc::new(Shared::default());
        let beater = Beater::new(plan, connection, driver_ready, observe, Arc::clone(&shared));
        let theirs = Arc::clone(&shared);
        // A subscriber set for this thread only, as tests do, has to hear the heartbeat too.
        let log = dispatcher::get_default(Clone::clone);
        let thread = thread::Builder::new().name("heartbeat".into()).stack_size(STACK_SIZE).spawn(
            move || {
                let _last = LastWord(&theirs);
                dispatcher::with_default(&log, || run(beater, &theirs));
            },
        )?;
        Ok(Some(Self { shared, thread: Some(thread), opener: std::process::id() }))
    }

    /// Tells that the driver has just been initialised, for a first beat at once.
    pub fn driver_became_ready(&self) {
        self.shared.change(|orders| orders.look_now = true);
    }

    /// Stops: a beat in progress is finished, a sleep ends at once.
    pub fn stop(self) {
        drop(self);
    }

    /// The same, but waits no longer than this; whether it has ended. May be asked again.
    pub fn stops_within(&self, limit: Duration) -> bool {
        if std::process::id() != self.opener {
            return true; // as in a drop
        }
        self.shared.change(|orders| orders.stop = true);
        let runs = |orders: &mut Orders| !orders.ended;
        let waited = self.shared.changed.wait_timeout_while(self.shared.lock(), limit, runs);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        // After a fork the thread exists in the opener only; nobody could be joined here.
        if std::process::id() != self.opener {
            return;
        }
        self.shared.change(|orders| orders.stop = true);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been reported by the panic hook already.
            let _ = thread.join();
        }
    }
}

/// Says that the thread has ended, also by a panic.
struct LastWord<'a>(&'a Shared);

impl Drop for LastWord<'_> {
    fn drop(&mut self) {
        self.0.change(|orders| orders.ended = true);
    }
}

#[derive(Debug, Default)]
struct Shared {
    orders: Mutex<Orders>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Orders {
    stop: bool,
    /// The thread's own word, its last.
    ended: bool,
    look_now: bool,
    /// What a beat came to, and which writing thread says so.
    answer: Option<(u64, Answer)>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Orders> {
        // Flags and a whole answer cannot be left half-written, so a poisoned lock is as good
        // as a whole one.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Orders)) {
        change(&mut self.lock());
        // The heartbeat's thread and whoever waits for its end.
        self.changed.notify_all();
    }

    /// Sleeps until `deadline` or an order; one wake-up, whichever it is.
    fn sleep_until(&self, deadline: Instant) -> Wake {
        let mut orders = self.lock();
        loop {
            if orders.stop {
                return Wake::Stop;
            }
            if std::mem::take(&mut orders.look_now) {
                return Wake::Look;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Wake::Tick;
            }
            orders =
                self.changed.wait_timeout(orders, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Shared {
    /// Hands over what a beat came to.
    fn answer(&self, generation: u64, answer: Answer) {
        self.change(|orders| orders.answer = Some((generation, answer)));
    }

    /// Waits for the answer of this writing thread; `None` when it takes too long.
    fn wait_for_answer(&self, generation: u64, limit: Duration) -> Option<Answer> {
        let mut deadline = Instant::now() + limit;
        let mut orders = self.lock();
        loop {
            match orders.answer.take() {
                Some((from, answer)) if from == generation => return Some(answer),
                _ => {} // none yet, or one that comes too late from a thread left behind
            }
            if orders.stop {
                deadline = deadline.min(Instant::now() + STOP_LIMIT);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            orders =
                self.changed.wait_timeout(orders, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

enum Wake {
    Tick,
    Look,
    Stop,
}

fn run(mut beater: Beater, shared: &Shared) {
    let interval = beater.plan.interval;
    // A driver that is still starting is not "reporting problems": only ticks complain.
    let mut beating = beater.begin();
    let mut deadline = Instant::now() + interval;
    loop {
        match shared.sleep_until(deadline) {
            Wake::Stop => return,
            Wake::Look if beating => {}
            Wake::Look => {
                beating = beater.begin();
                deadline = Instant::now() + interval;
            }
            Wake::Tick => {
                beating = beater.tick();
                deadline = next_tick(deadline, interval, Instant::now());
            }
        }
    }
}

/// The first moment after `now` that lies a whole number of intervals after `last`.
fn next_tick(last: Instant, interval: Duration, now: Instant) -> Instant {
    let late = now.saturating_duration_since(last).as_nanos();
    let missed = late / interval.as_nanos().max(1);
    let ticks = u32::try_from(missed).unwrap_or(u32::MAX - 1) + 1;
    interval.checked_mul(ticks).and_then(|step| last.checked_add(step)).unwrap_or(now + interval)
}

/// What the heartbeat's thread owns.
struct Beater {
    plan: HeartbeatPlan,
    driver_ready: Box<dyn FnMut() -> bool + Send>,
    observe: Box<dyn FnMut(&Pulse<'_>) + Send>,
    writing: Writing,
    shared: Arc<Shared>,
    /// Set from the first failure to the next beat: failures in between are silent.
    disconnected: bool,
}

impl Beater {
    fn new(
        mut plan: HeartbeatPlan,
        connection: Option<Connection>,
        driver_ready: Box<dyn FnMut() -> bool + Send>,
        observe: Box<dyn FnMut(&Pulse<'_>) + Send>,
        shared: Arc<Shared>,
    ) -> Self {
        plan.database = impatient(&plan.database);
        let writing = Writing::new(plan.clone(), connection);
        Self { plan, driver_ready, observe, writing, shared, disconnected: false }
    }

    /// Beats if the driver is ready already; returns whether it is.
    fn begin(&mut self) -> bool {
        let ready = self.guarded(|beater| (beater.driver_ready)()).unwrap_or(false);
        if ready {
            self.guarded(Self::beat);
        }
        ready
    }

    /// Beats, or says why not; returns whether the driver is ready.
    fn tick(&mut self) -> bool {
        let ready = self.begin();
        if !ready {
            error!(
                target: "cinder.service",
                host = self.plan.registration.host.as_str(),
                "Manager for service {BINARY} {} is reporting problems, not sending heartbeat. \
                 Service will appear \"down\".",
                self.plan.registration.host
            );
        }
        ready
    }

    /// Runs foreign code; its panic must not end the heartbeat, only this tick.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let panic = match catch_unwind(AssertUnwindSafe(|| work(self))) {
            Ok(done) => return Some(done),
            Err(panic) => panic,
        };
        self.writing.start_afresh();
        if !std::mem::replace(&mut self.disconnected, true) {
            error!(
                target: "cinder.service",
                host = self.plan.registration.host.as_str(),
                error = panic_text(&*panic),
                "Exception encountered: "
            );
        }
        None
    }

    fn beat(&mut self) {
        let begun = Instant::now();
        let result = self.writing.write(&self.shared);
        let took = begun.elapsed();
        match &result {
            Ok(_) => {
                if std::mem::take(&mut self.disconnected) {
                    // At this level upstream reports it, so that it shows beside the failure.
                    error!(
                        target: "cinder.service",
                        host = self.plan.registration.host.as_str(),
                        "Recovered model server connection!"
                    );
                }
            }
            Err(failure) => {
                if !std::mem::replace(&mut self.disconnected, true) {
                    self.report(failure);
                }
            }
        }
        (self.observe)(&Pulse { took, result: result.as_ref() });
    }

    fn report(&self, failure: &DbError) {
        let host = self.plan.registration.host.as_str();
        let error = failure as &(dyn Error + 'static);
        if failure.is_unavailable() {
            error!(target: "cinder.service", host, error, "model server went away");
        } else {
            error!(target: "cinder.service", host, error, "DBError encountered: ");
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panic without text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_keep_their_phase_and_missed_ones_are_not_caught_up_on() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let ten = Duration::from_secs(10);
        assert_eq!(next_tick(at(10), ten, at(10)), at(20));
        assert_eq!(next_tick(at(10), ten, at(13)), at(20));
        assert_eq!(next_tick(at(10), ten, at(20)), at(30));
        assert_eq!(next_tick(at(10), ten, at(75)), at(80));
        assert_eq!(next_tick(at(10), ten, at(9)), at(20));
    }
}
