//! When schedulers are told: at the start, now and then, and when one of them asks.
//!
//! One place to wait for that, for the thread that tells. Must not: tell anybody.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the thread that publishes waits for.
#[derive(Debug, Default)]
pub(super) struct Publishing {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    asked: bool,
    stopping: bool,
}

impl Publishing {
    /// Somebody wants to be told. However many ask, they are told once.
    pub(super) fn ask(&self) {
        self.change(|state| state.asked = true);
    }

    /// Nobody is told anything any more.
    pub(super) fn stop(&self) {
        self.change(|state| state.stopping = true);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopping
    }

    /// Waits until somebody asks or the time is over; false when a stop came.
    pub(super) fn wait(&self, limit: Duration) -> bool {
        self.wait_for(limit, |state| state.asked || state.stopping)
    }

    /// Waits until the time is over; false when a stop came.
    pub(super) fn pause(&self, limit: Duration) -> bool {
        self.wait_for(limit, |state| state.stopping)
    }

    fn change(&self, what: impl FnOnce(&mut State)) {
        what(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.news.notify_all();
    }

    fn wait_for(&self, limit: Duration, enough: impl Fn(&State) -> bool) -> bool {
        let begun = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = limit.saturating_sub(begun.elapsed());
            if enough(&state) || left.is_zero() {
                state.asked = false;
                return !state.stopping;
            }
            let waited = self.news.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn many_who_ask_are_told_once() {
        let publishing = Publishing::default();
        publishing.ask();
        publishing.ask();
        assert!(publishing.wait(LONG));
        let begun = Instant::now();
        assert!(publishing.wait(Duration::from_millis(20)));
        assert!(begun.elapsed() >= Duration::from_millis(20), "asked only once");
    }

    #[test]
    fn a_stop_ends_every_wait() {
        let publishing = Publishing::default();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| publishing.wait(LONG));
            let pauses = scope.spawn(|| publishing.pause(LONG));
            publishing.stop();
            assert!(!waits.join().unwrap() && !pauses.join().unwrap());
        });
        assert!(publishing.is_stopping());
    }
}
