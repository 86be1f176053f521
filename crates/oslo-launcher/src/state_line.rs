//! A worker's line to its supervisor: that its state has changed, and which words say so.
//!
//! Forked workers share the scoreboard, so theirs is a nudge. A subprocess writes lines of text,
//! `up`, `down REASON` or `alive`, which are made and understood here and nowhere else. Must not
//! block: a supervisor that is stopped or gone may never hold up a worker.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use crate::scoreboard::WorkerState;
use crate::sys::Waker;

/// Says that the worker's main thread runs.
const ALIVE: &str = "alive";

/// The worker's end.
pub(crate) enum StateTeller {
    /// The state is on a shared scoreboard; whoever reads it only needs a nudge.
    Shared(Waker),
    /// Subprocess: the scoreboard is not shared, so the state travels as a line of text.
    Text(Mutex<Box<dyn Write + Send>>),
}

impl StateTeller {
    pub(crate) fn changed(&self, state: WorkerState, reason: &str) {
        match self {
            Self::Shared(waker) => waker.wake(),
            Self::Text(_) => self.write(&of_state(state, reason)),
        }
    }

    /// Says that the worker's main thread runs, where the shared scoreboard does not say it.
    pub(crate) fn alive(&self) {
        self.write(ALIVE);
    }

    fn write(&self, line: &str) {
        if let Self::Text(stream) = self {
            // A supervisor that no longer reads is noticed by the end of its stream.
            let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = stream.write_all(format!("{line}\n").as_bytes());
        }
    }
}

/// What the supervisor hears.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The worker is in this state, for this reason.
    State(WorkerState, String),
    /// Its main thread runs.
    Alive,
}

fn of_state(state: WorkerState, reason: &str) -> String {
    format!("{} {}", state.as_str(), reason.replace('\n', " "))
}

/// Understands a line; none that makes no sense. Of states, those that mean something to the state
/// machine: whoever drains has been told to.
pub(crate) fn understand(line: &str) -> Option<Heard> {
    if line == ALIVE {
        return Some(Heard::Alive);
    }
    let (word, reason) = line.split_once(' ').unwrap_or((line, ""));
    let state = [WorkerState::Up, WorkerState::Down].into_iter().find(|it| it.as_str() == word)?;
    Some(Heard::State(state, reason.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_understood() {
        for (state, reason) in [(WorkerState::Up, ""), (WorkerState::Down, "no array: é")] {
            let heard = Heard::State(state, reason.to_owned());
            assert_eq!(understand(&of_state(state, reason)), Some(heard));
        }
        assert_eq!(understand(ALIVE), Some(Heard::Alive));
        assert_eq!(of_state(WorkerState::Down, "two\nlines"), "down two lines");
    }

    #[test]
    fn nonsense_is_not_understood() {
        for line in ["", " up", "UP", "gone", "draining ", "starting", "alive or not"] {
            assert_eq!(understand(line), None, "{line}");
        }
        assert_eq!(understand("up"), Some(Heard::State(WorkerState::Up, String::new())));
    }
}
