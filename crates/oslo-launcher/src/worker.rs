//! The main thread of a worker: signals, the parent's end, the service's end. Nothing else.
//!
//! The service runs on a thread of its own, because its start may block for minutes on an array
//! while this thread must still answer a TERM at once and notice a dead parent at once
//! (`spec/launcher.md` §12, defect 22). Must not: fork, or outlive its parent.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use crate::error::LaunchError;
use crate::handle::Requests;
use crate::later::later;
use crate::life::{FAILED, begin, finish, live};
use crate::line;
use crate::manager::Alone;
use crate::reporting::Reporting;
use crate::rereading::{Bulletin, Nonsense, Outcome, ReadWork, Rereading};
use crate::service::{Hooks, Service, WorkerHandle};
use crate::sys::{Inherited, Pipe, Signal, Waker, is_daemon, poll};
use crate::watchdog::LOOKS;

pub(crate) use crate::sys::Signals as WorkerSignals;

/// Who watches over this worker.
pub(crate) enum Watcher {
    /// A parent; the descriptor reaches its end when the parent is gone.
    Parent(OwnedFd),
    /// Nobody: the process bounds its own stop, and obeys a terminal's SIGHUP. Other code of it
    /// may ask for a stop.
    Nobody(Arc<Requests>),
}

/// A worker about to run.
pub(crate) struct Worker<'a> {
    pub(crate) service: &'a Arc<dyn Service>,
    pub(crate) handle: WorkerHandle,
    pub(crate) hooks: &'a mut dyn Hooks,
    /// Tells the service manager when no parent does.
    pub(crate) alone: Option<&'a mut Alone>,
    pub(crate) signals: WorkerSignals,
    pub(crate) watcher: Watcher,
    /// The parent's watchdog; without one this thread sleeps until something happens.
    pub(crate) watchdog: Option<Duration>,
    /// Time for a graceful stop when no parent keeps it.
    pub(crate) drain_limit: Option<Duration>,
    pub(crate) reporting: Reporting,
    /// Children of whoever started this program; a forked worker has none.
    pub(crate) inherited: Inherited,
    pub(crate) reload: Reload<'a>,
}

/// What a worker does on HUP.
pub(crate) enum Reload<'a> {
    /// As its parent says here.
    Follow(&'a Bulletin),
    /// It reads for itself, on a thread, which wakes the main thread.
    Read { rereading: Rereading, waker: Option<Waker> },
}

impl Reload<'_> {
    /// Reads for itself; `at_once` because a HUP came before there was a worker.
    pub(crate) fn alone(at_once: bool) -> Self {
        let mut rereading = Rereading::default();
        if at_once {
            rereading.ask();
        }
        Self::Read { rereading, waker: None }
    }
}

/// The service's thread, as its main thread sees it.
struct ServiceThread {
    /// At its end when the service has ended.
    ended: OwnedFd,
    /// [`SERVES`] until then.
    status: Arc<AtomicI32>,
}

/// No exit status: those fit a byte.
const SERVES: i32 = i32::MIN;

impl ServiceThread {
    /// The exit status that follows, once the service has ended.
    fn status(&self) -> Option<i32> {
        Some(self.status.load(Ordering::Acquire)).filter(|status| *status != SERVES)
    }
}

/// What is known of this worker's end.
#[derive(Default)]
struct Ending {
    parent_gone: bool,
    deadline: Option<Instant>,
}

