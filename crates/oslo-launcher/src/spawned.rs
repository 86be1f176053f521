//! Workers that are subprocesses: one per service, by its own command line.
//!
//! The original's way for platforms without fork. A thread waits for each child and one listens to
//! it; one more reads signals, once there are workers. Threads are harmless: nothing is ever forked
//! without an exec. Standard input of a child is its line to us: its end tells the child that we
//! are gone. Must not: decide anything.

mod child;
mod ears;

use std::collections::VecDeque;
use std::io;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use self::child::Subprocess;
use self::ears::{Ears, Interruptions};
use crate::aside::{Job, JobEnd};
use crate::bridge::Bridge;
use crate::ended::Ended;
use crate::error::LaunchError;
use crate::handle::StopHandle;
use crate::launcher::LauncherOptions;
use crate::line;
use crate::reporting::{ReportRequest, ReportWork, Reporting};
use crate::rereading::{Outcome, ReadWork, Rereading};
use crate::scoreboard::Scoreboard;
use crate::service::{Hooks, Service};
use crate::state::WorkerId;
use crate::state_line::Heard;
use crate::supervising::{
    EXITS_PER_TURN, Happening, Means, Processes, Supervising, TOGETHER, Wait, supervises,
};
use crate::sys::{Arrived, Inherited, Signal, reap_orphan, send};

const SIGNALS: &str = "signal handling";

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
pub struct SubprocessLauncher(Supervising<Spawned>);

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
        let (tell, sightings) = mpsc::channel();
        let ears = Ears::new().map_err(LaunchError::setup(SIGNALS))?;
        let inherited = std::mem::take(&mut options.inherited);
        let bridge = Bridge::new(options, hooks, ears.waker())?;
        let spawned = Spawned {
            command,
            scoreboard: Arc::clone(&bridge.scoreboard),
            workers: Vec::new(),
            lives: 0,
            tell,
            sightings,
            interruptions: ears.interruptions(),
            ears: Some(ears),
            reporting: Reporting::default(),
            rereading: Rereading::default(),
            work_waits: None,
            inherited,
            aside: None,
        };
        Ok(Self(Supervising::new(bridge, spawned)))
    }
}

supervises!(SubprocessLauncher);

/// Something that a thread has seen.
#[derive(Debug)]
enum Sighting {
    /// A child said something. The number is that of its life: of an old one nothing is believed.
    Said(WorkerId, u64, Heard),
    /// A child has ended.
    Ended(WorkerId, u64, Ended),
    /// A signal came, or something beside the loop is done: it is looked for anyway.
    Asked,
}

/// The processes of a parent that starts programs.
struct Spawned {
    command: Box<dyn FnMut(&str) -> Command>,
    scoreboard: Arc<Scoreboard>,
    workers: Vec<Option<Subprocess>>,
    /// How many subprocesses there have been.
    lives: u64,
    tell: Sender<Sighting>,
    sightings: Receiver<Sighting>,
    interruptions: Interruptions,
    /// Until there is a thread that listens: no other is started before the first worker.
    ears: Option<Ears>,
    reporting: Reporting,
    rereading: Rereading,
    /// A reading that waits for the first worker: it needs a thread, and there is none before.
    work_waits: Option<ReadWork>,
    /// Children of whoever started this program.
    inherited: Inherited,
    /// The process of a job, whose status is not taken here.
    aside: Option<i32>,
}

impl Processes for Spawned {
    /// An exec copies no page of ours.
    const AT_ONCE: usize = 1;

    fn admit(&mut self, _: &Arc<dyn Service>, workers: usize) {
        self.workers.extend(std::iter::repeat_with(|| None).take(workers));
    }

    fn start(
        &mut self,
        bridge: &mut Bridge,
        ids: &[WorkerId],
    ) -> [Option<Result<i32, LaunchError>>; TOGETHER] {
        let mut results = [const { None }; TOGETHER];
        for (&id, result) in ids.iter().zip(&mut results) {
            *result = Some(self.spawn(id, bridge.supervisor.name(id)));
        }
        results
    }

    fn signal(&mut self, id: WorkerId, signal: Signal) -> Result<(), (i32, io::Error)> {
        let Some(child) = &self.workers[id] else { return Ok(()) };
        send(child.pid(), signal).map_err(|error| (child.pid(), error))
    }

    fn happened(&mut self, wait: Option<Wait<'_>>, news: &mut VecDeque<Happening>) {
        let first = wait.and_then(|wait| self.sleep(&wait));
        if let Some(ears) = &self.ears {
            ears.look();
        }
        self.take_in(first, news);
        self.inherited.bury(line::reaped_orphan);
        let unknown_are_ours = self.inherited.may_be_anybody();
        while let Some(pid) = reap_orphan(|pid| self.is_ours(pid), unknown_are_ours) {
            line::reaped_orphan(pid);
        }
        if self.ears.is_none() {
            let begun = self.work_waits.take().map(|work| self.begin_reading(work));
            news.extend(begun.and_then(Result::err).map(|why| Happening::Read(Err(why))));
        }
        news.extend(self.rereading.take().map(|outcome| match outcome {
            Outcome::Read(read) => Happening::Read(read.map_err(str::to_owned)),
            Outcome::GivenUp(why) => Happening::ReadingGivenUp(why),
        }));
    }

