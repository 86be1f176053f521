//! A launcher from outside: what other code of the process may ask of it while it waits.
//!
//! A request is noted and the launcher woken; it answers in its own loop, so nothing here can come
//! between two of its steps. Must not: do anything itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::sys::Waker;

/// Asks a launcher to stop: from any thread, from [`Hooks`](crate::Hooks), or from a signal handler.
///
/// Cheap to clone. In a forked worker a handle that was made before does nothing.
///
/// ```no_run
/// # use std::sync::OnceLock;
/// # use oslo_launcher::*;
/// static STOP: OnceLock<StopHandle> = OnceLock::new();
///
/// let mut launcher = ProcessLauncher::new(LauncherOptions::default(), Box::new(NoHooks))?;
/// STOP.set(launcher.stop_handle()).ok();
/// launcher.wait()?; // until somebody calls STOP.get().map(StopHandle::stop), or a signal comes
/// # Ok::<(), LaunchError>(())
/// ```
#[derive(Clone)]
pub struct StopHandle {
    requests: Arc<Requests>,
}

impl StopHandle {
    pub(crate) fn new(requests: &Arc<Requests>) -> Self {
        Self { requests: Arc::clone(requests) }
    }

    /// Asks for a graceful stop, as SIGTERM does; does nothing in a worker.
    ///
    /// This is async-signal-safe (`signal-safety(7)`): it stores a flag, writes to a descriptor, and
    /// leaves `errno` as it was.
    pub fn stop(&self) {
        self.requests.stop();
    }
}

impl std::fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StopHandle").finish_non_exhaustive()
    }
}

/// What has been asked for and not yet been seen by the launcher.
pub(crate) struct Requests {
    stop: AtomicBool,
    /// The process that looks at all this; a forked child has a copy that nobody looks at.
    supervisor: Option<u32>,
    pub(crate) waker: Waker,
}

impl Requests {
    /// For the launcher of this process, unless somebody else supervises it.
    pub(crate) fn new(waker: Waker, supervises: bool) -> Arc<Self> {
        Arc::new(Self {
            stop: AtomicBool::new(false),
            supervisor: supervises.then(std::process::id),
            waker,
        })
    }

    /// Whether a stop has been asked for since the last time.
    pub(crate) fn take_stop(&self) -> bool {
        // Read first: a forked child shares the page until somebody writes to it.
        self.stop.load(Ordering::Acquire) && self.stop.swap(false, Ordering::AcqRel)
    }

    /// Only in the process that supervises. By process id, because a mark that each worker would
    /// have to set costs each worker a page.
    fn stop(&self) {
        if self.supervisor == Some(std::process::id()) {
            self.stop.store(true, Ordering::Release);
            self.waker.wake_from_handler();
        }
    }
}
