//! What every supervising launcher has besides its processes: state machine, scoreboard, hooks.
//!
//! Must not: know how a process is started, heard or ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::LaunchError;
use crate::handle::Requests;
use crate::launcher::LauncherOptions;
use crate::line;
use crate::manager::Manager;
use crate::scoreboard::Scoreboard;
use crate::service::{Hooks, Service};
use crate::state::{Event, Supervisor, WorkerId};
use crate::sys::Waker;
use crate::watchdog::Watchdog;

/// The common part of a launcher that supervises.
pub(crate) struct Bridge {
    pub(crate) supervisor: Supervisor,
    pub(crate) scoreboard: Arc<Scoreboard>,
    pub(crate) hooks: Box<dyn Hooks>,
    pub(crate) manager: Manager,
    pub(crate) requests: Arc<Requests>,
    watchdog: Watchdog,
    /// The status this process shall end with, once that is known.
    pub(crate) exit: Option<i32>,
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
            scoreboard: Arc::new(Scoreboard::new(options.capacity)?),
            hooks,
            manager: Manager::new(options.notifier, options.noun),
            requests: Requests::new(options.capacity, waker),
            watchdog: Watchdog::new(options.worker_watchdog),
            exit: None,
        })
    }

    /// Takes in a service with its workers, which are due at once; slots have been reserved.
    pub(crate) fn admit(&mut self, service: &dyn Service, workers: usize) {
        line::starting_workers(workers);
        self.supervisor.add_service(service.name(), workers, Instant::now());
        for _ in 0..workers {
            self.scoreboard.name_slot(service.name());
        }
        self.manager.changed();
    }

    /// Reads the configuration again, for [`Action::Reload`](crate::state::Action::Reload).
    pub(crate) fn reload(&mut self) -> Event {
        line::reloading();
        match self.hooks.reload() {
            Ok(()) => Event::Reloaded,
            Err(_) => Event::ReloadRefused,
        }
    }

    /// Workers that have been silent for too long; `running` says who has a process.
    pub(crate) fn stalled(&mut self, running: impl Iterator<Item = bool>) -> Vec<WorkerId> {
        self.watchdog.look(&self.scoreboard, running)
    }

    /// Whether the state machine has something to do right now.
    pub(crate) fn is_due(&self) -> bool {
        self.supervisor.next_deadline().is_some_and(|at| at <= Instant::now())
    }

    /// How long to sleep if nothing happens, never beyond `until`; for ever if `None`.
    pub(crate) fn time_to_sleep(&mut self, until: Option<Instant>) -> Option<Duration> {
        let hook = self.hooks.before_wait();
        let now = Instant::now();
        let own = [self.supervisor.next_deadline(), until];
        let others = [self.manager.next(now), self.watchdog.next_look()];
        let deadlines = own.into_iter().chain(others);
        let left = |at: Instant| at.saturating_duration_since(now);
        deadlines.flatten().map(left).chain(hook).min()
    }
}
