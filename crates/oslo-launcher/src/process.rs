//! The launcher of Unix: forks workers and supervises them from one thread.
//!
//! Order of life: [`ProcessLauncher::new`] blocks the signals, `launch_service` forks,
//! [`wait`](Launcher::wait) sleeps in one `ppoll` until a signal, a worker's report or a deadline.
//! Decisions are made in [`state`](crate::state); here they are performed. Must not: poll, start
//! a thread, or hold a descriptor that a worker should not inherit without closing it there.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::bridge::Bridge;
use crate::error::LaunchError;
use crate::handle::StopFlag;
use crate::launcher::{Launcher, LauncherOptions, StopHandle};
use crate::line::{self, Ended};
use crate::notify::Notifier;
use crate::report::Reporter;
use crate::scoreboard::{Scoreboard, WorkerState};
use crate::service::{Hooks, Service, WorkerHandle};
use crate::state::{Action, Event, WorkerId};
use crate::sys::{
    ParentWatch, Pipe, Reaped, Signal, Signals, fork_worker, is_daemon, poll, reap_known,
    reap_next, send,
};
use crate::worker::{Watcher, Worker};

/// Forks one process per worker.
pub struct ProcessLauncher {
    bridge: Bridge,
    worker_watchdog: Option<Duration>,
    drain_limit: Option<Duration>,
    /// `None` in a child, which reads signals of its own.
    signals: Option<Signals>,
    /// The parent holds the write end and never writes; its end tells workers that it is gone.
    alive: Pipe,
    /// Workers write when their state has changed.
    reports: Pipe,
    workers: Vec<Child>,
    pids: HashMap<i32, WorkerId>,
    stop_asked: Arc<AtomicBool>,
}

/// The parent's own memory of one worker.
struct Child {
    service: Arc<dyn Service>,
    pid: Option<i32>,
    generation: u64,
    seen: WorkerState,
}

impl ProcessLauncher {
    /// Takes over the signals of this process; call it before anything starts a thread.
    ///
    /// # Errors
    ///
    /// [`LaunchError::Setup`] when the kernel refuses a descriptor or the shared pages.
    pub fn new(options: LauncherOptions, hooks: Box<dyn Hooks>) -> Result<Self, LaunchError> {
        Ok(Self {
            worker_watchdog: options.worker_watchdog,
            drain_limit: options.limits.graceful_shutdown,
            bridge: Bridge::new(options, hooks)?,
            signals: Some(
                Signals::for_supervisor().map_err(LaunchError::setup("signal handling"))?,
            ),
            alive: Pipe::new().map_err(LaunchError::setup("the parent's pipe"))?,
            reports: Pipe::new().map_err(LaunchError::setup("the readiness pipe"))?,
            workers: Vec::new(),
            pids: HashMap::new(),
            stop_asked: Arc::default(),
        })
    }

    /// Something that can ask this launcher to stop while it is in [`wait`](Launcher::wait).
    ///
    /// # Errors
    ///
    /// [`LaunchError::Setup`] when no descriptor is left.
    pub fn stop_handle(&self) -> Result<StopHandle, LaunchError> {
        let wake = self.reports.write.as_ref().expect("only a child gives up this end");
        let wake = wake.try_clone().map_err(LaunchError::setup("a handle to stop"))?;
        Ok(StopHandle { wake: Arc::new(wake), asked: Arc::clone(&self.stop_asked) })
    }

    fn step(&mut self, event: Event) {
        for action in self.bridge.supervisor.step(event, Instant::now()) {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Fork(id) => self.fork(id),
            Action::Terminate(id) => self.signal(id, Signal::SIGTERM),
            Action::Kill(id) => self.signal(id, Signal::SIGKILL),
            Action::Hangup(id) => self.signal(id, Signal::SIGHUP),
            Action::Reload => {
                let event = self.bridge.reload();
                if event == Event::Reloaded {
                    self.reset_services();
                }
                self.step(event);
            }
            Action::Log(line) => line.write(),
            Action::Notify(notice) => self.bridge.notifier.notice(notice),
            Action::Exit(status) => self.bridge.exit = Some(status),
        }
    }

    /// The parent's copies of the services forget what they cached, too: the next worker that is
    /// forked starts from them.
    fn reset_services(&self) {
        let mut last: Option<&Arc<dyn Service>> = None;
        for child in &self.workers {
            if !last.is_some_and(|service| Arc::ptr_eq(service, &child.service)) {
                child.service.reset();
            }
            last = Some(&child.service);
        }
    }

    fn fork(&mut self, id: WorkerId) {
        let child = &mut self.workers[id];
        child.generation += 1;
        child.seen = WorkerState::Starting;
        self.bridge.scoreboard.slot(id).reset(child.generation);
        let name = child.service.name().to_owned();
        match fork_worker(&name, |watch| self.in_child(&watch, id)) {
            Ok(pid) => {
                self.bridge.scoreboard.slot(id).set_pid(pid);
                self.workers[id].pid = Some(pid);
                self.pids.insert(pid, id);
                line::started_child(pid);
            }
            Err(error) => {
                line::not_started(&name, &error);
                self.bridge
                    .scoreboard
                    .slot(id)
                    .set_state(WorkerState::Gone, "no process could be made");
                self.step(Event::ForkFailed(id));
            }
        }
    }

