//! What every supervising launcher has besides its processes: state machine, scoreboard, hooks.
//!
//! Must not: know how a process is started, heard or ended.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ended::Ended;
use crate::error::LaunchError;
use crate::guard::guarded;
use crate::handle::Requests;
use crate::launcher::LauncherOptions;
use crate::ledger::Ledger;
use crate::line;
use crate::manager::Manager;
use crate::reporting::{ReportRequest, ReportWork};
use crate::rereading::{self, ReadWork};
use crate::scoreboard::{Scoreboard, WorkerState};
use crate::service::{Hooks, Service};
use crate::state::{Event, Supervisor, WorkerId};
use crate::sys::Waker;
use crate::watchdog::Watchdog;

/// With so many panics a stop goes on in the hope that the next turn is a better one.
const PANICS: u32 = 16;

/// The common part of a launcher that supervises.
pub(crate) struct Bridge {
    pub(crate) supervisor: Supervisor,
    pub(crate) scoreboard: Arc<Scoreboard>,
    pub(crate) hooks: Box<dyn Hooks>,
    pub(crate) manager: Manager,
    pub(crate) requests: Arc<Requests>,
    /// Open for as long as this process supervises.
    kept: Vec<File>,
    watchdog: Watchdog,
    ledger: Ledger,
    /// Parts of turns that ended in a panic.
    panics: u32,
    /// The status this process shall end with, once that is known.
    exit: Option<i32>,
}

impl Bridge {
    pub(crate) fn new(
        options: LauncherOptions,
        hooks: Box<dyn Hooks>,
        waker: Waker,
    ) -> Result<Self, LaunchError> {
        let mut supervisor = Supervisor::new(options.limits);
        if options.notifier.listens() {
            supervisor.listened_to(Instant::now());
        }
        Ok(Self {
            supervisor,
            scoreboard: Arc::new(Scoreboard::with_words(
                options.capacity,
                options.program_words,
                options.operations,
            )?),
            hooks,
            manager: Manager::new(options.notifier, options.noun),
            requests: Requests::new(waker, true),
            kept: options.kept,
            watchdog: Watchdog::new(options.worker_watchdog, Instant::now()),
            ledger: Ledger::default(),
            panics: 0,
            exit: None,
        })
    }

    /// Gives up, in a child, what is the parent's alone.
    pub(crate) fn give_up(&mut self) {
        self.manager.hang_up();
        self.kept.clear(); // closes the files and leaves the allocator's page alone
        self.scoreboard.in_child();
    }

    /// Whether there is room on the scoreboard for the workers of one more service.
    pub(crate) fn reserve(&self, service: &dyn Service, workers: usize) -> Result<(), LaunchError> {
        let capacity = self.scoreboard.capacity();
        if workers <= capacity - self.scoreboard.named() {
            return Ok(());
        }
        Err(LaunchError::ScoreboardFull { service: service.name().to_owned(), capacity })
    }

    /// Takes in a service with its workers, which are due at once; there is [room](Self::reserve).
    pub(crate) fn admit(&mut self, service: &dyn Service, workers: usize) {
        let auxiliary = service.auxiliary();
        line::starting_workers(workers);
        self.ledger.open(service.name(), workers);
        if auxiliary {
            self.supervisor.add_auxiliary(service.name(), workers, Instant::now());
        } else {
            self.supervisor.add_service(service.name(), workers, Instant::now());
        }
        for _ in 0..workers {
            self.scoreboard.name_slot(service.name(), auxiliary);
        }
        self.manager.changed();
    }

    /// Notes a new process of this worker.
    pub(crate) fn started(&mut self, id: WorkerId, pid: i32) {
        line::started_child(pid);
        self.scoreboard.slot(id).set_pid(pid);
        self.ledger.started(self.supervisor.service(id));
    }

    /// Notes that there is no process for this worker.
    pub(crate) fn refused(&mut self, id: WorkerId, error: &LaunchError) {
        line::not_started(self.supervisor.name(id), error);
        self.scoreboard.slot(id).gone("no process could be made");
        self.manager.changed();
        self.ledger.refused(self.supervisor.service(id));
    }

    /// Notes that this worker is about to be killed.
    pub(crate) fn killed(&mut self, id: WorkerId) {
        if self.supervisor.is_stopping() {
            self.ledger.killed(self.supervisor.service(id));
        }
    }

