//! The launcher without processes: the one service runs right here.
//!
//! For a platform without fork, for a debugger, and for the far end of
//! [`SubprocessLauncher`](crate::SubprocessLauncher). Must not: restart anything; when the service
//! ends, the process does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::error::LaunchError;
use crate::handle::{LauncherHandle, Requests};
use crate::launcher::{Launcher, LauncherOptions, later};
use crate::ledger::ServiceReport;
use crate::line::{self, Ended};
use crate::manager::{Alone, Manager};
use crate::report::Reporter;
use crate::reporting::Reporting;
use crate::scoreboard::Scoreboard;
use crate::service::{Hooks, Service, WorkerHandle};
use crate::stop_flag::StopFlag;
use crate::sys::Waker;
use crate::worker::{Watcher, Worker, WorkerSignals};

/// Who looks after this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supervision {
    /// Nobody: a terminal or a service manager.
    None,
    /// A [`SubprocessLauncher`](crate::SubprocessLauncher) at the other end of standard input.
    Stdin,
}

/// Runs one service in the calling process.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use oslo_launcher::*;
/// # fn run(service: Arc<dyn Service>, supervised: bool) -> Result<i32, LaunchError> {
/// let supervision = if supervised { Supervision::Stdin } else { Supervision::None };
/// let options = LauncherOptions { noun: "services", ..Default::default() };
/// let mut launcher = InProcessLauncher::new(options, Box::new(NoHooks), supervision)?;
/// launcher.launch_service(service, 1)?;
/// launcher.wait()
/// # }
/// ```
pub struct InProcessLauncher {
    scoreboard: Arc<Scoreboard>,
    hooks: Box<dyn Hooks>,
    drain_limit: Option<Duration>,
    watchdog: Option<Duration>,
    signals: Option<WorkerSignals>,
    supervision: Supervision,
    service: Option<Arc<dyn Service>>,
    requests: Arc<Requests>,
    /// Under a supervisor it is the one that tells the service manager.
    alone: Option<Alone>,
    report: Option<ServiceReport>,
}

impl InProcessLauncher {
    /// Takes over the signals of this process; call it before anything starts a thread.
    ///
    /// # Errors
    ///
    /// [`LaunchError::Setup`] when the kernel refuses a descriptor.
    pub fn new(
        options: LauncherOptions,
        hooks: Box<dyn Hooks>,
        supervision: Supervision,
    ) -> Result<Self, LaunchError> {
        let waker = Waker::new().map_err(LaunchError::setup("a wake-up"))?;
        let requests = Requests::new(1, waker, supervision == Supervision::None);
        let alone = match supervision {
            Supervision::None => Some(Alone::new(Manager::new(options.notifier, options.noun))),
            Supervision::Stdin => None,
        };
        Ok(Self {
            scoreboard: Arc::new(Scoreboard::with_words(1, options.own_words)?),
            hooks,
            drain_limit: options.limits.graceful_shutdown,
            watchdog: options.worker_watchdog,
            signals: Some(
                WorkerSignals::for_worker().map_err(LaunchError::setup("signal handling"))?,
            ),
            supervision,
            service: None,
            requests,
            alone,
            report: None,
        })
    }
}

impl Launcher for InProcessLauncher {
    fn launch_services(
        &mut self,
        services: &[(Arc<dyn Service>, usize)],
    ) -> Result<(), LaunchError> {
        for (service, workers) in services {
            if *workers != 1 {
                let service = service.name().to_owned();
                return Err(LaunchError::ScoreboardFull { service, capacity: 1 });
            }
            self.requests.reserve(&**service, *workers)?;
            line::starting_workers(*workers);
            self.scoreboard.name_slot(service.name(), false);
            self.service = Some(Arc::clone(service));
        }
        Ok(())
    }

    fn wait(&mut self) -> Result<i32, LaunchError> {
        let (Some(service), Some(signals)) = (self.service.take(), self.signals.take()) else {
            return Ok(0);
        };
        let slot = self.scoreboard.slot(0);
        slot.reset(1);
        slot.set_pid(std::process::id() as i32);
        let (watcher, reporter) = match self.supervision {
            Supervision::None => {
                let reporter = Reporter::Shared(self.requests.waker.clone());
                (Watcher::Nobody(Arc::clone(&self.requests)), reporter)
            }
            Supervision::Stdin => supervised()?,
        };
        let mut worker = Worker {
            service: &service,
            handle: WorkerHandle {
                slot: 0,
                scoreboard: Arc::clone(&self.scoreboard),
                reporter: Arc::new(reporter),
                stop: Arc::new(StopFlag::default()),
            },
            hooks: &mut *self.hooks,
            alone: self.alone.as_mut(),
            signals,
            watcher,
            watchdog: self.watchdog.filter(|_| self.supervision == Supervision::Stdin),
            drain_limit: self.drain_limit,
            reporting: Reporting::default(),
        };
        let status = worker.run()?;
        let end = Ended::Exited(status);
        self.report = Some(ServiceReport {
            name: service.name().to_owned(),
            workers: 1,
            starts: 1,
            ends: [(end, 1)].into(),
            last: Some(end),
            ..Default::default()
        });
        Ok(status)
    }

    fn pause(&mut self, time: Duration) -> Option<i32> {
        let signals = self.signals.as_mut()?;
        signals.pause(later(Instant::now(), time), &self.requests, || {
            let tell = self.alone.as_mut().and_then(|alone| alone.turn(&self.scoreboard));
            tell.into_iter().chain(self.hooks.before_wait()).min()
        })
    }

    fn exit_report(&self) -> Vec<ServiceReport> {
        self.report.iter().cloned().collect()
    }

    /// There is room for the one service only, so this handle stops but never adds.
    fn handle(&self) -> LauncherHandle {
        LauncherHandle::new(&self.requests)
    }

    fn scoreboard(&self) -> &Arc<Scoreboard> {
        &self.scoreboard
    }
}

/// Both directions of the line to the supervisor: its end means that the supervisor is gone,
/// what is written there is this worker's state.
#[cfg(unix)]
fn supervised() -> Result<(Watcher, Reporter), LaunchError> {
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::sync::Mutex;

    let stdin = || std::io::stdin().as_fd().try_clone_to_owned();
    let line = stdin().and_then(|fd| {
        let stream = UnixStream::from(fd);
        stream.set_nonblocking(true)?;
        Ok((Watcher::Parent(stdin()?), Reporter::Line(Mutex::new(Box::new(stream)))))
    });
    line.map_err(LaunchError::setup("the line to the supervisor on standard input"))
}

/// Without socket pairs only one direction exists: the end of standard input.
#[cfg(not(unix))]
fn supervised() -> Result<(Watcher, Reporter), LaunchError> {
    Ok((Watcher::Stdin, Reporter::Nobody))
}
