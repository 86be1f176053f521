//! The main thread of a worker where there are no signals: waits for the service or its parent.
//!
//! Same part as `worker.rs` on Unix. A stop is asked for by closing standard input.

use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use crate::error::LaunchError;
use crate::handle::Requests;
use crate::launcher::later;
use crate::life::live;
use crate::line;
use crate::manager::Alone;
use crate::reporting::Reporting;
use crate::service::{Hooks, Service, WorkerHandle};
use crate::sys::Inherited;

/// Nothing to read: this platform has no signals.
#[derive(Debug)]
pub(crate) struct WorkerSignals;

impl WorkerSignals {
    pub(crate) fn for_worker() -> std::io::Result<Self> {
        Ok(Self)
    }

    pub(crate) fn pause(
        &mut self,
        until: Instant,
        requests: &Requests,
        mut before_wait: impl FnMut() -> Option<Duration>,
    ) -> Option<i32> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let sleep = before_wait().map_or(left, |time| time.min(left));
            if requests.take_stop() {
                return Some(0);
            }
            if left.is_zero() {
                return None;
            }
            std::thread::sleep(sleep);
        }
    }
}

/// Who watches over this worker.
pub(crate) enum Watcher {
    /// A parent; standard input reaches its end when it is gone or wants a stop.
    Stdin,
    /// Nobody; other code of this process may ask for a stop.
    Nobody(Arc<Requests>),
}

/// Nothing: here nobody asks for a reload.
#[derive(Debug)]
pub(crate) struct Reload;

impl Reload {
    pub(crate) fn alone(_at_once: bool) -> Self {
        Self
    }
}

/// A worker about to run.
pub(crate) struct Worker<'a> {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) handle: WorkerHandle,
    pub(crate) hooks: &'a mut dyn Hooks,
    pub(crate) alone: Option<&'a mut Alone>,
    pub(crate) signals: WorkerSignals,
    pub(crate) watcher: Watcher,
    pub(crate) watchdog: Option<Duration>,
    pub(crate) drain_limit: Option<Duration>,
    pub(crate) reporting: Reporting,
    pub(crate) inherited: Inherited,
    pub(crate) reload: Reload,
}

enum Happening {
    ServiceEnded(i32),
    ParentGone,
    Asked,
}

impl Worker<'_> {
    pub(crate) fn run(&mut self) -> Result<i32, LaunchError> {
        let (tell, happenings) = mpsc::channel();
        let (service, handle) = (Arc::clone(&self.service), self.handle.clone());
        let (ended, asked) = (tell.clone(), tell.clone());
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
        if let Watcher::Nobody(requests) = &self.watcher {
            let asked = Mutex::new(asked);
            requests.waker.calls(move || {
                let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
                drop(asked.send(Happening::Asked));
            });
        }
        // There are no signals, no service manager, and without a line to the parent there is
        // nobody to tell that this thread runs.
        let _ = (&self.signals, &self.alone, &self.reporting, self.watchdog);
        let mut deadline: Option<Instant> = None;
        loop {
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            let sleep = left.into_iter().chain(self.hooks.before_wait()).min();
            if self.asked_to_stop() {
                deadline = self.stop();
                continue;
            }
            match happenings.recv_timeout(sleep.unwrap_or(Duration::MAX)) {
                Ok(Happening::ServiceEnded(status)) => return Ok(status),
                Ok(Happening::ParentGone) => deadline = self.stop(),
                Ok(Happening::Asked) => {} // looked for above
                Err(_) if deadline.is_some_and(|at| at <= Instant::now()) => {
                    line::child_timeout();
                    return Ok(1);
                }
                Err(_) => {} // only as long as the hook wanted
            }
        }
    }

    fn asked_to_stop(&self) -> bool {
        matches!(&self.watcher, Watcher::Nobody(requests) if requests.take_stop())
    }

    /// Stops the service; when its time is over.
    fn stop(&self) -> Option<Instant> {
        if self.handle.stop.raise() {
            self.handle.draining();
            self.service.stop();
        }
        self.drain_limit.map(|limit| later(Instant::now(), limit))
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), LaunchError> {
    std::thread::Builder::new()
        .name(name.into())
        .spawn(body)
        .map(drop)
        .map_err(LaunchError::setup("a thread of a worker"))
}
