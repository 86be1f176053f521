//! The launcher that forks workers and supervises them from one thread.
//!
//! Order of life: [`ProcessLauncher::new`] blocks the signals, `launch_service` forks,
//! [`wait`](Launcher::wait) sleeps in one `ppoll` until a signal, a worker's report or a deadline.
//! It is over 500 lines because one loop owns all of its state; what runs beside it is in `process/`.
//!
//! Decisions are made in [`state`](crate::state); here they are performed. Must not: poll, start
//! a thread, or hold a descriptor that a worker should not inherit without closing it there.

mod aside;
mod reader;

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::reader::Reader;
use crate::aside::{self as jobs, Job, JobEnd};
use crate::bridge::{Bridge, guarded};
use crate::error::LaunchError;
use crate::handle::LauncherHandle;
use crate::launcher::{Launcher, LauncherOptions, later};
use crate::ledger::ServiceReport;
use crate::line::{self, Ended};
use crate::report::Reporter;
use crate::reporting::{ReportWork, Reporting, Wanted};
use crate::rereading::Bulletin;
use crate::scoreboard::{Scoreboard, WorkerState};
use crate::service::{Hooks, Service, WorkerHandle};
use crate::state::{Action, Event, WorkerId};
use crate::stop_flag::StopFlag;
use crate::sys::{
    Inherited, ParentWatch, Pipe, Reaped, Signal, Signals, Waker, Whose, fork_worker, is_daemon,
    poll, reap_known, reap_next, rename_process, send,
};
use crate::worker::{Reload, Watcher, Worker};

/// Forks one process per worker; the crate's head shows how it is used.
///
/// It owns the signals TERM, INT, HUP, USR1, USR2, ALRM and CHLD of its process: they are blocked
/// from [`new`](Self::new) on. The process must have one thread whenever a worker is forked, that
/// is for as long as the launcher exists.
pub struct ProcessLauncher {
    bridge: Bridge,
    worker_watchdog: Option<Duration>,
    drain_limit: Option<Duration>,
    /// `None` in a child, which reads signals of its own.
    signals: Option<Signals>,
    /// The parent holds the write end and never writes; its end tells workers that it is gone.
    alive: Pipe,
    /// Workers wake the parent when their state has changed.
    reports: Waker,
    workers: Vec<Child>,
    /// The line of the next child to us, ready to be taken: a child that made its own would write
    /// to three pages, each of which it would have to copy first.
    mould: Option<WorkerHandle>,
    /// Spare list for the decisions of one step.
    actions: Vec<Action>,
    /// Workers that this step starts.
    forks: Vec<WorkerId>,
    /// Whether a worker may have ended since the last look.
    look_for_dead: bool,
    /// The process that makes a report, while there is one.
    reporter: Option<i32>,
    /// What has been asked for meanwhile.
    wanted: Wanted,
    /// Children of whoever started this program.
    inherited: Inherited,
    /// Open for as long as this process supervises.
    kept: Vec<File>,
    /// The process of a job, whose status is not taken here.
    aside: Option<i32>,
    /// The process that reads the configuration again, while there is one.
    reader: Option<Reader>,
    /// Whether a HUP came while it read.
    hangup_waits: bool,
    /// Where workers look after a HUP.
    bulletin: Bulletin,
}

/// The parent's own memory of one worker.
#[derive(Clone)]
struct Child {
    service: Arc<dyn Service>,
    pid: Option<i32>,
    generation: u64,
    seen: WorkerState,
}

/// How many workers are forked before the first of them is noted. A status cannot be missed
/// meanwhile: it is taken later, whoever ends when.
const FORKED_TOGETHER: usize = 8;
/// Exits that are noted before signals are looked at again. A thousand workers that die at once
/// would delay a TERM by seconds otherwise, and all be started again first.
const EXITS_PER_TURN: usize = 8;

impl ProcessLauncher {
    /// Takes over the signals of this process; call it before anything starts a thread.
    ///
    /// # Errors
    ///
    /// [`LaunchError::Setup`] when the kernel refuses a descriptor or the shared pages.
    pub fn new(mut options: LauncherOptions, hooks: Box<dyn Hooks>) -> Result<Self, LaunchError> {
        let inherited = std::mem::take(&mut options.inherited);
        let kept = std::mem::take(&mut options.kept);
        let reports = Waker::new().map_err(LaunchError::setup("the wake-up of the parent"))?;
        let (worker_watchdog, drain_limit) =
            (options.worker_watchdog, options.limits.graceful_shutdown);
        let bridge = Bridge::new(options, hooks, reports.clone())?;
        let mould = WorkerHandle {
            slot: 0,
            scoreboard: Arc::clone(&bridge.scoreboard),
            reporter: Arc::new(Reporter::Shared(reports.clone())),
            said: Arc::default(),
            stop: Arc::new(StopFlag::default()),
        };
        Ok(Self {
            worker_watchdog,
            drain_limit,
            bridge,
            signals: Some(
                Signals::for_supervisor().map_err(LaunchError::setup("signal handling"))?,
            ),
            alive: Pipe::new().map_err(LaunchError::setup("the parent's pipe"))?,
            workers: Vec::new(),
            mould: Some(mould),
            reports,
            actions: Vec::new(),
            forks: Vec::new(),
            look_for_dead: !inherited.is_empty(),
            reporter: None,
            wanted: Wanted::default(),
            inherited,
            kept,
            aside: None,
            reader: None,
            hangup_waits: false,
            bulletin: Bulletin::new().map_err(LaunchError::setup("the shared pages"))?,
        })
    }

