//! What a user of this crate implements: a service that runs in a worker, and hooks of the process.
//!
//! Must not: know how workers are started. The same service runs forked, as a subprocess or in
//! this very process.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::StartError;
use crate::later::later;
use crate::reporting::{ReportRequest, ReportWork};
use crate::rereading::ReadWork;
use crate::scoreboard::{Operation, RunningOperation, Scoreboard, WorkerState};
use crate::state_line::StateTeller;
use crate::stop_flag::StopFlag;

/// A long-running service; one object per back end, built before any worker exists.
///
/// The object is made in the parent and used in the worker, so it may hold plain data only:
/// nothing that is open (sockets, database handles, threads) survives a fork in one piece.
/// [`start`](Self::start) opens what is needed.
pub trait Service: Send + Sync {
    /// The name in log lines, in the status sentence and on the scoreboard.
    fn name(&self) -> &str;

    /// Whether [`start`](Self::start) and [`wait`](Self::wait) need a thread of their own.
    ///
    /// They do by default, because both may block while the worker's main thread has to answer
    /// signals. With `false`, `start` runs on the main thread and must return promptly, and a
    /// thread for `wait` is made only when a stop has been asked for, so the service cannot end
    /// by itself before. It saves what the thread costs: a stack, a part of the allocator.
    fn needs_thread(&self) -> bool {
        true
    }

    /// Whether this only serves the others: a status page, say.
    ///
    /// Such a service is supervised and replaced like any other, but is none of those that the
    /// status sentence counts, READY does not wait for it and SIGUSR1 leaves it alone. A stop
    /// reaches it when all others are gone, and then waits for it no longer than a second.
    fn auxiliary(&self) -> bool {
        false
    }

    /// Brings the service up; returns when it serves. Runs in the worker, on a thread of its own
    /// unless [`needs_thread`](Self::needs_thread) says otherwise.
    ///
    /// May block for as long as it takes, but must give up with [`StartError::Stopped`] soon
    /// after [`WorkerHandle::is_stopping`] turns true. For a service that is up this is told;
    /// one that runs but cannot serve calls [`WorkerHandle::down`] itself.
    ///
    /// # Errors
    ///
    /// Any error ends the worker with the status [`StartError`] names.
    fn start(&self, worker: &WorkerHandle) -> Result<(), StartError>;

    /// Asks the service to stop; returns at once. Called at most once, perhaps during `start`.
    fn stop(&self);

    /// Blocks until everything that `start` began has ended.
    fn wait(&self);

    /// Forgets cached state after a configuration change (SIGHUP); the service goes on.
    fn reset(&self);

    /// Lines about this service for a report of its worker, for example the state of its pools.
    ///
    /// Called on the thread that answers signals: must not block, nor wait for a lock that
    /// somebody may hold for long.
    fn report(&self) -> String {
        String::new()
    }
}

/// What the process itself does on HUP and USR2, in the parent and in every worker.
pub trait Hooks: Send {
    /// Begins to read the configuration again (SIGHUP).
    ///
    /// Called on the thread that supervises or answers signals, so it must read nothing itself. What
    /// reads is returned and runs beside this thread, like a report; its answer goes to
    /// [`reload`](Self::reload). One that takes longer than ten seconds is given up. `None`, the
    /// default, has nothing to read: `reload` gets an empty answer at once.
    ///
    /// Not called in a forked worker, which [follows](Self::follow) its parent.
    fn read_again(&mut self) -> Option<ReadWork> {
        None
    }

    /// Applies what was read, as far as it may change at run time. Must not block.
    ///
    /// The answer is what forked workers need in order to follow, at most
    /// [`LARGEST_ANSWER`](crate::LARGEST_ANSWER) bytes.
    ///
    /// # Errors
    ///
    /// [`ReloadRefused`] when the new configuration is not usable. The old one must still be in
    /// force then, and the reasons logged; the workers are not told.
    fn reload(&mut self, read: &[u8]) -> Result<Vec<u8>, ReloadRefused>;

    /// Does in a forked worker what its parent has done in [`reload`](Self::reload), whose answer
    /// it gets; nothing if there was none since this worker began. The default does the same as there. Must not block, nor believe what it is told.
    ///
    /// # Errors
    ///
    /// [`ReloadRefused`] as there: this worker goes on as it was.
    fn follow(&mut self, told: &[u8]) -> Result<(), ReloadRefused> {
        self.reload(told).map(drop)
    }

    /// Begins a report of this process (SIGUSR2).
    ///
    /// Called between two waits, so it must not take long. What does is returned, and runs beside
    /// this thread: on another one in a worker, in a copy of the process where a supervisor must
    /// have one thread only. One report is made at a time.
    fn report(&mut self, request: ReportRequest, scoreboard: &Scoreboard) -> Option<ReportWork>;

    /// Called right before each sleep of the parent and of a worker's main thread.
    ///
    /// The answer bounds that sleep: with `Some(time)` this is called again after `time` at the
    /// latest. `None`, the default, sleeps until something happens. Must not block.
    fn before_wait(&mut self) -> Option<Duration> {
        None
    }

    /// Called in a forked worker as its last act: it ends without running any destructor.
    ///
    /// May block for a moment, which delays the worker's end by as much.
    fn before_exit(&mut self) {}
}

/// The new configuration was refused; the old one stays in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("configuration not reloaded")]
pub struct ReloadRefused;

/// Hooks of a program that neither reloads nor reports.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoHooks;

impl Hooks for NoHooks {
    fn reload(&mut self, _: &[u8]) -> Result<Vec<u8>, ReloadRefused> {
        Ok(Vec::new())
    }

    fn report(&mut self, _: ReportRequest, _: &Scoreboard) -> Option<ReportWork> {
        None
    }
}

