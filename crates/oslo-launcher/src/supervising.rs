//! The loop of a process that supervises, whatever its workers are made of.
//!
//! [`state`](crate::state) decides, [`Processes`] are three deeds with children and [`Means`] what
//! this process itself may use, and here one calls the other. Order of a turn:
//!
//! 1. signals;
//! 2. what has happened to children, at most [`EXITS_PER_TURN`] of their ends;
//! 3. signals again;
//! 4. what other code asks for, and what is due;
//! 5. the service manager is told, then everything sleeps.
//!
//! Each turn has a guard: whatever panics in it, the workers finish what they have begun. Must not:
//! know how a process is started, heard or ended; start a thread.

mod calls;
mod processes;

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::calls::Call;
pub(crate) use self::processes::{EXITS_PER_TURN, Happening, Means, Processes, TOGETHER, Wait};
use crate::aside::{self, Attendant, Job, JobEnd};
use crate::bridge::Bridge;
use crate::error::LaunchError;
use crate::guard::guarded;
use crate::handle::StopHandle;
use crate::later::later;
use crate::line;
use crate::scoreboard::{Scoreboard, WorkerState};
use crate::service::{Hooks, Service};
use crate::state::{Action, Event, WorkerId};
use crate::sys::{Signal, is_daemon};

/// A launcher that supervises; see the module's head.
pub(crate) struct Supervising<P> {
    bridge: Bridge,
    processes: P,
    workers: Vec<Seat>,
    /// What has happened and is still to be noted. One by one, so that a panic loses one at most.
    news: VecDeque<Happening>,
    /// Spare list for the decisions of one step.
    actions: Vec<Action>,
    /// Workers that this step starts.
    starts: Vec<WorkerId>,
    /// Whether a HUP came that could not be answered at once.
    hangup_waits: bool,
}

/// The loop's own memory of one worker.
#[derive(Clone)]
struct Seat {
    generation: u64,
    /// What it last said; that it is gone without a process.
    seen: WorkerState,
}

impl<P: Processes + Means> Supervising<P> {
    pub(crate) fn new(bridge: Bridge, processes: P) -> Self {
        Self {
            bridge,
            processes,
            workers: Vec::new(),
            news: VecDeque::new(),
            actions: Vec::new(),
            starts: Vec::new(),
            hangup_waits: false,
        }
    }

    pub(crate) fn launch_services(
        &mut self,
        services: &[(Arc<dyn Service>, usize)],
    ) -> Result<(), LaunchError> {
        self.processes.begin()?;
        for (service, workers) in services {
            self.bridge.reserve(&**service, *workers)?;
            self.admit(service, *workers);
        }
        loop {
            self.attend();
            if self.bridge.exit().is_some() || !self.bridge.is_due() {
                return Ok(());
            }
        }
    }

    /// Takes in a service for whose workers there is room.
    fn admit(&mut self, service: &Arc<dyn Service>, workers: usize) {
        self.bridge.admit(&**service, workers);
        self.processes.admit(service, workers);
        let seat = Seat { generation: 0, seen: WorkerState::Gone };
        self.workers.extend(std::iter::repeat_n(seat, workers));
    }

    pub(crate) fn wait(&mut self) -> Result<i32, LaunchError> {
        self.processes.begin()?;
        self.step(Event::Launched);
        loop {
            if let Some(status) = self.bridge.exit() {
                return Ok(status);
            }
            self.attend();
            self.rest(None, None);
        }
    }

    pub(crate) fn pause(&mut self, time: Duration) -> Option<i32> {
        aside::pause(self, later(Instant::now(), time))
    }

    pub(crate) fn run_aside(
        &mut self,
        job: &Job<'_>,
        told: &mut dyn FnMut(&[u8]),
    ) -> Result<JobEnd, LaunchError> {
        aside::run(self, job, told)
    }

    pub(crate) fn stop_handle(&self) -> StopHandle {
        StopHandle::new(&self.bridge.requests)
    }

    pub(crate) fn scoreboard(&self) -> &Arc<Scoreboard> {
        &self.bridge.scoreboard
    }

