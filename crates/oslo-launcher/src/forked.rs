//! Workers that are forked, by a parent with one thread.
//!
//! Order of life: [`ProcessLauncher::new`] blocks the signals, `launch_services` forks,
//! [`wait`](crate::Launcher::wait) sleeps in one `ppoll` until a signal, a worker's wake-up or a deadline.
//! What takes long is done by copies of the parent: reports here, readings in `reader.rs`.
//!
//! Must not: decide anything, poll, start a thread, or hold a descriptor that a worker should not
//! inherit without closing it there.

mod reader;

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::reader::Reader;
use crate::aside::{Job, JobEnd};
use crate::bridge::Bridge;
use crate::ended::Ended;
use crate::error::LaunchError;
use crate::guard::guarded;
use crate::handle::StopHandle;
use crate::launcher::LauncherOptions;
use crate::line;
use crate::reporting::{ReportRequest, ReportWork, Reporting, Wanted};
use crate::rereading::{Bulletin, ReadWork};
use crate::scoreboard::Scoreboard;
use crate::service::{Hooks, Service, WorkerHandle};
use crate::state::WorkerId;
use crate::state_line::StateTeller;
use crate::stop_flag::StopFlag;
use crate::supervising::{
    EXITS_PER_TURN, Happening, Means, Processes, Supervising, TOGETHER, Wait, supervises,
};
use crate::sys::{
    Arrived, Inherited, ParentWatch, Pipe, Reaped, Signal, Signals, Waker, Whose, fork_worker,
    poll, reap_known, reap_next, rename_process, send,
};
use crate::worker::{Reload, Watcher, Worker};

/// Forks one process per worker; the crate's head shows how it is used.
///
/// It owns the signals TERM, INT, HUP, USR1, USR2, ALRM and CHLD of its process: they are blocked
/// from [`new`](Self::new) on. The process must have one thread whenever a worker is forked, that
/// is for as long as the launcher exists.
pub struct ProcessLauncher(Supervising<Forked>);

impl ProcessLauncher {
    /// Takes over the signals of this process; call it before anything starts a thread.
    ///
    /// # Errors
    ///
    /// [`LaunchError::Setup`] when the kernel refuses a descriptor or the shared pages.
    pub fn new(mut options: LauncherOptions, hooks: Box<dyn Hooks>) -> Result<Self, LaunchError> {
        let inherited = std::mem::take(&mut options.inherited);
        let news = Waker::new().map_err(LaunchError::setup("the wake-up of the parent"))?;
        let (worker_watchdog, drain_limit) =
            (options.worker_watchdog, options.limits.graceful_shutdown);
        let bridge = Bridge::new(options, hooks, news.clone())?;
        let scoreboard = Arc::clone(&bridge.scoreboard);
        let pattern = WorkerHandle {
            slot: 0,
            scoreboard: Arc::clone(&scoreboard),
            teller: Arc::new(StateTeller::Shared(news.clone())),
            said: Arc::default(),
            stop: Arc::new(StopFlag::default()),
        };
        let signals = Signals::for_supervisor().map_err(LaunchError::setup("signal handling"))?;
        let forked = Forked {
            worker_watchdog,
            drain_limit,
            signals: Some(signals),
            alive: Pipe::new().map_err(LaunchError::setup("the parent's pipe"))?,
            news,
            scoreboard,
            workers: Vec::new(),
            pattern: Some(pattern),
            look_for_dead: !inherited.is_empty(),
            reporter: None,
            wanted: Wanted::default(),
            inherited,
            aside: None,
            reader: None,
            bulletin: Bulletin::new().map_err(LaunchError::setup("the shared pages"))?,
        };
        Ok(Self(Supervising::new(bridge, forked)))
    }
}

supervises!(ProcessLauncher);

/// The processes of a parent that forks.
struct Forked {
    worker_watchdog: Option<Duration>,
    drain_limit: Option<Duration>,
    /// `None` in a child, which reads signals of its own.
    signals: Option<Signals>,
    /// The parent holds the write end and never writes; its end tells workers that it is gone.
    alive: Pipe,
    /// Workers wake the parent when their state has changed.
    news: Waker,
    scoreboard: Arc<Scoreboard>,
    workers: Vec<Place>,
    /// The handle of the next child, ready to be taken: a child that made its own would write to
    /// three pages, each of which it would have to copy first.
    pattern: Option<WorkerHandle>,
    /// Whether a worker may have ended since the last look.
    look_for_dead: bool,
    /// The process that makes a report, while there is one.
    reporter: Option<i32>,
    /// What has been asked for meanwhile.
    wanted: Wanted,
    /// Children of whoever started this program.
    inherited: Inherited,
    /// The process of a job, whose status is not taken here.
    aside: Option<i32>,
    /// The process that reads the configuration again, while there is one.
    reader: Option<Reader>,
    /// Where workers look after a HUP.
    bulletin: Bulletin,
}

