//! The launcher for platforms without fork: one subprocess per service, by its own command line.
//!
//! Same decisions ([`state`](crate::state)), other means. A thread waits for each child and one
//! listens to it, so everything here is portable; where there are signals, one more thread reads
//! them. Threads are harmless: nothing is ever forked without an exec. Standard input of a child
//! is its line to us: its end tells the child that we are gone.

use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use crate::error::LaunchError;
use crate::launcher::{Launcher, LauncherOptions, sentence};
use crate::line::{self, Ended};
use crate::notify::Notifier;
use crate::scoreboard::{Scoreboard, WorkerState};
use crate::service::{Hooks, Service};
use crate::state::{Action, Event, Supervisor, WorkerId};
use crate::sys::child::{Child, Interruption, listen_for_signals};
use crate::watchdog::Watchdog;

/// Something that a thread noticed.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A child said what state it is in. The number is its generation: an old one is ignored.
    Said(WorkerId, u64, WorkerState, String),
    /// A child's main thread runs.
    Alive(WorkerId, u64),
    /// A child has ended.
    Ended(WorkerId, u64, Ended),
    /// A signal came.
    Interrupted(Interruption),
}

/// Starts one subprocess per worker.
pub struct SubprocessLauncher {
    supervisor: Supervisor,
    scoreboard: Arc<Scoreboard>,
    hooks: Box<dyn Hooks>,
    notifier: Notifier,
    noun: &'static str,
    watchdog: Watchdog,
    command: Box<dyn FnMut(&str) -> Command>,
    workers: Vec<Entry>,
    tell: Sender<Happening>,
    happenings: Receiver<Happening>,
    exit: Option<i32>,
}

struct Entry {
    child: Option<Child>,
    generation: u64,
}

impl SubprocessLauncher {
    /// `command` makes the command line for the service of a given name. The program it starts
    /// must run that service by an [`InProcessLauncher`](crate::InProcessLauncher) with
    /// [`Supervision::Stdin`](crate::Supervision::Stdin).
    ///
    /// # Errors
    ///
    /// [`LaunchError::Setup`] when the kernel refuses a descriptor or a thread.
    pub fn new(
        options: LauncherOptions,
        hooks: Box<dyn Hooks>,
        command: Box<dyn FnMut(&str) -> Command>,
    ) -> Result<Self, LaunchError> {
        let (tell, happenings) = mpsc::channel();
        listen_for_signals(tell.clone()).map_err(LaunchError::setup("signal handling"))?;
        Ok(Self {
            supervisor: Supervisor::new(options.limits),
            scoreboard: Arc::new(Scoreboard::new(options.capacity)?),
            hooks,
            notifier: options.notifier,
            noun: options.noun,
            watchdog: Watchdog::new(options.worker_watchdog),
            command,
            workers: Vec::new(),
            tell,
            happenings,
            exit: None,
        })
    }

    fn step(&mut self, event: Event) {
        for action in self.supervisor.step(event, Instant::now()) {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Fork(id) => self.spawn(id),
            Action::Terminate(id) => self.with_child(id, Child::terminate),
            Action::Kill(id) => self.with_child(id, Child::kill),
            Action::Hangup(id) => self.with_child(id, Child::hangup),
            Action::Reload => {
                line::reloading();
                let reloaded = self.hooks.reload().is_ok();
                self.step(if reloaded { Event::Reloaded } else { Event::ReloadRefused });
            }
            Action::Log(line) => line.write(),
            Action::Notify(notice) => self.notifier.notice(notice),
            Action::Exit(status) => self.exit = Some(status),
        }
    }

    fn with_child(&mut self, id: WorkerId, act: fn(&mut Child) -> std::io::Result<()>) {
        if let Some(child) = &mut self.workers[id].child
            && let Err(error) = act(child)
        {
            line::not_signalled(child.pid(), &error);
        }
    }

