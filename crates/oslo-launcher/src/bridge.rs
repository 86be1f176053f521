//! What every supervising launcher has besides its processes: state machine, scoreboard, hooks.
//!
//! Must not: know how a process is started, heard or ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::LaunchError;
use crate::handle::Requests;
use crate::launcher::{LauncherOptions, sentence};
use crate::line;
use crate::notify::Notifier;
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
    pub(crate) notifier: Notifier,
    pub(crate) requests: Arc<Requests>,
    watchdog: Watchdog,
    noun: &'static str,
    /// Whether the scoreboard has changed since the status sentence was made.
    news: bool,
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
            notifier: options.notifier,
            requests: Requests::new(options.capacity, waker),
            watchdog: Watchdog::new(options.worker_watchdog),
            noun: options.noun,
            news: false,
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
        self.changed();
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

    /// Notes that the scoreboard has changed.
    pub(crate) fn changed(&mut self) {
        self.news = true;
    }

    /// Tells the service manager how things are, if it listens and there are news.
    pub(crate) fn tell(&mut self) {
        let now = Instant::now();
        self.notifier.ping(now);
        if self.next_status(now).is_some_and(|at| at <= now) {
            self.news = false;
            self.notifier.status(sentence(&self.scoreboard, self.noun), now);
        }
    }

    /// When the service manager has to be told news.
    fn next_status(&self, now: Instant) -> Option<Instant> {
        let news = self.news && self.notifier.listens();
        news.then(|| self.notifier.next_status(now).unwrap_or(now))
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
        let others = [self.notifier.next_ping(), self.watchdog.next_look(), self.next_status(now)];
        let deadlines = own.into_iter().chain(others);
        let left = |at: Instant| at.saturating_duration_since(now);
        deadlines.flatten().map(left).chain(hook).min()
    }
}
