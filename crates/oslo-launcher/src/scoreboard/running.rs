//! An operation that is shown while it runs, and kept among those that have ended.
//!
//! Must not: be needed for an operation to be right.

use std::sync::Arc;
use std::time::Duration;

use super::Scoreboard;
use super::ended::{Ended, Ending};
use super::operations::Operation;
use crate::sys::monotonic;

impl Scoreboard {
    /// What a worker is doing, the oldest first.
    pub(crate) fn running(&self, worker: usize) -> Vec<Operation> {
        self.operations(worker).running(monotonic())
    }
}

/// Shows an operation for as long as it lives; see
/// [`WorkerHandle::begin_operation`](crate::WorkerHandle::begin_operation).
#[derive(Debug)]
pub struct RunningOperation {
    scoreboard: Arc<Scoreboard>,
    worker: usize,
    /// `None` when the table was full.
    entry: Option<usize>,
    kind: String,
    id: String,
    request: String,
    begun: Duration,
}

impl RunningOperation {
    pub(crate) fn begin(
        scoreboard: &Arc<Scoreboard>,
        worker: usize,
        kind: &str,
        id: &str,
        request: &str,
    ) -> Self {
        let entry = scoreboard.operations(worker).begin(kind, id, request);
        let [kind, id, request] = [kind, id, request].map(str::to_owned);
        let scoreboard = Arc::clone(scoreboard);
        Self { scoreboard, worker, entry, kind, id, request, begun: monotonic() }
    }

    /// Ends it, and leaves among those that have ended what became of it; one that is only dropped
    /// is forgotten. How long it took.
    pub fn end(self, ending: Ending, why: &str) -> Duration {
        self.leave(ending, why)
    }

    fn leave(&self, ending: Ending, why: &str) -> Duration {
        let took = monotonic().saturating_sub(self.begun);
        self.scoreboard.ended_table(self.worker).add(&Ended {
            kind: &self.kind,
            id: &self.id,
            request: &self.request,
            ending,
            why,
            took,
        });
        took
    }

    /// Shows what it is about, once that is known.
    pub fn about(&mut self, id: &str) {
        id.clone_into(&mut self.id);
        if let Some(entry) = self.entry {
            self.scoreboard.operations(self.worker).about(entry, id);
        }
    }

    /// Shows what it is at, for example `step 3 of 5: driver`; cut at [`STEP_BYTES`](super::STEP_BYTES).
    pub fn step(&mut self, text: &str) {
        if let Some(entry) = self.entry {
            self.scoreboard.operations(self.worker).step(entry, text);
        }
    }
}

impl Drop for RunningOperation {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.leave(Ending::Failed, "panic");
        }
        if let Some(entry) = self.entry {
            self.scoreboard.operations(self.worker).end(entry);
        }
    }
}
