//! How a worker tells its supervisor that its state has changed.
//!
//! Must not block: a supervisor that is stopped or gone may never hold up a worker.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use crate::scoreboard::WorkerState;
use crate::sys::Waker;

/// The worker's end of the line.
pub(crate) enum Reporter {
    /// The state is on a shared scoreboard; whoever reads it only needs a nudge.
    Shared(Waker),
    /// Subprocess: the scoreboard is not shared, so the state travels as a line of text.
    Line(Mutex<Box<dyn Write + Send>>),
}

impl Reporter {
    pub(crate) fn changed(&self, state: WorkerState, reason: &str) {
        match self {
            Self::Shared(waker) => waker.wake(),
            Self::Line(_) => {
                self.line(&format!("{} {}\n", state.as_str(), reason.replace('\n', " ")));
            }
        }
    }

    /// Says that the worker's main thread runs, where the shared scoreboard does not say it.
    pub(crate) fn alive(&self) {
        self.line("alive\n");
    }

    fn line(&self, line: &str) {
        if let Self::Line(stream) = self {
            // A supervisor that no longer reads is noticed by the end of its stream.
            let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = stream.write_all(line.as_bytes());
        }
    }
}