    /// A sleep ends at once while there is anything in the queue.
    fn is_behind(&self) -> bool {
        false
    }
}

impl Means for Spawned {
    /// Leaves listening to a thread.
    fn begin(&mut self) -> Result<(), LaunchError> {
        let Some(ears) = self.ears.take() else { return Ok(()) };
        let tell = self.tell.clone();
        let wake = move || tell.send(Sighting::Asked).is_ok();
        ears.onto_thread(wake).map_err(LaunchError::setup(SIGNALS))
    }

    fn signals(&mut self) -> Arrived {
        self.interruptions.take()
    }

    fn admit_report(&mut self) -> Option<ReportRequest> {
        self.reporting.admit(self.interruptions.take_wanted(), String::new)
    }

    fn report(&mut self, _: &mut Bridge, work: ReportWork) {
        self.reporting.run(work, &self.scoreboard);
    }

    fn may_read(&self) -> bool {
        self.rereading.is_idle()
    }

    /// Each subprocess reads for itself when it is told.
    fn read(&mut self, _: &mut Bridge, work: ReadWork) -> Result<(), String> {
        if self.ears.is_some() {
            self.work_waits = Some(work); // of several the last, which reads what there is by then
            return Ok(());
        }
        self.begin_reading(work)
    }

    fn set_aside(&mut self, pid: Option<i32>) {
        self.aside = pid;
    }

    fn in_copy(&mut self) {}
}

impl Spawned {
    fn begin_reading(&mut self, work: ReadWork) -> Result<(), String> {
        let tell = self.tell.clone();
        // Nobody listens any more only when this process ends.
        self.rereading.begin(work, move || drop(tell.send(Sighting::Asked)))
    }

    fn spawn(&mut self, id: WorkerId, name: &str) -> Result<i32, LaunchError> {
        let command = (self.command)(name);
        line::starting_subprocess(&command);
        self.lives += 1;
        let child = Subprocess::start(command, id, self.lives, &self.tell);
        let child =
            child.map_err(|source| LaunchError::Spawn { worker: name.to_owned(), source })?;
        let pid = child.pid();
        self.workers[id] = Some(child);
        Ok(pid)
    }

    /// Sleeps until something happens; what it was, if the queue told.
    fn sleep(&self, wait: &Wait<'_>) -> Option<Sighting> {
        let left = wait.left.into_iter().chain(self.rereading.left()).min();
        if let Some(ears) = &self.ears {
            ears.wait(wait.job, left);
            return None;
        }
        match left {
            Some(left) => self.sightings.recv_timeout(left).ok(),
            // We hold a sender ourselves, so this ends only with something.
            None => self.sightings.recv().ok(),
        }
    }

    /// Takes out of the queue what concerns processes of now.
    fn take_in(&mut self, first: Option<Sighting>, news: &mut VecDeque<Happening>) {
        let mut first = first;
        let mut exits = 0;
        while exits < EXITS_PER_TURN
            && let Some(sighting) = first.take().or_else(|| self.sightings.try_recv().ok())
        {
            // All else is cheap, and a storm of signals would bury an end behind what it makes.
            exits += usize::from(matches!(sighting, Sighting::Ended(..)));
            news.extend(self.understand(sighting));
        }
    }

    fn understand(&mut self, sighting: Sighting) -> Option<Happening> {
        match sighting {
            Sighting::Said(id, life, Heard::State(state, reason)) if self.speaks(id, life) => {
                self.scoreboard.slot(id).set_state(state, &reason);
                Some(Happening::Told(id, state))
            }
            Sighting::Said(id, life, Heard::Alive) if self.speaks(id, life) => {
                self.scoreboard.slot(id).alive();
                None
            }
            Sighting::Ended(id, life, end) if self.speaks(id, life) => {
                let pid = self.workers[id].take().map_or(0, |child| child.pid());
                Some(Happening::Ended(id, pid, end))
            }
            // Of a process that is gone; and what is looked for anyway.
            Sighting::Said(..) | Sighting::Ended(..) | Sighting::Asked => None,
        }
    }

    /// Whether what is told of this life of a worker is told of its process of now. Two threads
    /// tell, so the last words of a process may come behind its end.
    fn speaks(&self, id: WorkerId, life: u64) -> bool {
        self.workers[id].as_ref().is_some_and(|child| child.life() == life)
    }

    fn is_ours(&self, pid: i32) -> bool {
        self.aside == Some(pid) || self.workers.iter().flatten().any(|child| child.pid() == pid)
    }
}
