//! The launcher without processes: the one service runs right here.
//!
//! For a debugger (`--backend_name`), and for the far end of
//! [`SubprocessLauncher`](crate::SubprocessLauncher). Must not: restart anything; when the service
//! ends, the process does.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::aside::{self, Attendant, Job, JobEnd};
use crate::error::LaunchError;
use crate::handle::{Requests, StopHandle};
use crate::later::later;
use crate::launcher::{Launcher, LauncherOptions};
use crate::life::FAILED;
use crate::line;
use crate::manager::{Alone, Manager};
use crate::reporting::Reporting;
use crate::scoreboard::Scoreboard;
use crate::service::{Hooks, Service, WorkerHandle};
use crate::state_line::StateTeller;
use crate::stop_flag::StopFlag;
use crate::sys::{Inherited, Pipe, Signal, Waker, is_daemon, poll};
use crate::watchdog::LOOKS;
use crate::worker::{Reload, Watcher, Worker, WorkerSignals};

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
    /// The way to a supervisor, until the worker has it.
    parent: Option<(Watcher, StateTeller)>,
    service: Option<Arc<dyn Service>>,
    requests: Arc<Requests>,
    /// Under a supervisor it is the one that tells the service manager.
    alone: Option<Alone>,
    reporting: Reporting,
    /// Whether to reload as soon as there is a worker.
    hung_up: bool,
    inherited: Inherited,
    /// Open for as long as this process serves.
    kept: Vec<File>,
}

impl InProcessLauncher {
    /// Takes over the signals of this process; call it before anything starts a thread.
    ///
    /// # Errors
    ///
    /// [`LaunchError::Setup`] when the kernel refuses a descriptor, or standard input leads to
    /// no supervisor, and one should be there.
    pub fn new(
        options: LauncherOptions,
        hooks: Box<dyn Hooks>,
        supervision: Supervision,
    ) -> Result<Self, LaunchError> {
        let waker = Waker::new().map_err(LaunchError::setup("a wake-up"))?;
        let requests = Requests::new(waker, supervision == Supervision::None);
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
            parent: match supervision {
                Supervision::None => None,
                Supervision::Stdin => Some(supervised()?),
            },
            service: None,
            requests,
            alone,
            reporting: Reporting::default(),
            hung_up: false,
            inherited: options.inherited,
            kept: options.kept,
        })
    }
}

impl Launcher for InProcessLauncher {
    fn launch_services(
        &mut self,
        services: &[(Arc<dyn Service>, usize)],
    ) -> Result<(), LaunchError> {
        for (service, workers) in services {
            if *workers != 1 || self.service.is_some() {
                let service = service.name().to_owned();
                return Err(LaunchError::ScoreboardFull { service, capacity: 1 });
            }
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
        let (watcher, teller) = self.parent.take().unwrap_or_else(|| {
            let teller = StateTeller::Shared(self.requests.waker.clone());
            (Watcher::Nobody(Arc::clone(&self.requests)), teller)
        });
        let mut worker = Worker {
            service: &service,
            handle: WorkerHandle {
                slot: 0,
                scoreboard: Arc::clone(&self.scoreboard),
                teller: Arc::new(teller),
                said: Arc::default(),
                stop: Arc::new(StopFlag::default()),
            },
            hooks: &mut *self.hooks,
            alone: self.alone.as_mut(),
            signals,
            watcher,
            watchdog: self.watchdog.filter(|_| self.supervision == Supervision::Stdin),
            drain_limit: self.drain_limit,
            reporting: std::mem::take(&mut self.reporting),
            inherited: std::mem::take(&mut self.inherited),
            reload: Reload::alone(self.hung_up),
        };
        worker.run()
    }

    fn pause(&mut self, time: Duration) -> Option<i32> {
        aside::pause(self, later(Instant::now(), time))
    }

    fn run_aside(
        &mut self,
        job: &Job<'_>,
        told: &mut dyn FnMut(&[u8]),
    ) -> Result<JobEnd, LaunchError> {
        aside::run(self, job, told)
    }

    fn stop_handle(&self) -> StopHandle {
        StopHandle::new(&self.requests)
    }

    fn scoreboard(&self) -> &Arc<Scoreboard> {
        &self.scoreboard
    }
}

impl Attendant for InProcessLauncher {
    fn attend(&mut self) -> Option<i32> {
        for signal in self.signals.as_ref()?.take() {
            match signal {
                Signal::SIGINT => return Some(FAILED),
                Signal::SIGTERM => return Some(0),
                Signal::SIGHUP if !is_daemon() => return Some(0),
                Signal::SIGHUP => {
                    line::child_reloading();
                    // What reads needs a thread, and there is none before the service's.
                    self.hung_up = self.hooks.read_again().is_some();
                    if !self.hung_up {
                        // Refused or not, there is no service yet that would have to know.
                        let _ = self.hooks.reload(&[]);
                    }
                }
                Signal::SIGUSR2 => self.report(),
                Signal::SIGCHLD => self.inherited.bury(line::reaped_orphan),
                _ => {}
            }
        }
        if let Some((Watcher::Parent(fd), teller)) = &self.parent {
            if !Pipe::drain(fd) {
                line::parent_died();
                return Some(FAILED);
            }
            if self.looks().is_some() {
                teller.alive();
            }
        }
        self.requests.take_stop().then_some(0)
    }

