//! What the bus's thread waits for: schedulers are told at the start, now and then, and when one of
//! them asks or there is news for them; and the bus itself changes. Must not: tell anybody.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the thread that publishes waits for.
#[derive(Debug, Default)]
pub(in crate::worker) struct Publishing {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct State {
    asked: bool,
    changed: bool,
    known: bool,
    stopping: bool,
}

/// Why a wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    /// A stop has come.
    Stop,
    /// Somebody wants to be told.
    Asked,
    /// The bus has changed.
    Changed,
    /// The driver has said what it can.
    Known,
    /// Nothing has come.
    TimeOver,
}

impl Publishing {
    /// Somebody wants to be told. However many ask, they are told once.
    pub(in crate::worker) fn ask(&self) {
        self.change(|state| state.asked = true);
    }

    /// Whoever has asked so far is told now.
    pub(super) fn answer(&self) {
        self.change(|state| state.asked = false);
    }

    /// The bus has changed. However often it does, it is looked at once.
    pub(super) fn bus_changed(&self) {
        self.change(|state| state.changed = true);
    }

    /// There is something to tell.
    pub(super) fn know(&self) {
        self.change(|state| state.known = true);
    }

    /// Nobody is told anything any more.
    pub(super) fn stop(&self) {
        self.change(|state| state.stopping = true);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopping
    }

    /// Waits until something has come or the time is over.
    pub(super) fn wait(&self, limit: Duration) -> Wake {
        self.wait_for(limit, |state| {
            if std::mem::take(&mut state.changed) {
                Some(Wake::Changed)
            } else if std::mem::take(&mut state.known) {
                Some(Wake::Known)
            } else {
                std::mem::take(&mut state.asked).then_some(Wake::Asked)
            }
        })
    }

    /// Waits until the time is over; false when a stop came.
    pub(super) fn pause(&self, limit: Duration) -> bool {
        self.wait_for(limit, |_| None) != Wake::Stop
    }

    fn change(&self, what: impl FnOnce(&mut State)) {
        what(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.news.notify_all();
    }

    fn wait_for(&self, limit: Duration, enough: impl Fn(&mut State) -> Option<Wake>) -> Wake {
        let begun = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.stopping {
                return Wake::Stop;
            }
            if let Some(wake) = enough(&mut state) {
                return wake;
            }
            let left = limit.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Wake::TimeOver;
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
        publishing.bus_changed();
        publishing.bus_changed();
        let wakes = [(); 3].map(|()| publishing.wait(Duration::ZERO));
        assert_eq!(wakes, [Wake::Changed, Wake::Asked, Wake::TimeOver]);
        // A pause is not for them, and takes nothing away.
        publishing.ask();
        assert!(publishing.pause(Duration::ZERO));
        assert_eq!(publishing.wait(LONG), Wake::Asked);
        // One that is answered before anybody has waited is no news any more.
        publishing.ask();
        publishing.answer();
        assert_eq!(publishing.wait(Duration::ZERO), Wake::TimeOver);
    }

    #[test]
    fn a_stop_ends_every_wait() {
        let publishing = Publishing::default();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| publishing.wait(LONG));
            let pauses = scope.spawn(|| publishing.pause(LONG));
            publishing.stop();
            assert_eq!(waits.join().unwrap(), Wake::Stop);
            assert!(!pauses.join().unwrap());
        });
        assert!(publishing.is_stopping());
    }
}
