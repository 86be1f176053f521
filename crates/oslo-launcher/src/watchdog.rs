//! Which workers have been silent for too long. Off by default, and then it never wakes anybody.
//!
//! A worker's main thread writes the time into its slot; the parent looks a few times per limit.
//! Must not: look at heartbeats. They stop when a database is away, which no restart would cure.

use std::time::{Duration, Instant};

use crate::launcher::{LOOKS, later};
use crate::state::WorkerId;

/// Looks at the workers of one launcher.
#[derive(Debug)]
pub(crate) struct Watchdog {
    limit: Option<Duration>,
    next: Instant,
}

impl Watchdog {
    /// A limit of zero is none.
    pub(crate) fn new(limit: Option<Duration>, now: Instant) -> Self {
        Self { limit: limit.filter(|limit| !limit.is_zero()), next: now }
    }

    /// When to look again; `None` when there is no limit.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        self.limit.map(|_| self.next)
    }

    /// The workers that run and have been silent for longer than the limit, if it is time to look.
    pub(crate) fn look(
        &mut self,
        now: Instant,
        running: impl Iterator<Item = bool>,
        silent_for: impl Fn(WorkerId) -> Duration,
    ) -> Vec<WorkerId> {
        let Some(limit) = self.limit.filter(|_| self.next <= now) else {
            return Vec::new();
        };
        let pause = limit / LOOKS;
        // Whoever stopped us for so long (a debugger, a frozen container) has most likely stopped
        // the workers as well. They get a chance to speak first.
        let late = now.saturating_duration_since(self.next) > pause;
        self.next = later(now, pause);
        if late {
            return Vec::new();
        }
        let silent = |id: &WorkerId| silent_for(*id) > limit;
        running.enumerate().filter(|(_, runs)| *runs).map(|(id, _)| id).filter(silent).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(8);

    #[test]
    fn the_silent_ones_that_run_are_found_a_few_times_per_limit() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(Some(LIMIT), start);
        let silent = |id| if id == 0 { LIMIT } else { LIMIT + Duration::from_millis(1) };
        let mut look = |now| watchdog.look(now, [true, true, false].into_iter(), silent);
        assert_eq!(look(start), [1]);
        assert_eq!(look(start + Duration::from_secs(1)), []);
        assert_eq!(look(start + Duration::from_secs(2)), [1]);
    }

    #[test]
    fn after_a_freeze_of_the_parent_workers_may_speak_first() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(Some(LIMIT), start);
        let mut look = |now| watchdog.look(now, [true].into_iter(), |_| LIMIT * 2);
        let thawed = start + LIMIT * 10;
        assert_eq!(look(thawed), []);
        assert_eq!(look(thawed + Duration::from_secs(1)), []);
        assert_eq!(look(thawed + Duration::from_secs(2)), [0]);
    }

    #[test]
    fn no_limit_wakes_nobody() {
        for limit in [None, Some(Duration::ZERO)] {
            let mut watchdog = Watchdog::new(limit, Instant::now());
            assert_eq!(watchdog.next_look(), None);
            let found = watchdog.look(Instant::now(), [true].into_iter(), |_| Duration::MAX);
            assert_eq!(found, []);
        }
    }
}