    fn spawn(&mut self, id: WorkerId) {
        let name = self.supervisor.name(id).to_owned();
        let command = (self.command)(&name);
        line::starting_subprocess(&command);
        let entry = &mut self.workers[id];
        entry.generation += 1;
        let slot = self.scoreboard.slot(id);
        slot.reset(entry.generation);
        match Child::start(command, id, entry.generation, self.tell.clone()) {
            Ok(child) => {
                slot.set_pid(child.pid());
                line::started_child(child.pid());
                entry.child = Some(child);
            }
            Err(source) => {
                line::not_started(&name, &LaunchError::Spawn { worker: name.clone(), source });
                slot.set_state(WorkerState::Gone, "no process could be made");
                self.step(Event::ForkFailed(id));
            }
        }
    }

    fn handle(&mut self, happening: Happening) {
        match happening {
            Happening::Said(id, generation, state, reason)
                if self.workers[id].generation == generation =>
            {
                self.scoreboard.slot(id).set_state(state, &reason);
                match state {
                    WorkerState::Up => self.step(Event::Ready(id)),
                    WorkerState::Down => self.step(Event::Down(id)),
                    _ => {}
                }
            }
            Happening::Ended(id, generation, end) if self.workers[id].generation == generation => {
                if let Some(child) = self.workers[id].child.take() {
                    end.write(child.pid());
                }
                self.scoreboard.slot(id).set_state(WorkerState::Gone, &end.to_string());
                self.scoreboard.slot(id).set_pid(0);
                self.step(Event::Exited(id));
            }
            Happening::Alive(id, generation) if self.workers[id].generation == generation => {
                self.scoreboard.slot(id).alive();
            }
            Happening::Said(..) | Happening::Alive(..) | Happening::Ended(..) => {} // of a process already replaced
            Happening::Interrupted(Interruption::Report) => self.hooks.report(&self.scoreboard),
            Happening::Interrupted(Interruption::Event(event)) => self.step(event),
        }
    }

    /// Handles everything that has happened, then sleeps until something does or `until`.
    fn turn(&mut self, until: Option<Instant>) {
        while let Ok(happening) = self.happenings.try_recv() {
            self.handle(happening);
        }
        let alive = self.workers.iter().map(|entry| entry.child.is_some());
        for id in self.watchdog.look(&self.scoreboard, alive) {
            self.step(Event::Stalled(id));
        }
        self.step(Event::Tick);
        self.notifier.ping(Instant::now());
        if self.notifier.listens() {
            self.notifier.status(sentence(&self.scoreboard.snapshot(), self.noun));
        }
        if self.exit.is_some() {
            return;
        }
        let deadlines = [
            until,
            self.supervisor.next_deadline(),
            self.notifier.next_ping(),
            self.watchdog.next_look(),
        ];
        let happening = match deadlines.into_iter().flatten().min() {
            Some(at) => {
                let left = at.saturating_duration_since(Instant::now());
                self.happenings.recv_timeout(left).ok()
            }
            // We hold a sender ourselves, so this ends only with a happening.
            None => self.happenings.recv().ok(),
        };
        if let Some(happening) = happening {
            self.handle(happening);
        }
    }
}

impl Launcher for SubprocessLauncher {
    fn launch_service(
        &mut self,
        service: Arc<dyn Service>,
        workers: usize,
    ) -> Result<(), LaunchError> {
        let capacity = self.scoreboard.capacity();
        if self.workers.len() + workers > capacity {
            let service = service.name().to_owned();
            return Err(LaunchError::ScoreboardFull { service, capacity });
        }
        line::starting_workers(workers);
        while let Ok(happening) = self.happenings.try_recv() {
            self.handle(happening);
        }
        self.supervisor.add_service(service.name(), workers, Instant::now());
        for _ in 0..workers {
            self.scoreboard.name_slot(service.name());
            self.workers.push(Entry { child: None, generation: 0 });
        }
        self.step(Event::Tick);
        Ok(())
    }

    fn wait(&mut self) -> Result<i32, LaunchError> {
        loop {
            if let Some(status) = self.exit {
                return Ok(status);
            }
            self.turn(None);
        }
    }

    fn pause(&mut self, time: Duration) -> Option<i32> {
        let until = Instant::now() + time;
        while self.exit.is_none() && Instant::now() < until {
            self.turn(Some(until));
        }
        self.exit
    }

    fn scoreboard(&self) -> &Arc<Scoreboard> {
        &self.scoreboard
    }
}