    fn step(&mut self, event: Event) {
        let mut actions = std::mem::take(&mut self.actions);
        self.bridge.supervisor.step_into(event, Instant::now(), &mut actions);
        for action in actions.drain(..) {
            if !matches!(action, Action::Fork(_)) {
                self.fork_all(); // what was decided before this comes before it
            }
            self.perform(action);
        }
        self.actions = actions;
        self.fork_all();
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Fork(id) => self.forks.push(id),
            Action::Terminate(id) => self.signal(id, Signal::SIGTERM),
            Action::Kill(id) => {
                self.bridge.killed(id);
                self.signal(id, Signal::SIGKILL);
            }
            Action::Hangup(id) => self.signal(id, Signal::SIGHUP),
            Action::Reload => self.read_again(),
            Action::Log(line) => line.write(),
            Action::Notify(notice) => self.bridge.manager.notice(notice),
            Action::Exit(status) => self.bridge.end(status),
        }
    }

    /// The parent's copies of the services forget what they cached, too: the next worker that is
    /// forked starts from them.
    fn reset_services(&self) {
        let mut last: Option<&Arc<dyn Service>> = None;
        for child in &self.workers {
            if !last.is_some_and(|service| Arc::ptr_eq(service, &child.service)) {
                guarded("a reset", || child.service.reset());
            }
            last = Some(&child.service);
        }
    }

    /// Starts the workers that were decided on.
    ///
    /// After each fork the kernel makes this process copy every page that it writes to, so what is
    /// noted of the new processes is noted when the last of them has been forked.
    fn fork_all(&mut self) {
        if self.forks.is_empty() {
            return;
        }
        let mut forks = std::mem::take(&mut self.forks);
        for &id in &forks {
            let child = &mut self.workers[id];
            child.generation += 1;
            child.seen = WorkerState::Starting;
            self.bridge.scoreboard.new_life(id, child.generation);
        }
        self.bridge.manager.changed();
        sort_free_memory();
        for ids in forks.chunks(FORKED_TOGETHER) {
            let mut results = [const { None }; FORKED_TOGETHER];
            for (&id, result) in ids.iter().zip(&mut results) {
                *result = Some(fork_worker(|watch| self.in_child(&watch, id)));
            }
            for (&id, result) in ids.iter().zip(results) {
                match result.expect("one for each id") {
                    Ok(pid) => {
                        self.workers[id].pid = Some(pid);
                        self.bridge.started(id, pid);
                    }
                    Err(refusal) => {
                        let error = refusal.of(self.workers[id].service.name());
                        self.bridge.refused(id, &error);
                        self.step(Event::ForkFailed(id));
                    }
                }
            }
        }
        forks.clear();
        self.forks = forks; // the next step need not allocate
    }

    /// All that the child does; the return value is its exit status.
    #[inline(never)] // the parent, which also stands in the caller, needs none of this frame
    fn in_child(&mut self, watch: &ParentWatch, id: WorkerId) -> i32 {
        // The parent's end goes first: while a sibling held the write end of `alive`, no worker
        // would ever see its end.
        self.give_up();
        let (Some(alive), Some(signals), Some(handle)) =
            (self.alive.read.take(), self.signals.take(), self.mould.take())
        else {
            return 1; // cannot happen: only a child takes these, and it never comes back
        };
        let Ok(signals) = signals.into_workers() else { return 1 };
        if !watch.arm(Signal::SIGTERM) {
            line::parent_died();
            return 1;
        }
        let mut worker = Worker {
            service: &self.workers[id].service,
            handle: WorkerHandle { slot: id, ..handle },
            hooks: &mut *self.bridge.hooks,
            alone: None,
            signals,
            watcher: Watcher::Parent(alive),
            watchdog: self.worker_watchdog,
            drain_limit: self.drain_limit,
            reporting: Reporting::default(),
            inherited: Inherited::default(),
            reload: Reload::Follow(&self.bulletin),
        };
        let status = worker.run().unwrap_or_else(|error| {
            line::start_failed(&error);
            1
        });
        self.bridge.hooks.before_exit();
        status
    }

    /// Gives up, in a child, what is the parent's alone.
    fn give_up(&mut self) {
        drop(self.alive.write.take());
        self.bridge.manager.hang_up();
        drop(self.reader.take());
        self.kept.clear(); // closes the files and leaves the allocator's page alone
    }

    fn signal(&self, id: WorkerId, signal: Signal) {
        if let Some(pid) = self.workers[id].pid
            && let Err(error) = send(pid, signal)
        {
            line::not_signalled(pid, &error);
        }
    }

    fn take_signals(&mut self) {
        for signal in self.signals.as_ref().map(Signals::take).unwrap_or_default() {
            match signal {
                Signal::SIGTERM => self.step(Event::Stop("SIGTERM")),
                Signal::SIGHUP if is_daemon() => self.hang_up(),
                Signal::SIGHUP => self.step(Event::Stop("SIGHUP")),
                Signal::SIGINT => self.step(Event::Interrupt),
                Signal::SIGALRM => self.step(Event::Alarm),
                Signal::SIGUSR1 => self.step(Event::Roll),
                Signal::SIGUSR2 => self.report(),
                Signal::SIGCHLD => self.look_for_dead = true,
                _ => {}
            }
        }
    }

    /// Begins a report, unless one is being made.
    fn report(&mut self) {
        let wanted = self.signals.as_ref().map(Signals::take_wanted);
        self.wanted.add(wanted.unwrap_or_default());
        if self.reporter.is_some() {
            return;
        }
        let request = self.wanted.take(String::new);
        let Some(work) = request.and_then(|request| self.bridge.report(request)) else { return };
        let mut work = Some(work);
        match fork_worker(|_| self.in_reporter(work.take())) {
            Ok(pid) => self.reporter = Some(pid),
            // At a limit on processes somebody has all the more reason to ask what is going on.
            Err(_) => perform(work, &self.bridge.scoreboard),
        }
    }

    /// All that a reporter does: the parent's copy, so that supervision goes on meanwhile and the
    /// memory goes back for certain.
    fn in_reporter(&mut self, work: Option<ReportWork>) -> i32 {
        rename_process(c"report");
        self.give_up();
        perform(work, &self.bridge.scoreboard);
        self.bridge.hooks.before_exit();
        0
    }

    /// Looks at the slots whose workers have reported. The pipe says only that one did.
    fn take_reports(&mut self) {
        let mut from = 0;
        while let Some(id) = self.bridge.scoreboard.take_mark(from) {
            from = id + 1;
            // Any worker can set the bit of one that does not run, or that there is not, and write
            // nonsense.
            let Some(child) = self.workers.get_mut(id).filter(|child| child.pid.is_some()) else {
                continue;
            };
            let Some(state) = self.bridge.scoreboard.slot(id).said() else { continue };
            let same = std::mem::replace(&mut child.seen, state) == state;
            let event = self.bridge.reported(id, state);
            if same {
                continue;
            }
            if let Some(event) = event {
                self.step(event);
            }
        }
    }

    /// Takes the statuses of workers that have ended, of so many that a signal does not wait long
    /// behind a mass death; whoever is left is looked for in the next turn.
    ///
    /// The kernel looks through all children for each answer, so this is not done for a report,
    /// and looking through all workers for each pid makes it no worse.
    fn reap(&mut self) {
        self.inherited.bury();
        let unknown_are_ours = self.inherited.may_be_anybody();
        let mut room = EXITS_PER_TURN;
        loop {
            if room == 0 {
                self.look_for_dead = true;
                return;
            }
            match reap_next(|pid| self.whose(pid), unknown_are_ours) {
                Reaped::Worker(pid, end) => self.ended(pid, end),
                Reaped::Orphan(pid) => line::reaped_orphan(pid),
                Reaped::Nobody => return,
                Reaped::Foreign => break,
            }
            room -= 1;
        }
        if let Some((pid, end)) = self.reporter.and_then(|pid| Some((pid, reap_known(pid)?))) {
            self.ended(pid, end);
        }
        if let Some((pid, end)) = self.reader_pid().and_then(|pid| Some((pid, reap_known(pid)?))) {
            self.ended(pid, end);
        }
        for id in 0..self.workers.len() {
            if room == 0 {
                self.look_for_dead = true;
                return;
            }
            let pid = self.workers[id].pid;
            if let Some((pid, end)) = pid.and_then(|pid| Some((pid, reap_known(pid)?))) {
                room -= 1;
                self.ended(pid, end);
            }
        }
    }

    fn whose(&self, pid: i32) -> Whose {
        match pid {
            _ if self.aside == Some(pid) => Whose::Other,
            _ if self.reporter == Some(pid) || self.reader_pid() == Some(pid) => Whose::Worker,
            _ if self.id_of(pid).is_some() => Whose::Worker,
            _ => Whose::Unknown,
        }
    }

    fn id_of(&self, pid: i32) -> Option<WorkerId> {
        self.workers.iter().position(|child| child.pid == Some(pid))
    }

    fn ended(&mut self, pid: i32, end: Ended) {
        if self.reporter == Some(pid) {
            self.reporter = None;
            return self.report(); // what was asked for meanwhile
        }
        if self.reader_pid() == Some(pid) {
            return self.reader_ended(end);
        }
        let Some(id) = self.id_of(pid) else { return };
        self.workers[id].pid = None;
        self.workers[id].seen = WorkerState::Gone;
        self.bridge.ended(id, pid, end);
        self.step(Event::Exited(id));
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

    fn attend_to_all(&mut self) {
        self.take_signals();
        self.take_reports();
        if std::mem::take(&mut self.look_for_dead) {
            self.reap();
        }
        self.look_at_reader();
        if self.bridge.requests.take_stop() {
            self.step(Event::Stop("stop()"));
        }
        while let Some((service, workers)) = self.bridge.requests.take_service() {
            self.admit(service, workers);
        }
        for id in self.bridge.stalled(self.workers.iter().map(|child| child.pid.is_some())) {
            self.step(Event::Stalled(id));
        }
        self.step(Event::Tick);
    }

    /// Takes in a service for whose workers there is room.
    fn admit(&mut self, service: Arc<dyn Service>, workers: usize) {
        self.bridge.admit(&*service, workers);
        let seen = WorkerState::Gone;
        let child = Child { service, pid: None, generation: 0, seen };
        self.workers.extend(std::iter::repeat_n(child, workers));
    }

    /// Attends to everything, then sleeps until something happens or `until`.
    fn turn(&mut self, until: Option<Instant>) {
        self.attend();
        self.rest(None, until);
    }

    /// Tells how things are, then sleeps until something happens, `job` stirs, or `until`.
    fn rest(&mut self, job: Option<BorrowedFd<'_>>, until: Option<Instant>) {
        self.or_drain(|launcher| launcher.tell_and_sleep(job, until));
    }

    fn tell_and_sleep(&mut self, job: Option<BorrowedFd<'_>>, until: Option<Instant>) {
        self.bridge.manager.tell(&self.bridge.scoreboard);
        if self.bridge.exit().is_some() || self.bridge.is_due() || self.look_for_dead {
            return;
        }
        let left = self.bridge.time_to_sleep(until.into_iter().chain(self.reader_limit()).min());
        let signals = self.signals.as_ref().expect("only a child gives up its parent's signals");
        // A descriptor that is not there is replaced by one that is watched anyway.
        let job = job.unwrap_or(signals.as_fd());
        let [_, reported, _] = poll([signals.as_fd(), self.reports.as_fd(), job], left);
        if reported {
            self.reports.clear();
        } else {
            // SIGCHLD says so when it is needed. A look at other times costs little and covers
            // for a signal that something else in this process has taken.
            self.look_for_dead = true;
        }
    }
}

