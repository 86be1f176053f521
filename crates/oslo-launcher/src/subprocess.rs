//! The launcher of subprocesses: one per service, by its own command line.
//!
//! Same decisions ([`state`](crate::state)), other means. A thread waits for each child and one
//! listens to it; one more reads signals, once there are workers. Threads are harmless: nothing is
//! ever forked without an exec. Standard input of a child is its line to us: its end tells the
//! child that we are gone.

use std::fs::File;
use std::os::fd::BorrowedFd;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use crate::aside::{self, Attendant, Job, JobEnd};
use crate::bridge::{Bridge, guarded};
use crate::error::LaunchError;
use crate::handle::LauncherHandle;
use crate::launcher::{Launcher, LauncherOptions, later};
use crate::ledger::ServiceReport;
use crate::line::{self, Ended};
use crate::reporting::Reporting;
use crate::rereading::Rereading;
use crate::scoreboard::{Scoreboard, WorkerState};
use crate::service::{Hooks, Service};
use crate::state::{Action, Event, WorkerId};
use crate::sys::Inherited;
use crate::sys::child::{Child, Ears, Interruption, Interruptions, reap_orphan};

const SIGNALS: &str = "signal handling";
/// Exits of workers that are noted before signals are looked at again.
const EXITS_PER_TURN: usize = 8;

/// Something that a thread noticed.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A child said what state it is in. The number is its generation: an old one is ignored.
    Said(WorkerId, u64, WorkerState, String),
    /// A child's main thread runs.
    Alive(WorkerId, u64),
    /// A child has ended.
    Ended(WorkerId, u64, Ended),
    /// A signal came, or other code of this process asks for something.
    Asked,
}

/// Starts one subprocess per worker.
///
/// ```no_run
/// use std::process::Command;
/// use oslo_launcher::*;
///
/// // This program runs the one service that its argument names, under the same program as parent.
/// let program = std::env::current_exe().unwrap();
/// let command = move |service: &str| {
///     let mut command = Command::new(&program);
///     command.args(["--only", service]);
///     command
/// };
/// let options = LauncherOptions { capacity: 2, ..Default::default() };
/// let mut launcher = SubprocessLauncher::new(options, Box::new(NoHooks), Box::new(command))?;
/// # let services: Vec<std::sync::Arc<dyn Service>> = Vec::new();
/// for service in services {
///     launcher.launch_service(service, 1)?; // only its name is used here
/// }
/// let status = launcher.wait()?;
/// # Ok::<(), LaunchError>(())
/// ```
pub struct SubprocessLauncher {
    bridge: Bridge,
    command: Box<dyn FnMut(&str) -> Command>,
    workers: Vec<Entry>,
    tell: Sender<Happening>,
    happenings: Receiver<Happening>,
    /// What ended the last sleep; signals come before it.
    woken_by: Option<Happening>,
    interruptions: Interruptions,
    /// Until there is a thread that listens: no other is started before the first worker.
    ears: Option<Ears>,
    reporting: Reporting,
    rereading: Rereading,
    /// Children of whoever started this program.
    inherited: Inherited,
    /// Open for as long as this process supervises.
    kept: Vec<File>,
    /// The process of a job, whose status is not taken here.
    aside: Option<i32>,
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
    /// [`LaunchError::Setup`] when the kernel refuses a descriptor.
    pub fn new(
        mut options: LauncherOptions,
        hooks: Box<dyn Hooks>,
        command: Box<dyn FnMut(&str) -> Command>,
    ) -> Result<Self, LaunchError> {
        let (tell, happenings) = mpsc::channel();
        let ears = Ears::new().map_err(LaunchError::setup(SIGNALS))?;
        Ok(Self {
            inherited: std::mem::take(&mut options.inherited),
            kept: std::mem::take(&mut options.kept),
            aside: None,
            bridge: Bridge::new(options, hooks, ears.waker())?,
            command,
            workers: Vec::new(),
            tell,
            happenings,
            woken_by: None,
            interruptions: ears.interruptions(),
            ears: Some(ears),
            reporting: Reporting::default(),
            rereading: Rereading::default(),
        })
    }

    /// Leaves listening to a thread.
    fn listen(&mut self) -> Result<(), LaunchError> {
        let Some(ears) = self.ears.take() else { return Ok(()) };
        ears.onto_thread(self.tell.clone()).map_err(LaunchError::setup(SIGNALS))
    }

    fn step(&mut self, event: Event) {
        for action in self.bridge.supervisor.step(event, Instant::now()) {
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Fork(id) => self.spawn(id),
            Action::Terminate(id) => self.with_child(id, Child::terminate),
            Action::Kill(id) => {
                self.bridge.killed(id);
                self.with_child(id, Child::kill);
            }
            Action::Hangup(id) => self.with_child(id, Child::hangup),
            Action::Reload if self.rereading.is_busy() => {}
            Action::Reload => self.read_again(),
            Action::Log(line) => line.write(),
            Action::Notify(notice) => self.bridge.manager.notice(notice),
            Action::Exit(status) => self.bridge.end(status),
        }
    }

