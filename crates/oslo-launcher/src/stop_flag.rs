//! The stop flag that a worker's threads share.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A flag that is raised once and wakes everybody who waits for it.
#[derive(Debug, Default)]
pub(crate) struct StopFlag {
    raised: Mutex<bool>,
    wake: Condvar,
}

impl StopFlag {
    /// A panicking thread cannot leave a bool half-written, so a poisoned lock is still good.
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.raised.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Raises the flag; true if it was down before.
    pub(crate) fn raise(&self) -> bool {
        let first = !std::mem::replace(&mut *self.lock(), true);
        self.wake.notify_all();
        first
    }

    pub(crate) fn is_set(&self) -> bool {
        *self.lock()
    }

    /// Waits until the flag is up or `deadline` has passed; returns whether it is up.
    pub(crate) fn wait_until(&self, deadline: Instant) -> bool {
        let mut raised = self.lock();
        while !*raised {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            raised = self.wake.wait_timeout(raised, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *raised
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_raised_flag_wakes_a_waiter_and_says_who_was_first() {
        let flag = Arc::new(StopFlag::default());
        let waiter = std::thread::spawn({
            let flag = Arc::clone(&flag);
            move || flag.wait_until(Instant::now() + Duration::from_secs(30))
        });
        assert!(flag.raise());
        assert!(!flag.raise());
        assert!(waiter.join().unwrap());
    }

    #[test]
    fn an_unraised_flag_times_out() {
        assert!(!StopFlag::default().wait_until(Instant::now()));
    }
}
