//! Requests that wait for a thread, between the transport that took them and the handlers.
//!
//! What waits is not acknowledged, so nothing is lost with it; how much may wait is for the
//! transport to bound, which stops taking. Must not: run anything.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::incoming::Incoming;

/// A queue that can be closed.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Incoming>,
    closed: bool,
}

impl Inbox {
    /// Puts a request at the end; once closed, gives it back to its sender.
    pub(crate) fn put(&self, incoming: Incoming) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            drop(incoming);
            return;
        }
        state.waiting.push_back(incoming);
        drop(state);
        self.changed.notify_one();
    }

    /// The next request; waits for one until the inbox is closed and empty.
    pub(crate) fn next(&self) -> Option<Incoming> {
        let mut state = self.lock();
        loop {
            if let Some(incoming) = state.waiting.pop_front() {
                return Some(incoming);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next request, if one comes in time.
    pub(crate) fn next_within(&self, limit: Duration) -> Option<Incoming> {
        let state = self.lock();
        let idle = |state: &mut State| state.waiting.is_empty() && !state.closed;
        let waited = self.changed.wait_timeout_while(state, limit, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting.pop_front()
    }

    /// Takes nothing more; what waits is given back to its senders.
    pub(crate) fn close(&self) {
        let waiting = {
            let mut state = self.lock();
            state.closed = true;
            std::mem::take(&mut state.waiting)
        };
        self.changed.notify_all();
        drop(waiting);
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
