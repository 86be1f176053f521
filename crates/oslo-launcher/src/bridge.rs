//! What every supervising launcher has besides its processes: state machine, scoreboard, hooks.
//!
//! Must not: know how a process is started, heard or ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::LaunchError;
use crate::launcher::{LauncherOptions, sentence};
use crate::line;
use crate::notify::Notifier;
use crate::scoreboard::Scoreboard;
use crate::service::{Hooks, Service};
use crate::state::{Event, Supervisor, WorkerId};
use crate::watchdog::Watchdog;

/// The common part of a launcher that supervises.
pub(crate) struct Bridge {
    pub(crate) supervisor: Supervisor,
    pub(crate) scoreboard: Arc<Scoreboard>,
    pub(crate) hooks: Box<dyn Hooks>,
    pub(crate) notifier: Notifier,
    watchdog: Watchdog,
    noun: &'static str,
    /// The status this process shall end with, once that is known.
    pub(crate) exit: Option<i32>,
}

impl Bridge {
    pub(crate) fn new(
        options: LauncherOptions,
        hooks: Box<dyn Hooks>,
    ) -> Result<Self, LaunchError> {
        Ok(Self {
            supervisor: Supervisor::new(options.limits),
            scoreboard: Arc::new(Scoreboard::new(options.capacity)?),
            hooks,
            notifier: options.notifier,
            watchdog: Watchdog::new(options.worker_watchdog),
            noun: options.noun,
            exit: None,
        })
    }

    /// Takes in a service with its workers, which are due at once.
    pub(crate) fn admit(
        &mut self,
        service: &dyn Service,
        present: usize,
        workers: usize,
    ) -> Result<(), LaunchError> {
        let capacity = self.scoreboard.capacity();
        if present + workers > capacity {
            return Err(LaunchError::ScoreboardFull {
                service: service.name().to_owned(),
                capacity,
            });
        }
        line::starting_workers(workers);
        self.supervisor.add_service(service.name(), workers, Instant::now());
        for _ in 0..workers {
            self.scoreboard.name_slot(service.name());
        }
        Ok(())
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

    /// Tells the service manager how things are.
    pub(crate) fn tell(&mut self) {
        self.notifier.ping(Instant::now());
        if self.notifier.listens() {
            self.notifier.status(sentence(&self.scoreboard.snapshot(), self.noun));
        }
    }

    /// How long to sleep if nothing happens, never beyond `until`; for ever if `None`.
    pub(crate) fn time_to_sleep(&mut self, until: Option<Instant>) -> Option<Duration> {
        let own = self.supervisor.next_deadline();
        let deadlines = [own, until, self.notifier.next_ping(), self.watchdog.next_look()];
        let hook = self.hooks.before_wait();
        let left = |at: Instant| at.saturating_duration_since(Instant::now());
        deadlines.into_iter().flatten().map(left).chain(hook).min()
    }
}