/// A service's way to its supervisor; cheap to clone, usable from any thread of the worker.
#[derive(Clone)]
pub struct WorkerHandle {
    pub(crate) slot: usize,
    pub(crate) scoreboard: Arc<Scoreboard>,
    pub(crate) teller: Arc<StateTeller>,
    /// The state that this worker last told of itself; the scoreboard may have been written over.
    pub(crate) said: Arc<Said>,
    pub(crate) stop: Arc<StopFlag>,
}

/// The state that a worker last told of itself: no [`WorkerState`] before it has told any.
///
/// As small as an atomic: a forked worker copies the page that it is on, and a larger one would be
/// on another page than what has to be copied anyway.
#[derive(Debug, Default)]
pub(crate) struct Said(Mutex<u8>);

impl WorkerHandle {
    /// Tells the supervisor that the service serves.
    ///
    /// From the moment when a stop was asked for, a worker drains whatever its parts say: this and
    /// [`down`](Self::down) have no effect any more.
    pub fn up(&self) {
        self.up_but("");
    }

    /// As [`up`](Self::up), and tells what is wrong all the same.
    pub fn up_but(&self, reason: &str) {
        self.tell(WorkerState::Up, reason);
    }

    /// Tells the supervisor that the worker runs but cannot serve, and why.
    ///
    /// The reason is shown to operators; it is cut at
    /// [`REASON_BYTES`](crate::scoreboard::REASON_BYTES) bytes and must hold no secret.
    pub fn down(&self, reason: &str) {
        self.tell(WorkerState::Down, reason);
    }

    /// Tells what a stop waits for; no effect before one was asked for.
    pub fn drains(&self, reason: &str) {
        let mut said = self.said();
        if *said == WorkerState::Draining as u8 {
            self.show(&mut said, WorkerState::Draining, reason);
        }
    }

    fn tell(&self, state: WorkerState, reason: &str) {
        let mut said = self.said();
        if *said != WorkerState::Draining as u8 {
            self.show(&mut said, state, reason);
            self.teller.changed(state, reason);
        }
    }

    /// Says that the worker finishes what it has begun; the parent sees it when it wakes up for
    /// something else.
    pub(crate) fn draining(&self) {
        self.show(&mut self.said(), WorkerState::Draining, "");
    }

    /// Under the lock, so that two threads neither write into each other's reason nor leave on the
    /// scoreboard what the other one has overtaken.
    fn show(&self, said: &mut u8, state: WorkerState, reason: &str) {
        *said = state as u8;
        self.scoreboard.slot(self.slot).set_state(state, reason);
        self.scoreboard.mark(self.slot);
    }

    /// Held for moments only, also by the thread that answers signals. A number cannot be left
    /// half-written, so a poisoned lock is as good as any.
    fn said(&self) -> MutexGuard<'_, u8> {
        self.said.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a heartbeat on the scoreboard; wakes nobody.
    ///
    /// Unless the scoreboard has another state of this worker than it last told: a stray write has
    /// been there, and the state is told again, without a reason that nobody has kept.
    pub fn beat(&self) {
        let slot = self.scoreboard.slot(self.slot);
        slot.beat();
        let mut said = self.said();
        let told = WorkerState::from_word(u64::from(*said));
        let Some(state) = told.filter(|state| slot.said() != Some(*state)) else { return };
        self.show(&mut said, state, "");
        if state != WorkerState::Draining {
            self.teller.changed(state, "");
        }
    }

    /// This worker's words whose meaning the program defines, see
    /// [`Scoreboard::program_words`].
    pub fn program_words(&self) -> &[AtomicU64] {
        self.scoreboard.program_words(self.slot)
    }

    /// Shows an operation on the scoreboard until the answer is dropped; without any lock.
    ///
    /// The texts are cut at [`KIND_BYTES`](crate::scoreboard::KIND_BYTES),
    /// [`ID_BYTES`](crate::scoreboard::ID_BYTES) and
    /// [`REQUEST_BYTES`](crate::scoreboard::REQUEST_BYTES). With more at a time than
    /// [`LauncherOptions::operations`](crate::LauncherOptions::operations) the others are not shown.
    #[must_use = "it is shown for as long as this lives"]
    pub fn begin_operation(&self, kind: &str, id: &str, request: &str) -> RunningOperation {
        RunningOperation::begin(&self.scoreboard, self.slot, kind, id, request)
    }

    /// Shows operators what they have to know besides, at one of [`NOTES`](crate::scoreboard::NOTES)
    /// places; an empty text takes it back. Cut at [`NOTE_BYTES`](crate::scoreboard::NOTE_BYTES).
    ///
    /// Kept until the next process of this worker begins.
    pub fn note(&self, place: usize, text: &str) {
        self.scoreboard.note(self.slot, place, text);
    }

    /// What this worker is doing, the oldest first.
    pub fn running(&self) -> Vec<Operation> {
        self.scoreboard.running(self.slot)
    }

    /// The state of all workers, this one among them.
    pub fn scoreboard(&self) -> &Arc<Scoreboard> {
        &self.scoreboard
    }

    /// Whether a stop has been asked for.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_set()
    }

    /// Waits until a stop is asked for, at most `limit`; true if it was.
    pub fn wait_for_stop(&self, limit: Duration) -> bool {
        self.stop.wait_until(later(Instant::now(), limit))
    }

    /// Whether the service has said anything yet.
    pub(crate) fn has_told(&self) -> bool {
        self.scoreboard.slot(self.slot).state() != WorkerState::Starting
    }
}

impl std::fmt::Debug for WorkerHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerHandle").field("slot", &self.slot).finish_non_exhaustive()
    }
}