    fn rest(&mut self, job: Option<BorrowedFd<'_>>, until: Option<Instant>) {
        let Some(signals) = &self.signals else { return };
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let tell = self.alone.as_mut().and_then(|alone| alone.turn(&self.scoreboard));
        let others = [tell, self.hooks.before_wait(), self.looks()];
        let left = left.into_iter().chain(others.into_iter().flatten()).min();
        // A descriptor that is not there is replaced by one that is watched anyway.
        let parent = match &self.parent {
            Some((Watcher::Parent(fd), _)) => fd.as_fd(),
            _ => signals.as_fd(),
        };
        let job = job.unwrap_or(signals.as_fd());
        poll([signals.as_fd(), self.requests.waker.as_fd(), parent, job], left);
        self.requests.waker.clear();
    }

    /// Nobody here takes the status of a child that he does not know.
    fn set_aside(&mut self, _: Option<i32>) {}

    fn in_copy(&mut self) {
        self.parent = None;
        if let Some(alone) = &mut self.alone {
            alone.hang_up();
        }
        self.kept.clear();
    }

    fn hooks(&mut self) -> &mut dyn Hooks {
        &mut *self.hooks
    }

    fn waits_for_room(&self) -> bool {
        self.supervision == Supervision::None
    }
}

impl InProcessLauncher {
    /// How often the supervisor's watchdog wants to hear of us, if there is one.
    fn looks(&self) -> Option<Duration> {
        let watched = self.watchdog.filter(|_| self.supervision == Supervision::Stdin);
        watched.filter(|time| !time.is_zero()).map(|time| time / LOOKS)
    }

    fn report(&mut self) {
        let wanted = self.signals.as_ref().map(|signals| signals.take_along());
        let request = self.reporting.admit(wanted.unwrap_or_default().into(), String::new);
        let report = |request| self.hooks.report(request, &self.scoreboard);
        if let Some(work) = request.and_then(report) {
            self.reporting.run(work, &self.scoreboard);
        }
    }
}

/// Both directions of the line to the supervisor: its end means that the supervisor is gone,
/// what is written there is this worker's state.
fn supervised() -> Result<(Watcher, StateTeller), LaunchError> {
    let stdin = || std::io::stdin().as_fd().try_clone_to_owned();
    let both = stdin().and_then(|fd| {
        let stream = UnixStream::from(fd);
        stream.set_nonblocking(true)?;
        Ok((Watcher::Parent(stdin()?), StateTeller::Text(Mutex::new(Box::new(stream)))))
    });
    both.map_err(LaunchError::setup("the line to the supervisor on standard input"))
}