    fn step(&mut self, event: Event) {
        let mut actions = std::mem::take(&mut self.actions);
        self.bridge.supervisor.step_into(event, Instant::now(), &mut actions);
        for action in actions.drain(..) {
            if !matches!(action, Action::Fork(_)) {
                self.start_all(); // what was decided before this comes before it
            }
            self.perform(action);
        }
        self.actions = actions;
        self.start_all();
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Fork(id) => self.starts.push(id),
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

    fn signal(&mut self, id: WorkerId, signal: Signal) {
        if let Err((pid, error)) = self.processes.signal(id, signal) {
            line::not_signalled(pid, &error);
        }
    }

    /// Starts the workers that were decided on.
    ///
    /// After each fork the kernel makes this process copy every page that it writes to. So the
    /// slots are made ready before the first of a batch, and the new processes are noted behind
    /// the last, although it would read better one by one. A process that ends in between is seen
    /// later all the same: nobody else takes its status.
    fn start_all(&mut self) {
        if self.starts.is_empty() {
            return;
        }
        let mut starts = std::mem::take(&mut self.starts);
        for ids in starts.chunks(P::AT_ONCE) {
            for &id in ids {
                let seat = &mut self.workers[id];
                seat.generation += 1;
                seat.seen = WorkerState::Starting;
                self.bridge.scoreboard.new_life(id, seat.generation);
            }
            self.bridge.manager.changed();
            let results = self.processes.start(&mut self.bridge, ids);
            for (&id, result) in ids.iter().zip(results) {
                match result.expect("one for each id") {
                    Ok(pid) => self.bridge.started(id, pid),
                    Err(error) => {
                        self.workers[id].seen = WorkerState::Gone;
                        self.bridge.refused(id, &error);
                        self.step(Event::ForkFailed(id));
                    }
                }
            }
        }
        starts.clear();
        self.starts = starts; // the next step need not allocate
    }

    /// Handles everything that has happened, and some of what is due.
    fn attend(&mut self) {
        self.or_drain(Self::attend_to_all);
    }

    /// The last guard: whatever is wrong here, the workers finish what they have begun.
    fn or_drain(&mut self, part: impl FnOnce(&mut Self)) {
        if guarded("a turn of the supervisor", || part(self)).is_none()
            && let Some(event) = self.bridge.panicked()
        {
            guarded("the stop after it", || self.step(event));
        }
    }

    fn attend_to_all(&mut self) {
        // Before the ends: a TERM must not wait behind a thousand workers that died at once, nor any
        // of them be started again once it has come. That is also why a turn notes a few ends only.
        self.take_signals();
        if self.news.is_empty() {
            self.processes.happened(None, &mut self.news);
        }
        while let Some(happening) = self.news.pop_front() {
            self.note(happening);
        }
        // And behind them: starting successors takes a while, and what was due anyway would be
        // started in spite of a TERM. Where a thread takes the signals this look has one more
        // reason. Its wake-up may just have been taken out of the queue above, with a signal that
        // came after the first look; nothing else would end the sleep that follows.
        self.take_signals();
        if self.hangup_waits && self.processes.may_read() {
            self.hangup_waits = false;
            self.step(Event::Hangup);
        }
        if self.bridge.requests.take_stop() {
            self.step(Event::Stop("stop()"));
        }
        let run = self.workers.iter().map(|seat| seat.seen != WorkerState::Gone);
        for id in self.bridge.stalled(run) {
            self.step(Event::Stalled(id));
        }
        self.step(Event::Tick);
    }

    fn take_signals(&mut self) {
        for signal in self.processes.signals() {
            match Call::of(signal, is_daemon) {
                Some(Call::Event(event)) => self.step(event),
                Some(Call::Hangup) => self.hang_up(),
                Some(Call::Report) => self.report(),
                None => {}
            }
        }
    }

    fn note(&mut self, happening: Happening) {
        match happening {
            Happening::Told(id, state) => {
                let same = std::mem::replace(&mut self.workers[id].seen, state) == state;
                let event = self.bridge.told(id, state);
                if let Some(event) = event.filter(|_| !same) {
                    self.step(event);
                }
            }
            Happening::Ended(id, pid, end) => {
                self.workers[id].seen = WorkerState::Gone;
                self.bridge.ended(id, pid, end);
                self.step(Event::Exited(id));
            }
            Happening::ReportEnded => self.report(), // what was asked for meanwhile
            Happening::Read(_) if self.bridge.supervisor.is_stopping() => {}
            Happening::Read(Ok(read)) => self.reload(&read),
            Happening::Read(Err(why)) => self.not_read_again(&why),
            Happening::ReadingGivenUp(why) => {
                self.hangup_waits = false; // it would find this one in its way
                self.not_read_again(why);
            }
        }
    }

    /// Begins a report, unless one is being made.
    fn report(&mut self) {
        let request = self.processes.admit_report();
        if let Some(work) = request.and_then(|request| self.bridge.report(request)) {
            self.processes.report(&mut self.bridge, work);
        }
    }

    /// A HUP has come. During a reading it is one more afterwards.
    fn hang_up(&mut self) {
        if self.processes.may_read() {
            self.step(Event::Hangup);
        } else {
            self.hangup_waits = true;
        }
    }

    /// Begins to read the configuration again.
    fn read_again(&mut self) {
        let Some(work) = self.bridge.read_again() else { return self.reload(&[]) };
        if let Err(why) = self.processes.read(&mut self.bridge, work) {
            self.not_read_again(&why);
        }
    }

    /// Applies what has been read, and lets the workers follow.
    fn reload(&mut self, read: &[u8]) {
        let (event, told) = self.bridge.reload(read);
        if event == Event::Reloaded {
            self.processes.reloaded(&told);
        }
        self.step(event);
    }

    fn not_read_again(&mut self, why: &str) {
        line::not_read_again(why);
        self.step(Event::ReloadRefused);
    }

    /// Tells how things are, then sleeps until something happens, `job` stirs, or `until`.
    fn rest(&mut self, job: Option<BorrowedFd<'_>>, until: Option<Instant>) {
        self.or_drain(|this| this.tell_and_sleep(job, until));
    }

    fn tell_and_sleep(&mut self, job: Option<BorrowedFd<'_>>, until: Option<Instant>) {
        self.bridge.manager.tell(&self.bridge.scoreboard);
        let done = self.bridge.exit().is_some();
        if done || self.bridge.is_due() || !self.news.is_empty() || self.processes.is_behind() {
            return;
        }
        let left = self.bridge.time_to_sleep(until);
        self.processes.happened(Some(Wait { job, left }), &mut self.news);
    }
}

impl<P: Processes + Means> Attendant for Supervising<P> {
    fn attend(&mut self) -> Option<i32> {
        Self::attend(self);
        self.bridge.exit()
    }