    /// Notes what a worker says of itself; what follows from that, if anything.
    pub(crate) fn told(&mut self, id: WorkerId, state: WorkerState) -> Option<Event> {
        if state == WorkerState::Gone {
            return None; // that is for us to say
        }
        self.manager.changed();
        self.scoreboard.slot(id).heard(state);
        let event = match state {
            WorkerState::Up => Event::Ready(id),
            WorkerState::Down => Event::Down(id),
            _ => return None,
        };
        self.scoreboard.slot(id).heard_of();
        Some(event)
    }

    /// Notes how the process of this worker has ended.
    pub(crate) fn ended(&mut self, id: WorkerId, pid: i32, end: Ended) {
        line::ended(pid, end);
        let slot = self.scoreboard.slot(id);
        if let Some(cause) = self.supervisor.replacement(id) {
            slot.replaced(cause.unwrap_or(end.into()));
        }
        slot.gone(&end.to_string());
        self.manager.changed();
        self.ledger.ended(self.supervisor.service(id), end);
    }

    /// Notes the status that this process shall end with, and tells what became of the services.
    pub(crate) fn end(&mut self, status: i32) {
        // After a panic the service manager shall start us again.
        self.exit = Some(if self.panics > 0 { status.max(1) } else { status });
        self.ledger.services().iter().for_each(line::account);
    }

    /// The status that this process shall end with, once that is known.
    pub(crate) fn exit(&self) -> Option<i32> {
        self.exit
    }

    /// What to do after a part of a turn that ended in a panic: workers finish what they have begun
    /// rather than lose their supervisor. Only when it panics again and again is that out of reach.
    pub(crate) fn panicked(&mut self) -> Option<Event> {
        self.panics += 1;
        if self.panics > PANICS {
            self.end(1);
            return None;
        }
        Some(Event::Stop("a fault of the supervisor"))
    }

    /// Begins to read the configuration again, for [`Action::Reload`](crate::state::Action::Reload);
    /// the rest of it is still to be done.
    pub(crate) fn read_again(&mut self) -> Option<ReadWork> {
        line::reloading();
        guarded("the reload", || self.hooks.read_again()).flatten()
    }

    /// Applies what was read; what workers are told, if they are.
    pub(crate) fn reload(&mut self, read: &[u8]) -> (Event, Vec<u8>) {
        match guarded("the reload", || self.hooks.reload(read)) {
            Some(Ok(told)) if rereading::fits(&told) => (Event::Reloaded, told),
            Some(Ok(_)) => {
                line::not_read_again(rereading::TOO_LONG);
                (Event::ReloadRefused, Vec::new())
            }
            Some(Err(_)) | None => (Event::ReloadRefused, Vec::new()),
        }
    }

    /// Begins a report of this process; the rest of it is still to be done.
    pub(crate) fn report(&mut self, request: ReportRequest) -> Option<ReportWork> {
        guarded("the report", || self.hooks.report(request, &self.scoreboard)).flatten()
    }

    /// Workers that have been silent for too long; `running` says who has a process.
    pub(crate) fn stalled(&mut self, running: impl Iterator<Item = bool>) -> Vec<WorkerId> {
        let sign = |id| self.scoreboard.slot(id).sign_of_life();
        self.watchdog.look(Instant::now(), running, sign)
    }

    /// Whether the state machine has something to do right now.
    pub(crate) fn is_due(&self) -> bool {
        self.supervisor.next_deadline().is_some_and(|at| at <= Instant::now())
    }

    /// How long to sleep if nothing happens, never beyond `until`; for ever if `None`.
    pub(crate) fn time_to_sleep(&mut self, until: Option<Instant>) -> Option<Duration> {
        let hook = guarded("the hook before a wait", || self.hooks.before_wait()).flatten();
        let now = Instant::now();
        let own = [self.supervisor.next_deadline(), until];
        let others = [self.manager.next(now), self.watchdog.next_look()];
        let deadlines = own.into_iter().chain(others);
        let left = |at: Instant| at.saturating_duration_since(now);
        deadlines.flatten().map(left).chain(hook).min()
    }
}

#[cfg(test)]
mod tests;
