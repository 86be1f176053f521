//! The main thread of a worker where there are no signals: waits for the service or its parent.
//!
//! Same part as `worker.rs` on Unix. A stop is asked for by closing standard input.

use std::io::Read;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use crate::error::LaunchError;
use crate::life::live;
use crate::line;
use crate::scoreboard::WorkerState;
use crate::service::{Hooks, Service, WorkerHandle};

/// Nothing to read: this platform has no signals.
#[derive(Debug)]
pub(crate) struct WorkerSignals;

impl WorkerSignals {
    pub(crate) fn for_worker() -> std::io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn pause(&mut self, until: Instant) -> Option<i32> {
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
        None
    }
}

/// Who watches over this worker.
pub(crate) enum Watcher {
    /// A parent; standard input reaches its end when it is gone or wants a stop.
    Stdin,
    /// Nobody.
    Nobody,
}

/// A worker about to run.
pub(crate) struct Worker<'a> {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) handle: WorkerHandle,
    pub(crate) hooks: &'a mut dyn Hooks,
    pub(crate) signals: WorkerSignals,
    pub(crate) watcher: Watcher,
    pub(crate) watchdog: Option<Duration>,
    pub(crate) drain_limit: Option<Duration>,
}

enum Happening {
    ServiceEnded(i32),
    ParentGone,
}

impl Worker<'_> {
    pub(crate) fn run(self) -> Result<i32, LaunchError> {
        let (tell, happenings) = mpsc::channel();
        let (service, handle) = (Arc::clone(&self.service), self.handle.clone());
        let ended = tell.clone();
        spawn("service", move || {
            let _ = ended.send(Happening::ServiceEnded(live(&*service, &handle)));
        })?;
        if matches!(self.watcher, Watcher::Stdin) {
            spawn("parent-watch", move || {
                let mut byte = [0; 1];
                while std::io::stdin().read(&mut byte).is_ok_and(|count| count > 0) {}
                let _ = tell.send(Happening::ParentGone);
            })?;
        }
        // Without signals neither hooks nor signals are ever asked for, and without a line to the
        // parent there is nobody to tell that this thread runs.
        let _ = (self.hooks, self.signals, self.watchdog);
        let mut limit = Duration::MAX;
        loop {
            match happenings.recv_timeout(limit) {
                Ok(Happening::ServiceEnded(status)) => return Ok(status),
                Ok(Happening::ParentGone) => {
                    if self.handle.stop.raise() {
                        let slot = self.handle.scoreboard.slot(self.handle.slot);
                        slot.set_state(WorkerState::Draining, "");
                        self.service.stop();
                    }
                    limit = self.drain_limit.unwrap_or(Duration::MAX);
                }
                Err(_) => {
                    line::child_timeout();
                    return Ok(1);
                }
            }
        }
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), LaunchError> {
    std::thread::Builder::new()
        .name(name.into())
        .spawn(body)
        .map(drop)
        .map_err(LaunchError::setup("a thread of a worker"))
}
