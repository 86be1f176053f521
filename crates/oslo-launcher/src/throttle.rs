//! When a worker may be forked again. Pure: time comes in as an argument.
//!
//! Two rules, and the later of their answers counts:
//!
//! * the **throttle** of `spec/launcher.md` §2, per service: more than `workers` forks within
//!   `workers` seconds cost a pause of one second. It is the minimum that operators know;
//! * the **back-off**, per worker: a worker that dies early again and again waits twice as long
//!   each time, so that a broken back end costs neither processor time nor log space.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Pause of the throttle, `spec/launcher.md` §2.
const PAUSE: Duration = Duration::from_secs(1);

/// Early deaths that are answered at once. Upstream forks twice without a pause as well.
const FREE_DEATHS: u32 = 2;

/// The last forks of one service, one more than it has workers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Throttle {
    forks: VecDeque<Instant>,
}

impl Throttle {
    /// With room for what it will remember: a fork is no time to allocate, because each page that
    /// is written to between two forks is copied.
    pub(crate) fn of(workers: usize) -> Self {
        Self { forks: VecDeque::with_capacity(workers.saturating_add(1)) }
    }

    /// When a worker that is wanted from `now` on may be forked.
    pub(crate) fn plan(&self, workers: usize, now: Instant) -> Instant {
        if self.is_hot(workers, now) { now + PAUSE } else { now }
    }

    /// A later time if a fork right now would still come too early.
    ///
    /// Upstream sleeps between two forks, so workers that die together come back one by one; ours
    /// have planned the same moment.
    pub(crate) fn postpone(&self, workers: usize, now: Instant) -> Option<Instant> {
        let last = *self.forks.back().filter(|_| self.is_hot(workers, now))?;
        let cool = *self.forks.front()? + window(workers);
        Some(cool.min(last + PAUSE)).filter(|later| *later > now)
    }

    /// Notes a fork.
    pub(crate) fn forked(&mut self, workers: usize, now: Instant) {
        if self.forks.len() > workers {
            self.forks.pop_front();
        }
        self.forks.push_back(now);
    }

    /// Whether so many forks are so recent that the next one costs a pause.
    fn is_hot(&self, workers: usize, now: Instant) -> bool {
        let oldest = self.forks.front().filter(|_| self.forks.len() > workers);
        oldest.is_some_and(|oldest| now.saturating_duration_since(*oldest) < window(workers))
    }
}

fn window(workers: usize) -> Duration {
    Duration::from_secs(workers as u64)
}

/// How long a worker waits after its `early_deaths`th early death in a row.
///
/// 0, 0, 1 s, 2 s, 4 s … up to `limit`. `spread` (the worker's number) lengthens it by up to a
/// quarter, so that workers which died together do not all come back together.
pub(crate) fn backoff(early_deaths: u32, limit: Duration, spread: usize) -> Duration {
    let Some(doublings) = early_deaths.checked_sub(FREE_DEATHS + 1) else {
        return Duration::ZERO;
    };
    let base = PAUSE.saturating_mul(1 << doublings.min(20));
    (base + base / 32 * (spread % 8) as u32).min(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    /// Forks as soon as allowed, `n` times, for a child that dies at once; the gaps between.
    fn gaps(workers: usize, n: usize) -> Vec<u64> {
        let mut throttle = Throttle::of(workers);
        let mut now = Instant::now();
        let mut gaps = Vec::new();
        for _ in 0..n {
            let at = throttle.plan(workers, now);
            assert_eq!(throttle.postpone(workers, at), None);
            gaps.push((at - now).as_millis() as u64);
            throttle.forked(workers, at);
            now = at + MILLI;
        }
        gaps
    }

    #[test]
    fn an_instantly_dying_child_is_forked_in_pairs() {
        // spec/launcher.md §2: two forks, then a pause of a second, pair after pair.
        assert_eq!(gaps(1, 8), [0, 0, 1000, 0, 1000, 0, 1000, 0]);
    }

    #[test]
    fn three_workers_have_four_forks_within_three_seconds() {
        assert_eq!(gaps(3, 12), [0, 0, 0, 0, 1000, 1000, 1000, 0, 1000, 1000, 1000, 0]);
    }

    #[test]
    fn workers_that_died_together_come_back_one_by_one() {
        let mut throttle = Throttle::default();
        let start = Instant::now();
        for _ in 0..4 {
            throttle.forked(3, start);
        }
        let planned = throttle.plan(3, start);
        assert_eq!(throttle.plan(3, start), planned);
        let mut now = planned;
        let mut forks = Vec::new();
        for _ in 0..3 {
            while let Some(later) = throttle.postpone(3, now) {
                now = later;
            }
            throttle.forked(3, now);
            forks.push((now - start).as_secs());
        }
        assert_eq!(forks, [1, 2, 3]);
    }

    #[test]
    fn a_fork_right_at_the_end_of_the_window_is_not_delayed() {
        let mut throttle = Throttle::of(1);
        let start = Instant::now();
        throttle.forked(1, start);
        throttle.forked(1, start);
        let end = start + window(1);
        assert_eq!(throttle.plan(1, end - MILLI), end - MILLI + PAUSE);
        assert_eq!(throttle.plan(1, end), end);
    }

    #[test]
    fn forks_far_apart_are_never_delayed() {
        let mut throttle = Throttle::default();
        let mut now = Instant::now();
        for _ in 0..10 {
            assert_eq!(throttle.plan(1, now), now);
            throttle.forked(1, now);
            now += Duration::from_millis(1001);
        }
    }

    #[test]
    fn defect_17_back_off_doubles_up_to_its_limit_and_is_spread() {
        let limit = Duration::from_secs(30);
        let seconds: Vec<u64> = (0..10).map(|n| backoff(n, limit, 0).as_secs()).collect();
        assert_eq!(seconds, [0, 0, 0, 1, 2, 4, 8, 16, 30, 30]);
        assert!(backoff(3, limit, 7) > backoff(3, limit, 0));
        assert!(backoff(3, limit, 7) < backoff(3, limit, 0) * 5 / 4);
        assert_eq!(backoff(u32::MAX, limit, 7), limit);
    }
}
