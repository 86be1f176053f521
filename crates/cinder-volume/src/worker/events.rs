//! What other threads of a worker tell the thread that runs its service.
//!
//! A stop is told by the thread that answers signals, so telling must not wait for anything: the
//! lock is held for single assignments only.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What has been told so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told {
    /// A stop is wanted.
    pub stop: bool,
    /// The driver's first attempt has ended, well or not.
    pub driver_tried: bool,
    /// The driver has become ready.
    pub driver_ready: bool,
    /// How often the configuration has been read again.
    pub reloads: u64,
    /// The first attempt to open the bus has ended, well or not.
    pub bus_tried: bool,
    /// What an earlier process has left is being taken up; the only thing here that ends again.
    pub takes_up: bool,
    /// What serves the bus has ended by accident; another process has to begin anew.
    pub bus_broken: bool,
    /// The bus's thread has ended.
    pub bus_over: bool,
}

/// The place where it is told and waited for.
#[derive(Debug, Default)]
pub(super) struct Events {
    told: Mutex<Told>,
    news: Condvar,
}

impl Events {
    /// Tells something.
    pub(super) fn tell(&self, what: impl FnOnce(&mut Told)) {
        what(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
        self.news.notify_all();
    }

    /// What has been told so far.
    pub(super) fn now(&self) -> Told {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `enough` has been told, for `limit` at most; whether it has.
    pub(super) fn wait(&self, limit: Duration, enough: impl Fn(&Told) -> bool) -> bool {
        let begun = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = limit.saturating_sub(begun.elapsed());
            if enough(&told) || left.is_zero() {
                return enough(&told);
            }
            told = self.news.wait_timeout(told, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_ends_a_wait_and_stays_told() {
        let events = Events::default();
        assert!(!events.wait(Duration::ZERO, |told| told.stop));
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| events.wait(Duration::from_secs(30), |told| told.stop));
            events.tell(|told| told.driver_tried = true);
            events.tell(|told| told.stop = true);
            assert!(waits.join().unwrap());
        });
        assert!(events.wait(Duration::ZERO, |told| told.stop && told.driver_tried));
    }
}
