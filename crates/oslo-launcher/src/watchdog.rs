//! Which workers have been silent for too long. Off by default, and then it never wakes anybody.
//!
//! A worker's main thread writes the time into its slot; the parent looks a few times per limit.
//! Must not: look at heartbeats. They stop when a database is away, which no restart would cure.

use std::time::{Duration, Instant};

use crate::launcher::LOOKS;
use crate::scoreboard::Scoreboard;
use crate::state::WorkerId;

/// Looks at the workers of one launcher.
#[derive(Debug)]
pub(crate) struct Watchdog {
    limit: Option<Duration>,
    next: Instant,
}

impl Watchdog {
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self { limit, next: Instant::now() }
    }

    /// When to look again; `None` when there is no limit.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        self.limit.map(|_| self.next)
    }

    /// The workers that run and have been silent for longer than the limit, if it is time to look.
    pub(crate) fn look(
        &mut self,
        scoreboard: &Scoreboard,
        running: impl Iterator<Item = bool>,
    ) -> Vec<WorkerId> {
        let Some(limit) = self.limit.filter(|_| self.next <= Instant::now()) else {
            return Vec::new();
        };
        self.next = Instant::now() + limit / LOOKS;
        let silent = |id: &WorkerId| scoreboard.slot(*id).silent_for() > limit;
        running.enumerate().filter(|(_, runs)| *runs).map(|(id, _)| id).filter(silent).collect()
    }
}
