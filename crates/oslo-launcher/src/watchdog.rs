//! Which workers have been silent for too long. Off by default, and then it never wakes anybody.
//!
//! A worker's main thread writes something else into its slot every time; the parent looks a few
//! times per limit whether it has, and measures by its own clock. Must not: look at heartbeats. They
//! stop when a database is away, which no restart would cure.

use std::time::{Duration, Instant};

use crate::later::later;
use crate::state::WorkerId;

/// How often a worker says that it is alive, and how often its parent looks, per watchdog time.
pub(crate) const LOOKS: u32 = 4;

/// Looks at the workers of one launcher.
#[derive(Debug)]
pub(crate) struct Watchdog {
    limit: Option<Duration>,
    next: Instant,
    /// What each worker's word was, and since when.
    seen: Vec<(u64, Instant)>,
}

impl Watchdog {
    /// A limit of zero is none.
    pub(crate) fn new(limit: Option<Duration>, now: Instant) -> Self {
        Self { limit: limit.filter(|limit| !limit.is_zero()), next: now, seen: Vec::new() }
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
        sign: impl Fn(WorkerId) -> u64,
    ) -> Vec<WorkerId> {
        let Some(limit) = self.limit.filter(|_| self.next <= now) else {
            return Vec::new();
        };
        let pause = limit / LOOKS;
        // Whoever stopped us for so long (a debugger, a frozen container) has most likely stopped
        // the workers as well. They get a chance to speak first.
        let late = now.saturating_duration_since(self.next) > pause;
        self.next = later(now, pause);
        let mut silent = Vec::new();
        for (id, runs) in running.enumerate() {
            let word = sign(id);
            if self.seen.len() <= id {
                self.seen.push((word, now));
            }
            let (last, since) = &mut self.seen[id];
            if *last != word {
                (*last, *since) = (word, now);
            }
            if runs && now.saturating_duration_since(*since) > limit {
                silent.push(id);
            }
        }
        if late { Vec::new() } else { silent }
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
        let mut look = |second| {
            // The first speaks, the others do not, the third does not even run.
            let sign = |id| if id == 0 { second } else { 7 };
            let now = start + Duration::from_secs(second);
            watchdog.look(now, [true, true, false].into_iter(), sign)
        };
        for second in [0, 2, 4, 6, 8] {
            assert_eq!(look(second), []);
        }
        assert_eq!(look(9), [], "not yet time to look");
        assert_eq!(look(10), [1]);
        assert_eq!(look(12), [1]);
    }

    /// A stray write must neither kill a worker nor keep a hung one for ever.
    #[test]
    fn whatever_stands_in_the_word_counts_once() {
        for value in [0, 1, u64::MAX] {
            let start = Instant::now();
            let mut watchdog = Watchdog::new(Some(LIMIT), start);
            let mut look = |second, sign| {
                let now = start + Duration::from_secs(second);
                watchdog.look(now, [true].into_iter(), |_| sign)
            };
            for second in [0, 2, 4] {
                assert_eq!(look(second, 100 + second), []);
            }
            for second in [6, 8, 10, 12, 14] {
                assert_eq!(look(second, value), []);
            }
            assert_eq!(look(16, value), [0]);
        }
    }

    #[test]
    fn after_a_freeze_of_the_parent_workers_may_speak_first() {
        let start = Instant::now();
        let mut watchdog = Watchdog::new(Some(LIMIT), start);
        let mut look = |now| watchdog.look(now, [true].into_iter(), |_| 7);
        assert_eq!(look(start), []);
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
            let found = watchdog.look(Instant::now(), [true].into_iter(), |_| 7);
            assert_eq!(found, []);
        }
    }
}