/// One worker, and its process if it has one.
#[derive(Clone)]
struct Place {
    service: Arc<dyn Service>,
    pid: Option<i32>,
}

impl Processes for Forked {
    const AT_ONCE: usize = TOGETHER;

    fn admit(&mut self, service: &Arc<dyn Service>, workers: usize) {
        let place = Place { service: Arc::clone(service), pid: None };
        self.workers.extend(std::iter::repeat_n(place, workers));
    }

    fn start(
        &mut self,
        bridge: &mut Bridge,
        ids: &[WorkerId],
    ) -> [Option<Result<i32, LaunchError>>; TOGETHER] {
        // Before the first fork, so that no child finds this to do.
        sort_free_memory();
        let mut forked = [const { None }; TOGETHER];
        for (&id, result) in ids.iter().zip(&mut forked) {
            *result = Some(fork_worker(|watch| self.in_child(bridge, &watch, id)));
        }
        // Only now: what the parent writes between two forks is one more page for it to copy.
        let mut results = [const { None }; TOGETHER];
        for ((&id, forked), result) in ids.iter().zip(forked).zip(&mut results) {
            *result = forked.map(|forked| {
                let place = &mut self.workers[id];
                place.pid = forked.as_ref().ok().copied();
                forked.map_err(|refusal| refusal.of(place.service.name()))
            });
        }
        results
    }

    fn signal(&mut self, id: WorkerId, signal: Signal) -> Result<(), (i32, io::Error)> {
        let Some(pid) = self.workers[id].pid else { return Ok(()) };
        send(pid, signal).map_err(|error| (pid, error))
    }

    fn happened(&mut self, wait: Option<Wait<'_>>, news: &mut VecDeque<Happening>) {
        if let Some(wait) = wait {
            self.sleep(&wait);
        }
        // A worker's last words come before its end: the slot of a process that is gone is not read.
        self.look_at_slots(news);
        if std::mem::take(&mut self.look_for_dead) {
            self.reap(news);
        }
        news.extend(self.look_at_reader());
    }

    fn is_behind(&self) -> bool {
        self.look_for_dead
    }
}

impl Means for Forked {
    fn signals(&mut self) -> Arrived {
        let arrived = self.signals.as_ref().map(Signals::take).unwrap_or_default();
        self.look_for_dead |= arrived.into_iter().any(|signal| signal == Signal::SIGCHLD);
        arrived
    }

    fn admit_report(&mut self) -> Option<ReportRequest> {
        let along = self.signals.as_ref().map(Signals::take_along);
        self.wanted.add(along.unwrap_or_default().into());
        if self.reporter.is_some() { None } else { self.wanted.take(String::new) }
    }

    fn report(&mut self, bridge: &mut Bridge, work: ReportWork) {
        let mut work = Some(work);
        match fork_worker(|_| self.in_reporter(bridge, work.take())) {
            Ok(pid) => self.reporter = Some(pid),
            // At a limit on processes somebody has all the more reason to ask what is going on.
            Err(_) => perform(work, &self.scoreboard),
        }
    }

    fn may_read(&self) -> bool {
        self.reader_limit().is_none()
    }

    fn read(&mut self, bridge: &mut Bridge, work: ReadWork) -> Result<(), String> {
        self.begin_reading(bridge, work)
    }

    /// The parent's copies of the services forget what they cached, too: the next worker that is
    /// forked starts from them.
    fn reloaded(&mut self, told: &[u8]) {
        self.bulletin.publish(told);
        let mut last: Option<&Arc<dyn Service>> = None;
        for place in &self.workers {
            if !last.is_some_and(|service| Arc::ptr_eq(service, &place.service)) {
                guarded("a reset", || place.service.reset());
            }
            last = Some(&place.service);
        }
    }

    fn set_aside(&mut self, pid: Option<i32>) {
        self.aside = pid;
    }

    fn in_copy(&mut self) {
        drop(self.alive.write.take());
        drop(self.reader.take());
    }
}