    /// Begins to read the configuration again. Each subprocess does so for itself when it is told.
    fn read_again(&mut self) {
        let Some(work) = self.bridge.read_again() else { return self.reload(&[]) };
        if self.ears.is_some() {
            // It needs a thread, and there is none before the first worker.
            return self.rereading.ask();
        }
        let tell = self.tell.clone();
        // Nobody listens any more only when this process ends.
        let begun = self.rereading.begin(work, move || drop(tell.send(Happening::Asked)));
        if let Err(why) = begun {
            self.not_read_again(&why);
        }
    }

    /// Looks whether there is an answer, or a HUP that waits.
    fn look_at_reading(&mut self) {
        match self.rereading.take() {
            Some(_) if self.bridge.supervisor.is_stopping() => {}
            Some(Ok(read)) => self.reload(&read),
            Some(Err(why)) => self.not_read_again(why),
            None => {}
        }
        if self.ears.is_none() && self.rereading.is_idle() && self.rereading.take_again() {
            self.perform(Action::Reload);
        }
    }

    fn reload(&mut self, read: &[u8]) {
        let (event, _) = self.bridge.reload(read);
        self.step(event);
    }

    fn not_read_again(&mut self, why: &str) {
        line::not_read_again(why);
        self.step(Event::ReloadRefused);
    }

    fn with_child(&mut self, id: WorkerId, act: fn(&mut Child) -> std::io::Result<()>) {
        if let Some(child) = &mut self.workers[id].child
            && let Err(error) = act(child)
        {
            line::not_signalled(child.pid(), &error);
        }
    }

    fn spawn(&mut self, id: WorkerId) {
        let name = self.bridge.supervisor.name(id).to_owned();
        let command = (self.command)(&name);
        line::starting_subprocess(&command);
        let entry = &mut self.workers[id];
        entry.generation += 1;
        self.bridge.manager.changed();
        self.bridge.scoreboard.new_life(id, entry.generation);
        match Child::start(command, id, entry.generation, self.tell.clone()) {
            Ok(child) => {
                let pid = child.pid();
                entry.child = Some(child);
                self.bridge.started(id, pid);
            }
            Err(source) => {
                self.bridge.refused(id, &LaunchError::Spawn { worker: name, source });
                self.step(Event::ForkFailed(id));
            }
        }
    }

    /// Begins a report, unless one is being made.
    fn report(&mut self) {
        let request = self.reporting.admit(self.interruptions.take_wanted(), String::new);
        if let Some(work) = request.and_then(|request| self.bridge.report(request)) {
            self.reporting.run(work, &self.bridge.scoreboard);
        }
    }

    fn note(&mut self, happening: Happening) {
        match happening {
            Happening::Said(id, generation, state, reason) if self.speaks(id, generation) => {
                self.bridge.scoreboard.slot(id).set_state(state, &reason);
                if let Some(event) = self.bridge.reported(id, state) {
                    self.step(event);
                }
            }
            Happening::Ended(id, generation, end) if self.speaks(id, generation) => {
                let pid = self.workers[id].child.take().map_or(0, |child| child.pid());
                self.bridge.ended(id, pid, end);
                self.step(Event::Exited(id));
            }
            Happening::Alive(id, generation) if self.speaks(id, generation) => {
                self.bridge.scoreboard.slot(id).alive();
            }
            // Of a process that is gone; and what is looked for anyway.
            Happening::Said(..)
            | Happening::Alive(..)
            | Happening::Ended(..)
            | Happening::Asked => {}
        }
    }

    /// Whether what is told of this life of a worker is told of its process of now. Two threads
    /// tell, so the last words of a process may come behind its end.
    fn speaks(&self, id: WorkerId, generation: u64) -> bool {
        let entry = &self.workers[id];
        entry.child.is_some() && entry.generation == generation
    }

    fn is_worker(&self, pid: i32) -> bool {
        self.workers.iter().filter_map(|entry| entry.child.as_ref()).any(|child| child.pid() == pid)
            || self.aside == Some(pid)
    }

    fn take_interruptions(&mut self) {
        for interruption in self.interruptions.take() {
            match interruption {
                Interruption::Event(event) => self.step(event),
                Interruption::Report => self.report(),
            }
        }
    }

    /// Handles everything that has happened, and some of what is due.
    fn attend(&mut self) {
        self.or_drain(Self::attend_to_all);
    }

