//! A launcher from outside: what other code of the process may ask of it while it waits.
//!
//! A request is noted and the launcher woken; it answers in its own loop, so nothing here can come
//! between two of its steps. Must not: do anything itself.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::LaunchError;
use crate::service::Service;
use crate::sys::Waker;

/// Asks a launcher to stop or to take in another service; cheap to clone, usable from any thread
/// and from [`Hooks`](crate::Hooks).
///
/// ```no_run
/// # use std::sync::{Arc, OnceLock};
/// # use oslo_launcher::*;
/// # struct Volume;
/// # impl Service for Volume {
/// #     fn name(&self) -> &str { "volume" }
/// #     fn start(&self, _: &WorkerHandle) -> Result<(), StartError> { Ok(()) }
/// #     fn stop(&self) {}
/// #     fn wait(&self) {}
/// #     fn reset(&self) {}
/// # }
/// static LAUNCHER: OnceLock<LauncherHandle> = OnceLock::new();
///
/// struct AddOnReload;
///
/// impl Hooks for AddOnReload {
///     fn reload(&mut self, _: &[u8]) -> Result<Vec<u8>, ReloadRefused> {
///         // Workers run this hook too; only the supervisor can take in a service.
///         if let Some(launcher) = LAUNCHER.get().filter(|launcher| launcher.is_supervisor()) {
///             launcher.add_service(Arc::new(Volume), 2).map_err(|_| ReloadRefused)?;
///         }
///         Ok(Vec::new())
///     }
///     fn report(&mut self, _: ReportRequest, _: &Scoreboard) -> Option<ReportWork> {
///         None
///     }
/// }
///
/// let options = LauncherOptions { capacity: 8, ..Default::default() };
/// let mut launcher = ProcessLauncher::new(options, Box::new(AddOnReload))?;
/// LAUNCHER.set(launcher.handle()).ok();
/// launcher.wait()?; // a HUP adds a service
/// # Ok::<(), LaunchError>(())
/// ```
#[derive(Clone)]
pub struct LauncherHandle {
    requests: Arc<Requests>,
}

impl LauncherHandle {
    pub(crate) fn new(requests: &Arc<Requests>) -> Self {
        Self { requests: Arc::clone(requests) }
    }

    /// Asks for a graceful stop, as SIGTERM does. Async-signal-safe, see [`StopHandle::stop`].
    pub fn stop(&self) {
        self.requests.stop();
    }

    /// The part of this handle that a signal handler may hold.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle { requests: Arc::clone(&self.requests) }
    }

    /// Asks for `workers` workers for one more service; returns before they are started.
    ///
    /// After a stop was asked for, nothing is started and this is not an error.
    ///
    /// # Errors
    ///
    /// [`LaunchError::ScoreboardFull`] when the launcher was made for fewer workers, and
    /// [`LaunchError::NotTheSupervisor`] in a worker.
    pub fn add_service(
        &self,
        service: Arc<dyn Service>,
        workers: usize,
    ) -> Result<(), LaunchError> {
        if !self.is_supervisor() {
            return Err(LaunchError::NotTheSupervisor { service: service.name().to_owned() });
        }
        self.requests.reserve(&*service, workers)?;
        self.requests.services().push((service, workers));
        self.requests.pending.store(true, Ordering::Release);
        self.requests.waker.wake();
        Ok(())
    }

    /// Whether this is the process that supervises; false in a forked worker, where a handle that
    /// was made before does nothing.
    pub fn is_supervisor(&self) -> bool {
        self.requests.in_supervisor()
    }
}

impl std::fmt::Debug for LauncherHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LauncherHandle").finish_non_exhaustive()
    }
}

/// Asks a launcher to stop, from any thread or from a signal handler.
#[derive(Clone)]
pub struct StopHandle {
    requests: Arc<Requests>,
}

impl StopHandle {
    /// Asks for a graceful stop, as SIGTERM does; does nothing in a worker.
    ///
    /// This is async-signal-safe (`signal-safety(7)`): it stores a flag, writes to a
    /// descriptor, and leaves `errno` as it was.
    pub fn stop(&self) {
        self.requests.stop();
    }
}

impl std::fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StopHandle").finish_non_exhaustive()
    }
}

/// A service that waits to be taken in, with its number of workers.
type Addition = (Arc<dyn Service>, usize);

/// What has been asked for and not yet been seen by the launcher.
pub(crate) struct Requests {
    stop: AtomicBool,
    /// Whether there are services to take in, so that the loop need not take the lock to see.
    pending: AtomicBool,
    services: Mutex<Vec<Addition>>,
    /// Scoreboard slots that nobody has asked for yet.
    room: AtomicUsize,
    capacity: usize,
    /// The process that looks at all this; a forked child has a copy that nobody looks at.
    supervisor: Option<u32>,
    pub(crate) waker: Waker,
}

impl Requests {
    /// For the launcher of this process, unless somebody else supervises it.
    pub(crate) fn new(capacity: usize, waker: Waker, supervises: bool) -> Arc<Self> {
        Arc::new(Self {
            stop: AtomicBool::new(false),
            pending: AtomicBool::new(false),
            services: Mutex::default(),
            room: AtomicUsize::new(capacity),
            capacity,
            supervisor: supervises.then(std::process::id),
            waker,
        })
    }

    /// Takes scoreboard slots for the workers of a service.
    pub(crate) fn reserve(&self, service: &dyn Service, workers: usize) -> Result<(), LaunchError> {
        let take = |room: usize| room.checked_sub(workers);
        let taken = self.room.fetch_update(Ordering::AcqRel, Ordering::Acquire, take);
        taken.map(drop).map_err(|_| LaunchError::ScoreboardFull {
            service: service.name().to_owned(),
            capacity: self.capacity,
        })
    }

    /// Whether a stop has been asked for since the last time.
    pub(crate) fn take_stop(&self) -> bool {
        // Read first: a forked child shares the page until somebody writes to it.
        self.stop.load(Ordering::Acquire) && self.stop.swap(false, Ordering::AcqRel)
    }

    /// The next service to take in.
    pub(crate) fn take_service(&self) -> Option<Addition> {
        if !self.pending.load(Ordering::Acquire) {
            return None;
        }
        let mut services = self.services();
        let first = (!services.is_empty()).then(|| services.remove(0));
        self.pending.store(!services.is_empty(), Ordering::Release);
        first
    }

    /// Whether the caller runs in the process that supervises. By process id, because a mark that
    /// each worker would have to set costs each worker a page.
    fn in_supervisor(&self) -> bool {
        self.supervisor == Some(std::process::id())
    }

    fn stop(&self) {
        if self.in_supervisor() {
            self.stop.store(true, Ordering::Release);
            self.waker.wake_from_handler();
        }
    }

    /// A panicking thread cannot leave the list half-changed.
    fn services(&self) -> std::sync::MutexGuard<'_, Vec<Addition>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