impl Forked {
    /// All that the child does; the return value is its exit status.
    ///
    #[inline(never)] // the parent, which also stands in the caller, needs none of this frame
    fn in_child(&mut self, bridge: &mut Bridge, watch: &ParentWatch, id: WorkerId) -> i32 {
        // First, because siblings depend on it: while this process held the write end of `alive`,
        // none of them would see the parent's end, however far this one gets below.
        self.in_copy();
        bridge.give_up();
        let (Some(alive), Some(signals), Some(handle)) =
            (self.alive.read.take(), self.signals.take(), self.pattern.take())
        else {
            return 1; // cannot happen: only a child takes these, and it never comes back
        };
        // Before the service's thread exists, which takes over this mask. Until here everything was
        // blocked, and TERM still is: one that was sent right after the fork is read in `run`.
        let Ok(signals) = signals.into_workers() else { return 1 };
        // The parent is looked at behind the arming: the kernel tells of a death once, and one that
        // came before would be told to nobody. After it, it is a TERM, which waits as above.
        if !watch.arm(Signal::SIGTERM) {
            line::parent_died();
            return 1;
        }
        let mut worker = Worker {
            service: &self.workers[id].service,
            handle: WorkerHandle { slot: id, ..handle },
            hooks: &mut *bridge.hooks,
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
        bridge.hooks.before_exit();
        status
    }

    /// All that a reporter does: the parent's copy, so that supervision goes on meanwhile and the
    /// memory goes back for certain.
    fn in_reporter(&mut self, bridge: &mut Bridge, work: Option<ReportWork>) -> i32 {
        rename_process(c"report");
        self.in_copy();
        bridge.give_up();
        perform(work, &self.scoreboard);
        bridge.hooks.before_exit();
        0
    }

    fn sleep(&mut self, wait: &Wait<'_>) {
        let reading = self.reader_limit().map(|at| at.saturating_duration_since(Instant::now()));
        let left = wait.left.into_iter().chain(reading).min();
        let signals = self.signals.as_ref().expect("only a child gives up its parent's signals");
        // A descriptor that is not there is replaced by one that is watched anyway.
        let job = wait.job.unwrap_or(signals.as_fd());
        let [_, told, _] = poll([signals.as_fd(), self.news.as_fd(), job], left);
        if told {
            self.news.clear();
        } else {
            // SIGCHLD says so when it is needed. A look at other times costs little and covers
            // for a signal that something else in this process has taken.
            self.look_for_dead = true;
        }
    }

    /// Looks at the slots whose workers have told something. The wake-up says only that one did.
    fn look_at_slots(&self, news: &mut VecDeque<Happening>) {
        let mut from = 0;
        while let Some(id) = self.scoreboard.take_mark(from) {
            from = id + 1;
            // Any worker can set the bit of one that does not run, or that there is not, and write
            // nonsense.
            let runs = self.workers.get(id).is_some_and(|place| place.pid.is_some());
            let state = runs.then(|| self.scoreboard.slot(id).said()).flatten();
            news.extend(state.map(|state| Happening::Told(id, state)));
        }
    }

    /// Takes the statuses of workers that have ended, of so many that a signal does not wait long
    /// behind a mass death; whoever is left is looked for in the next turn.
    ///
    /// The kernel looks through all children for each answer, so this is not done when a worker
    /// tells something, and looking through all workers for each pid makes it no worse.
    fn reap(&mut self, news: &mut VecDeque<Happening>) {
        self.inherited.bury(line::reaped_orphan);
        let unknown_are_ours = self.inherited.may_be_anybody();
        let mut room = EXITS_PER_TURN;
        loop {
            if room == 0 {
                self.look_for_dead = true;
                return;
            }
            match reap_next(|pid| self.whose(pid), unknown_are_ours) {
                Reaped::Worker(pid, end) => news.extend(self.ended(pid, end)),
                Reaped::Orphan(pid) => line::reaped_orphan(pid),
                Reaped::Nobody => return,
                Reaped::Foreign => break,
            }
            room -= 1;
        }
        // Somebody else's child stands in front and must keep its status, and the kernel shows no
        // second one. So ours are asked for by name.
        let copies = self.reporter.into_iter().chain(self.reader_pid());
        for pid in copies.collect::<Vec<_>>() {
            news.extend(reap_known(pid).and_then(|end| self.ended(pid, end)));
        }
        for id in 0..self.workers.len() {
            if room == 0 {
                self.look_for_dead = true;
                return;
            }
            let pid = self.workers[id].pid;
            if let Some((pid, end)) = pid.and_then(|pid| Some((pid, reap_known(pid)?))) {
                room -= 1;
                news.extend(self.ended(pid, end));
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
        self.workers.iter().position(|place| place.pid == Some(pid))
    }

    /// Notes that the status of this child has been taken: its process id may be another's soon.
    fn ended(&mut self, pid: i32, end: Ended) -> Option<Happening> {
        if self.reporter == Some(pid) {
            self.reporter = None;
            return Some(Happening::ReportEnded);
        }
        if self.reader_pid() == Some(pid) {
            return self.reader_ended(end);
        }
        let id = self.id_of(pid)?;
        self.workers[id].pid = None;
        Some(Happening::Ended(id, pid, end))
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