    /// All that the child does; the return value is its exit status.
    fn in_child(&mut self, watch: &ParentWatch, id: WorkerId) -> i32 {
        // The parent's ends go first: while a sibling held the write end of `alive`, no worker
        // would ever see its end.
        drop(self.alive.write.take());
        drop(self.reports.read.take());
        drop(self.signals.take());
        self.bridge.notifier = Notifier::default();
        let (Some(alive), Some(reports)) = (self.alive.read.take(), self.reports.write.take())
        else {
            return 1; // cannot happen: only a child takes these ends, and it never comes back
        };
        let Ok(signals) = Signals::for_worker() else { return 1 };
        if !watch.arm() {
            line::parent_died();
            return 1;
        }
        let worker = Worker {
            service: Arc::clone(&self.workers[id].service),
            handle: WorkerHandle {
                slot: id,
                scoreboard: Arc::clone(&self.bridge.scoreboard),
                reporter: Arc::new(Reporter::Pipe(reports)),
                stop: Arc::new(StopFlag::default()),
            },
            hooks: &mut *self.bridge.hooks,
            signals,
            watcher: Watcher::Parent(alive),
            watchdog: self.worker_watchdog,
            drain_limit: self.drain_limit,
        };
        worker.run().unwrap_or_else(|error| {
            line::start_failed(&error);
            1
        })
    }

    fn signal(&self, id: WorkerId, signal: Signal) {
        if let Some(pid) = self.workers[id].pid
            && let Err(error) = send(pid, signal)
        {
            line::not_signalled(pid, &error);
        }
    }

    fn take_signals(&mut self) {
        while let Some(signal) = self.signals.as_ref().and_then(Signals::next) {
            match signal {
                Signal::SIGTERM => self.step(Event::Stop("SIGTERM")),
                Signal::SIGHUP if is_daemon() => self.step(Event::Hangup),
                Signal::SIGHUP => self.step(Event::Stop("SIGHUP")),
                Signal::SIGINT => self.step(Event::Interrupt),
                Signal::SIGALRM => self.step(Event::Alarm),
                Signal::SIGUSR1 => self.step(Event::Roll),
                Signal::SIGUSR2 => self.bridge.hooks.report(&self.bridge.scoreboard),
                _ => {} // SIGCHLD: whoever woke us, the dead are looked for below
            }
        }
    }

    /// Looks at every slot whose worker may have reported. The pipe says only that one did.
    fn take_reports(&mut self) {
        for id in 0..self.workers.len() {
            let state = self.bridge.scoreboard.slot(id).state();
            if std::mem::replace(&mut self.workers[id].seen, state) == state {
                continue;
            }
            match state {
                WorkerState::Up => self.step(Event::Ready(id)),
                WorkerState::Down => self.step(Event::Down(id)),
                _ => {}
            }
        }
    }

    fn reap(&mut self) {
        loop {
            match reap_next(|pid| self.pids.contains_key(&pid)) {
                Reaped::Worker(pid, end) => self.ended(pid, end),
                Reaped::Orphan(pid) => line::reaped_orphan(pid),
                Reaped::Nobody => return,
                Reaped::Foreign => break,
            }
        }
        let pids: Vec<i32> = self.pids.keys().copied().collect();
        for pid in pids {
            if let Some(end) = reap_known(pid) {
                self.ended(pid, end);
            }
        }
    }

    fn ended(&mut self, pid: i32, end: Ended) {
        let Some(id) = self.pids.remove(&pid) else { return };
        end.write(pid);
        self.workers[id].pid = None;
        self.workers[id].seen = WorkerState::Gone;
        let slot = self.bridge.scoreboard.slot(id);
        slot.set_state(WorkerState::Gone, &end.to_string());
        slot.set_pid(0);
        self.step(Event::Exited(id));
    }

    /// Handles everything that has happened, then sleeps until something does or `until`.
    fn turn(&mut self, until: Option<Instant>) -> Result<(), LaunchError> {
        self.take_signals();
        self.take_reports();
        self.reap();
        if self.stop_asked.swap(false, Ordering::AcqRel) {
            self.step(Event::Stop("stop()"));
        }
        for id in self.bridge.stalled(self.workers.iter().map(|child| child.pid.is_some())) {
            self.step(Event::Stalled(id));
        }
        self.step(Event::Tick);
        self.bridge.tell();
        if self.bridge.exit.is_some() {
            return Ok(());
        }
        let left = self.bridge.time_to_sleep(until);
        let reports = self.reports.read.as_ref().expect("only a child gives up this end");
        let signals = self.signals.as_ref().expect("only a child gives up its parent's signals");
        let woken = poll([signals.as_fd(), reports.as_fd()], left);
        let [_, reported] = woken.map_err(LaunchError::setup("a wait of the supervisor"))?;
        if reported {
            Pipe::drain(reports);
        }
        Ok(())
    }
}

impl Launcher for ProcessLauncher {
    fn launch_service(
        &mut self,
        service: Arc<dyn Service>,
        workers: usize,
    ) -> Result<(), LaunchError> {
        self.take_signals();
        self.bridge.admit(&*service, self.workers.len(), workers)?;
        for _ in 0..workers {
            self.workers.push(Child {
                service: Arc::clone(&service),
                pid: None,
                generation: 0,
                seen: WorkerState::Gone,
            });
        }
        self.step(Event::Tick);
        Ok(())
    }

    fn wait(&mut self) -> Result<i32, LaunchError> {
        loop {
            if let Some(status) = self.bridge.exit {
                return Ok(status);
            }
            self.turn(None)?;
        }
    }

    fn pause(&mut self, time: Duration) -> Option<i32> {
        let until = Instant::now() + time;
        while self.bridge.exit.is_none() && Instant::now() < until {
            if self.turn(Some(until)).is_err() {
                break;
            }
        }
        self.bridge.exit
    }

    fn scoreboard(&self) -> &Arc<Scoreboard> {
        &self.bridge.scoreboard
    }
}