    fn rest(&mut self, job: Option<BorrowedFd<'_>>, until: Option<Instant>) {
        Self::rest(self, job, until);
    }

    fn set_aside(&mut self, pid: Option<i32>) {
        self.processes.set_aside(pid);
    }

    fn in_copy(&mut self) {
        self.bridge.give_up();
        self.processes.in_copy();
    }

    fn hooks(&mut self) -> &mut dyn Hooks {
        &mut *self.bridge.hooks
    }
}

/// Makes a launcher of a type whose first field is a [`Supervising`].
macro_rules! supervises {
    ($launcher:ty) => {
        impl $crate::Launcher for $launcher {
            fn launch_services(
                &mut self,
                services: &[(Arc<dyn Service>, usize)],
            ) -> Result<(), LaunchError> {
                self.0.launch_services(services)
            }

            fn wait(&mut self) -> Result<i32, LaunchError> {
                self.0.wait()
            }

            fn pause(&mut self, time: Duration) -> Option<i32> {
                self.0.pause(time)
            }

            fn run_aside(
                &mut self,
                job: &Job<'_>,
                told: &mut dyn FnMut(&[u8]),
            ) -> Result<JobEnd, LaunchError> {
                self.0.run_aside(job, told)
            }

            fn stop_handle(&self) -> StopHandle {
                self.0.stop_handle()
            }

            fn scoreboard(&self) -> &Arc<Scoreboard> {
                self.0.scoreboard()
            }
        }
    };
}
pub(crate) use supervises;

#[cfg(test)]
mod tests;
