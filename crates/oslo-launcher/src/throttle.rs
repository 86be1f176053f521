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

/// The fork times of one service.
#[derive(Debug, Clone, Default)]
pub(crate) struct Throttle {
    forks: VecDeque<Instant>,
}

impl Throttle {
    /// The earliest moment for the next fork of a service with `workers` workers.
    pub(crate) fn next_fork(&mut self, workers: usize, now: Instant) -> Instant {
        if self.forks.len() <= workers {
            return now;
        }
        let window = Duration::from_secs(workers as u64);
        match self.forks.pop_front() {
            Some(oldest) if now.saturating_duration_since(oldest) < window => now + PAUSE,
            _ => now,
        }
    }

    /// Notes a fork.
    pub(crate) fn forked(&mut self, now: Instant) {
        self.forks.push_back(now);
    }
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
        let mut throttle = Throttle::default();
        let mut now = Instant::now();
        let mut gaps = Vec::new();
        for _ in 0..n {
            let at = throttle.next_fork(workers, now);
            gaps.push((at - now).as_millis() as u64);
            throttle.forked(at);
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
    fn forks_far_apart_are_never_delayed() {
        let mut throttle = Throttle::default();
        let mut now = Instant::now();
        for _ in 0..10 {
            assert_eq!(throttle.next_fork(1, now), now);
            throttle.forked(now);
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