    /// The last guard: whatever is wrong here, the workers finish what they have begun.
    fn or_drain(&mut self, part: impl FnOnce(&mut Self)) {
        if guarded("a turn of the supervisor", || part(self)).is_none()
            && let Some(event) = self.bridge.fault()
        {
            guarded("the stop after it", || self.step(event));
        }
    }

    fn next_happening(&mut self) -> Option<Happening> {
        self.woken_by.take().or_else(|| self.happenings.try_recv().ok())
    }

    fn attend_to_all(&mut self) {
        // Signals first, and again behind so many exits: they must not wait behind a mass death. The
        // second look is also for what came in between: whatever woke us for it has been taken out
        // of the queue by then, so nothing else would.
        self.take_interruptions();
        let mut exits = 0;
        while exits < EXITS_PER_TURN
            && let Some(happening) = self.next_happening()
        {
            // All else is cheap, and a storm of signals would bury an exit behind what it makes.
            exits += usize::from(matches!(happening, Happening::Ended(..)));
            self.note(happening);
        }
        self.take_interruptions();
        self.inherited.bury();
        let unknown_are_ours = self.inherited.may_be_anybody();
        while let Some(pid) = reap_orphan(|pid| self.is_worker(pid), unknown_are_ours) {
            line::reaped_orphan(pid);
        }
        self.look_at_reading();
        if self.bridge.requests.take_stop() {
            self.step(Event::Stop("stop()"));
        }
        while let Some((service, workers)) = self.bridge.requests.take_service() {
            self.admit(&*service, workers);
        }
        for id in self.bridge.stalled(self.workers.iter().map(|entry| entry.child.is_some())) {
            self.step(Event::Stalled(id));
        }
        self.step(Event::Tick);
    }

    /// Takes in a service for whose workers there is room.
    fn admit(&mut self, service: &dyn Service, workers: usize) {
        self.bridge.admit(service, workers);
        let entry = || Entry { child: None, generation: 0 };
        self.workers.extend(std::iter::repeat_with(entry).take(workers));
    }

    /// Attends to everything, then sleeps until something happens or `until`.
    fn turn(&mut self, until: Option<Instant>) {
        self.attend();
        self.or_drain(|launcher| launcher.tell_and_sleep(until));
    }

    fn tell_and_sleep(&mut self, until: Option<Instant>) {
        self.bridge.manager.tell(&self.bridge.scoreboard);
        if self.bridge.exit().is_some() || self.bridge.is_due() {
            return;
        }
        let left = self.bridge.time_to_sleep(until).into_iter().chain(self.rereading.left()).min();
        self.woken_by = match left {
            Some(left) => self.happenings.recv_timeout(left).ok(),
            // We hold a sender ourselves, so this ends only with a happening.
            None => self.happenings.recv().ok(),
        };
    }
}

impl Launcher for SubprocessLauncher {
    fn launch_services(
        &mut self,
        services: &[(Arc<dyn Service>, usize)],
    ) -> Result<(), LaunchError> {
        self.listen()?;
        for (service, workers) in services {
            self.bridge.requests.reserve(&**service, *workers)?;
            self.admit(&**service, *workers);
        }
        loop {
            self.attend();
            if self.bridge.exit().is_some() || !self.bridge.is_due() {
                return Ok(());
            }
        }
    }

    fn wait(&mut self) -> Result<i32, LaunchError> {
        self.listen()?;
        self.step(Event::Launched);
        loop {
            if let Some(status) = self.bridge.exit() {
                return Ok(status);
            }
            self.turn(None);
        }
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

    fn exit_report(&self) -> Vec<ServiceReport> {
        self.bridge.reports().to_vec()
    }

    fn handle(&self) -> LauncherHandle {
        LauncherHandle::new(&self.bridge.requests)
    }

    fn scoreboard(&self) -> &Arc<Scoreboard> {
        &self.bridge.scoreboard
    }
}

impl Attendant for SubprocessLauncher {
    fn attend(&mut self) -> Option<i32> {
        if let Some(ears) = &self.ears {
            ears.look();
        }
        Self::attend(self);
        self.bridge.exit()
    }

    fn rest(&mut self, job: Option<BorrowedFd<'_>>, until: Option<Instant>) {
        let Some(ears) = &self.ears else { return self.turn(until) };
        self.bridge.manager.tell(&self.bridge.scoreboard);
        if self.bridge.is_due() {
            return;
        }
        ears.wait(job, self.bridge.time_to_sleep(until));
    }

    fn set_aside(&mut self, pid: Option<i32>) {
        self.aside = pid;
    }

    fn in_copy(&mut self) {
        self.bridge.manager.hang_up();
        self.kept.clear();
    }

    fn hooks(&mut self) -> &mut dyn Hooks {
        &mut *self.bridge.hooks
    }
}