impl Worker<'_> {
    /// Runs the service until it ends or is stopped; returns the exit status.
    ///
    /// # Errors
    ///
    /// [`LaunchError::Setup`] when the service's thread or pipe cannot be made.
    pub(crate) fn run(&mut self) -> Result<i32, LaunchError> {
        let mut service_thread = None;
        if self.service.needs_thread() {
            service_thread = Some(self.spawn(live)?);
        } else if let Err(status) = begin(&**self.service, &self.handle) {
            return Ok(status);
        }
        let mut ending = Ending::default();
        loop {
            let watcher_stirred = self.sleep(service_thread.as_ref(), &ending);
            if let Some(status) = service_thread.as_ref().and_then(ServiceThread::status) {
                return Ok(if ending.parent_gone { FAILED } else { status });
            }
            self.look_at_reading();
            for signal in self.signals.take() {
                if let Some(status) = self.on_signal(signal, &mut ending.deadline) {
                    return Ok(status);
                }
            }
            if watcher_stirred {
                self.on_watcher(&mut ending);
            }
            if service_thread.is_none() && self.handle.is_stopping() {
                // Without a thread nobody would keep the time; the parent still does.
                let Ok(ends) = self.spawn(|service, _| finish(service)) else {
                    return Ok(finish(&**self.service));
                };
                service_thread = Some(ends);
            }
            if ending.deadline.is_some_and(|at| at <= Instant::now()) {
                line::child_timeout();
                return Ok(FAILED);
            }
        }
    }

    /// Sleeps until the service ends, a signal comes, the parent is gone or time is up; whether
    /// the watcher has to be looked at.
    fn sleep(&mut self, service_thread: Option<&ServiceThread>, ending: &Ending) -> bool {
        let left = ending.deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let tell = self.alone.as_mut().and_then(|alone| alone.turn(&self.handle.scoreboard));
        let others = [self.say_alive(), tell, self.hooks.before_wait(), self.reading_left()];
        let left = left.into_iter().chain(others.into_iter().flatten()).min();
        let signals = self.signals.as_fd();
        // A descriptor that is not there is replaced by one that is watched anyway.
        let service = service_thread.map_or(signals, |service_thread| service_thread.ended.as_fd());
        let watched = self.watched(ending).unwrap_or(signals);
        let reading = match &self.reload {
            Reload::Read { waker: Some(waker), .. } => waker.as_fd(),
            _ => signals,
        };
        let [_, _, watcher, _] = poll([signals, service, watched, reading], left);
        watcher
    }

    /// Tells the watchdog that this thread runs; returns when it has to do so again.
    fn say_alive(&self) -> Option<Duration> {
        let watchdog = self.watchdog.filter(|time| !time.is_zero())?;
        self.handle.scoreboard.slot(self.handle.slot).alive();
        self.handle.teller.alive();
        Some(watchdog / LOOKS)
    }

    fn watched(&self, ending: &Ending) -> Option<BorrowedFd<'_>> {
        match &self.watcher {
            Watcher::Parent(fd) => (!ending.parent_gone).then(|| fd.as_fd()),
            Watcher::Nobody(requests) => Some(requests.waker.as_fd()),
        }
    }

    /// Reacts to the end of the parent, or to a request.
    fn on_watcher(&mut self, ending: &mut Ending) {
        match &self.watcher {
            Watcher::Parent(fd) if !ending.parent_gone && !Pipe::drain(fd) => {
                ending.parent_gone = true;
                line::parent_died();
            }
            Watcher::Nobody(requests) => {
                requests.waker.clear();
                if !requests.take_stop() {
                    return;
                }
            }
            Watcher::Parent(_) => return,
        }
        ending.deadline = self.limit();
        self.stop(ending.deadline);
    }

    /// When a stop that begins now is over at the latest, where this process has to see to it.
    fn limit(&self) -> Option<Instant> {
        self.drain_limit.map(|limit| later(Instant::now(), limit))
    }

    /// Follows the parent, or begins to read.
    fn reload(&mut self) {
        self.reloading(true);
        let bulletin = match &mut self.reload {
            Reload::Follow(bulletin) => *bulletin,
            Reload::Read { rereading, .. } => {
                if !rereading.is_busy() {
                    self.read_again();
                }
                return;
            }
        };
        match bulletin.read() {
            Ok(told) => {
                // The parent may have nothing to tell that this worker did not begin with.
                if self.hooks.follow(told.as_deref().unwrap_or_default()).is_ok() {
                    self.service.reset();
                }
            }
            Err(Nonsense) => line::nothing_to_follow(),
        }
        self.reloading(false);
    }

    fn read_again(&mut self) {
        let begun = match (self.hooks.read_again(), &mut self.reload) {
            (Some(work), Reload::Read { rereading, waker }) => {
                begin_reading(rereading, waker, work)
            }
            _ => return self.reloaded(Ok(Vec::new())),
        };
        if let Err(why) = begun {
            self.reloaded(Err(why));
        }
    }

    /// Looks whether there is an answer, or a HUP that waits.
    fn look_at_reading(&mut self) {
        let Reload::Read { rereading, waker } = &mut self.reload else { return };
        if let Some(waker) = waker {
            waker.clear();
        }
        let read = rereading.take();
        let again = rereading.is_idle() && rereading.take_again();
        if let Some(Outcome::Read(read)) = read {
            self.reloaded(read.map_err(str::to_owned));
        } else if let Some(Outcome::GivenUp(why)) = read {
            self.reloaded(Err(why.to_owned()));
        }
        if again && !self.handle.is_stopping() {
            self.reload();
        }
    }

    /// Applies what was read, if it was.
    fn reloaded(&mut self, read: Result<Vec<u8>, String>) {
        match read {
            _ if self.handle.is_stopping() => {}
            Ok(read) => {
                if self.hooks.reload(&read).is_ok() {
                    self.service.reset();
                }
            }
            Err(why) => line::not_read_again(&why),
        }
        self.reloading(false);
    }

    fn reading_left(&self) -> Option<Duration> {
        match &self.reload {
            Reload::Read { rereading, .. } => rereading.left(),
            Reload::Follow(_) => None,
        }
    }

    fn reloading(&mut self, begins: bool) {
        if let Some(alone) = &mut self.alone {
            alone.reloading(begins);
        }
    }

    /// Reacts to one signal; an answer ends the worker with that status.
    fn on_signal(&mut self, signal: Signal, deadline: &mut Option<Instant>) -> Option<i32> {
        let alone = matches!(self.watcher, Watcher::Nobody(_));
        match signal {
            Signal::SIGINT => {
                line::child_interrupted();
                return Some(FAILED);
            }
            Signal::SIGUSR2 => self.report(),
            Signal::SIGCHLD => self.inherited.bury(line::reaped_orphan),
            // A stop under way is never cut short or restarted, whatever else comes.
            _ if self.handle.is_stopping() => {}
            Signal::SIGHUP if !alone || is_daemon() => {
                line::child_reloading();
                self.reload();
            }
            Signal::SIGTERM | Signal::SIGHUP => {
                if alone {
                    *deadline = self.limit();
                }
                self.stop(*deadline);
            }
            _ => {}
        }
        None
    }

    /// Begins a report, unless one is being made.
    fn report(&mut self) {
        let wanted = self.signals.take_along();
        let request = self.reporting.admit(wanted.into(), || self.service.report());
        let scoreboard = &self.handle.scoreboard;
        if let Some(work) = request.and_then(|request| self.hooks.report(request, scoreboard)) {
            self.reporting.run(work, scoreboard);
        }
    }

    fn stop(&mut self, deadline: Option<Instant>) {
        if self.handle.stop.raise() {
            if let Some(alone) = &mut self.alone {
                alone.stopping(deadline);
            }
            self.handle.draining();
            self.service.stop();
        }
    }

    /// Runs this part of the service's life on a thread of its own.
    fn spawn(
        &self,
        part: fn(&dyn Service, &WorkerHandle) -> i32,
    ) -> Result<ServiceThread, LaunchError> {
        let (ended, life) =
            Pipe::new().map_err(LaunchError::setup("the pipe of a service"))?.split();
        let status = Arc::new(AtomicI32::new(SERVES));
        let (service, handle) = (Arc::clone(self.service), self.handle.clone());
        let result = Arc::clone(&status);
        std::thread::Builder::new()
            .name("service".into())
            .spawn(move || {
                result.store(part(&*service, &handle), Ordering::Release);
                drop(life); // the end of the pipe is the end of the service
            })
            .map_err(LaunchError::setup("the thread of a service"))?;
        Ok(ServiceThread { ended, status })
    }
}

fn begin_reading(
    rereading: &mut Rereading,
    waker: &mut Option<Waker>,
    work: ReadWork,
) -> Result<(), String> {
    let waker = match waker {
        Some(waker) => waker,
        none => none.insert(Waker::new().map_err(|error| error.to_string())?),
    };
    let waker = waker.clone();
    rereading.begin(work, move || waker.wake())
}