/// Lets the allocator put in order what the parent has freed, before copies of it are made.
///
/// glibc notes larger pieces that are freed in one unsorted list, and whoever next asks for one
/// sorts it, which writes to every entry. Each worker that starts a thread would sort, and so copy,
/// what its parent has left: dozens of pages when many workers have just been started.
fn sort_free_memory() {
    const LARGER: usize = 2048; // than what has a list of its own for each size
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGER)));
}

fn perform(work: Option<ReportWork>, scoreboard: &Scoreboard) {
    if let Some(work) = work {
        guarded("the report", || work(scoreboard));
    }
}

impl Launcher for ProcessLauncher {
    fn launch_services(
        &mut self,
        services: &[(Arc<dyn Service>, usize)],
    ) -> Result<(), LaunchError> {
        for (service, workers) in services {
            self.bridge.requests.reserve(&**service, *workers)?;
            self.admit(Arc::clone(service), *workers);
        }
        loop {
            self.attend();
            if self.bridge.exit().is_some() || !self.bridge.is_due() {
                return Ok(());
            }
        }
    }

    fn wait(&mut self) -> Result<i32, LaunchError> {
        self.step(Event::Launched);
        loop {
            if let Some(status) = self.bridge.exit() {
                return Ok(status);
            }
            self.turn(None);
        }
    }

    fn pause(&mut self, time: Duration) -> Option<i32> {
        let until = later(Instant::now(), time);
        loop {
            self.turn(Some(until));
            if self.bridge.exit().is_some() || Instant::now() >= until {
                return self.bridge.exit();
            }
        }
    }

    fn run_aside(
        &mut self,
        job: &Job<'_>,
        told: &mut dyn FnMut(&[u8]),
    ) -> Result<JobEnd, LaunchError> {
        jobs::run(self, job, told)
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
