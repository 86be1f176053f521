//! How fast a back end's copies may be, all together: a bucket that fills with time.
//!
//! Must not: sleep past a cancellation.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cancel::Limit;
use crate::error::GivenUp;

/// How much may come at once after a rest: that of so much time.
const BURST: Duration = Duration::from_millis(250);

/// A limit in bytes per second, shared by all copies of a back end; copies of it are the same one.
#[derive(Debug, Clone, Default)]
pub struct Throttle(Arc<Mutex<Bucket>>);

#[derive(Debug, Default)]
struct Bucket {
    /// 0: no limit.
    rate: u64,
    /// What may be taken now; below zero, what has been taken in advance.
    left: f64,
    filled: Option<Instant>,
}

impl Bucket {
    /// Takes so much; how long whoever takes it has to wait before the next time.
    fn take(&mut self, bytes: u64, now: Instant) -> Duration {
        if self.rate == 0 {
            return Duration::ZERO;
        }
        let rate = self.rate as f64;
        let most = rate * BURST.as_secs_f64();
        let passed = self.filled.map_or(BURST, |filled| now.saturating_duration_since(filled));
        self.left = (self.left + rate * passed.as_secs_f64()).min(most) - bytes as f64;
        self.filled = Some(now);
        Duration::try_from_secs_f64((-self.left / rate).max(0.0)).unwrap_or(Duration::MAX)
    }
}

impl Throttle {
    /// A limit; 0 for none.
    #[must_use]
    pub fn new(bytes_per_second: u64) -> Self {
        let throttle = Self::default();
        throttle.set(bytes_per_second);
        throttle
    }

    /// Changes the limit, for copies that run, too; 0 for none.
    pub fn set(&self, bytes_per_second: u64) {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *bucket = Bucket { rate: bytes_per_second, ..Bucket::default() };
    }

    /// How much to copy at a time, so that the limit is kept within a quarter of a second.
    pub(crate) fn piece(&self, most: u64) -> u64 {
        let rate = self.0.lock().unwrap_or_else(PoisonError::into_inner).rate;
        if rate == 0 { most } else { (rate / 4).clamp(4096, most.max(4096)) }
    }

    /// Waits until so much may be copied after what was copied before.
    ///
    /// # Errors
    ///
    /// Why the wait was cut short.
    pub(crate) fn take(&self, bytes: u64, limit: &Limit) -> Result<(), GivenUp> {
        let pause =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).take(bytes, Instant::now());
        if pause.is_zero() { limit.check() } else { limit.rest(pause) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lets_through_what_a_second_may() {
        let start = Instant::now();
        let mut bucket = Bucket { rate: 1000, ..Bucket::default() };
        // The first quarter of a second is free; what is taken in advance has to be waited for.
        assert_eq!(bucket.take(250, start), Duration::ZERO);
        assert_eq!(bucket.take(1000, start), Duration::from_secs(1));
        assert_eq!(bucket.take(0, start + Duration::from_secs(1)), Duration::ZERO);
        // A long rest saves up no more than a burst.
        assert_eq!(bucket.take(500, start + Duration::from_secs(600)), Duration::from_millis(250));
    }

    #[test]
    fn without_a_limit_nobody_waits_and_pieces_are_as_large_as_they_may_be() {
        let throttle = Throttle::new(0);
        assert_eq!(throttle.piece(1 << 20), 1 << 20);
        throttle.take(u64::MAX, &Limit::default()).expect("nothing to wait for");
        throttle.set(400_000);
        assert_eq!((throttle.piece(1 << 20), throttle.piece(50_000)), (100_000, 50_000));
    }

    #[test]
    fn a_wait_ends_with_the_cancellation() {
        let throttle = Throttle::new(1);
        let limit = Limit::default();
        limit.flag().cancel();
        assert_eq!(throttle.take(1 << 40, &limit), Err(GivenUp::Asked));
    }
}
