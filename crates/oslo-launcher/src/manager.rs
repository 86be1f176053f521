//! What a service manager is told, and when: notices at once, the status sentence now and then.
//!
//! [`Manager`] is the part that every launcher has; [`Alone`] is what a process without a
//! supervisor decides for itself. Must not: know how a message looks (`notify.rs`).

use std::time::{Duration, Instant};

use crate::extension::Extensions;
use crate::launcher::sentence;
use crate::notify::Notifier;
use crate::scoreboard::{Scoreboard, WorkerState};
use crate::vocabulary::Notice;

/// A service manager that may listen.
#[derive(Debug)]
pub(crate) struct Manager {
    notifier: Notifier,
    /// What a service is called in the status sentence.
    noun: &'static str,
    /// Whether the scoreboard has changed since the status sentence was made.
    news: bool,
}

impl Manager {
    pub(crate) fn new(notifier: Notifier, noun: &'static str) -> Self {
        Self { notifier, noun, news: false }
    }

    pub(crate) fn listens(&self) -> bool {
        self.notifier.listens()
    }

    /// Gives up the line to the service manager, which is the parent's and no worker's.
    pub(crate) fn hang_up(&mut self) {
        self.notifier.hang_up();
    }

    /// Notes that the scoreboard has changed.
    pub(crate) fn changed(&mut self) {
        self.news = true;
    }

    pub(crate) fn notice(&mut self, notice: Notice) {
        self.notifier.notice(notice);
    }

    /// Tells how things are, if somebody listens and there are news; feeds the watchdog.
    pub(crate) fn tell(&mut self, scoreboard: &Scoreboard) {
        let now = Instant::now();
        self.notifier.send_waiting();
        self.notifier.ping(now);
        if self.next_status(now).is_some_and(|at| at <= now) {
            self.news = false;
            self.notifier.status(sentence(scoreboard, self.noun), now);
        }
    }

    /// When there is something to tell next even if nothing happens.
    pub(crate) fn next(&self, now: Instant) -> Option<Instant> {
        let next = [self.notifier.next_ping(), self.notifier.next_try(now), self.next_status(now)];
        next.into_iter().flatten().min()
    }

    fn next_status(&self, now: Instant) -> Option<Instant> {
        let news = self.news && self.notifier.listens();
        news.then(|| self.notifier.next_status(now).unwrap_or(now))
    }
}

/// A process that runs its one service by itself, before a service manager.
#[derive(Debug)]
pub(crate) struct Alone {
    manager: Manager,
    extensions: Extensions,
    ready: bool,
    /// When a stop that is under way is over at the latest.
    deadline: Option<Instant>,
}

impl Alone {
    pub(crate) fn new(manager: Manager) -> Self {
        let mut extensions = Extensions::default();
        if manager.listens() {
            extensions.begin(Instant::now());
        }
        Self { manager, extensions, ready: false, deadline: None }
    }

    /// Tells what there is to tell; how long until there may be more.
    pub(crate) fn turn(&mut self, scoreboard: &Scoreboard) -> Option<Duration> {
        let now = Instant::now();
        let state = scoreboard.slot(0).state();
        if !self.ready && matches!(state, WorkerState::Up | WorkerState::Down) {
            self.ready = true;
            scoreboard.slot(0).heard_of();
            self.extensions.end();
            self.manager.notice(Notice::Ready);
        }
        if let Some(time) = self.extensions.ask(now, self.deadline) {
            self.manager.notice(Notice::Extend(time));
        }
        if scoreboard.take_mark(0).is_some() {
            self.manager.changed();
        }
        self.manager.tell(scoreboard);
        let next = self.manager.next(now).into_iter().chain(self.extensions.next()).min();
        next.map(|at| at.saturating_duration_since(now))
    }

    /// Gives up the line to the service manager, in a copy of this process.
    pub(crate) fn hang_up(&mut self) {
        self.manager.hang_up();
    }

    /// A reload begins (`true`) or is over.
    pub(crate) fn reloading(&mut self, begins: bool) {
        if begins {
            self.manager.notice(Notice::Reloading);
        } else if self.ready {
            self.manager.notice(Notice::Ready);
        }
    }

    /// A graceful stop begins.
    pub(crate) fn stopping(&mut self, deadline: Option<Instant>) {
        self.manager.notice(Notice::Stopping);
        self.deadline = deadline;
        if self.manager.listens() {
            self.extensions.begin(Instant::now());
        }
    }
}
