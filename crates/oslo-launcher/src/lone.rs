//! A worker without launcher, process or signals, to try a service in a test.

use std::sync::Arc;

use crate::error::LaunchError;
use crate::scoreboard::{Scoreboard, WorkerStatus};
use crate::service::WorkerHandle;
use crate::state_line::StateTeller;
use crate::sys::Waker;

/// What a service sees of a worker, with nobody behind it.
///
/// ```
/// # use oslo_launcher::{LoneWorker, WorkerState};
/// let worker = LoneWorker::new(0)?;
/// worker.handle().down("driver: no array");
/// assert_eq!(worker.status().reason, "driver: no array");
/// worker.stop();
/// worker.handle().up(); // too late
/// assert_eq!(worker.status().state, WorkerState::Draining);
/// # Ok::<(), oslo_launcher::LaunchError>(())
/// ```
#[derive(Debug)]
pub struct LoneWorker {
    handle: WorkerHandle,
}

impl LoneWorker {
    /// A worker that has just been started, with so many words of its own.
    ///
    /// # Errors
    ///
    /// [`LaunchError::Setup`] when the kernel has no pages or no descriptor.
    pub fn new(own_words: usize) -> Result<Self, LaunchError> {
        let scoreboard = Arc::new(Scoreboard::with_words(1, own_words)?);
        scoreboard.name_slot("alone", false);
        scoreboard.new_life(0, 1);
        let waker = Waker::new().map_err(LaunchError::setup("a wake-up"))?;
        let handle = WorkerHandle {
            slot: 0,
            scoreboard,
            teller: Arc::new(StateTeller::Shared(waker)),
            said: Arc::default(),
            stop: Arc::default(),
        };
        Ok(Self { handle })
    }

    /// What its service is given.
    pub fn handle(&self) -> &WorkerHandle {
        &self.handle
    }

    /// What others see of it.
    pub fn status(&self) -> WorkerStatus {
        self.handle.scoreboard.snapshot().pop().unwrap_or_default()
    }

    /// Does what a TERM does before it reaches [`Service::stop`](crate::Service::stop).
    pub fn stop(&self) {
        self.handle.stop.raise();
        self.handle.draining();
    }
}
