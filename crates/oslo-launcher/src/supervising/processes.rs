//! What a supervising loop needs of whoever makes its processes.
//!
//! [`Processes`] are workers, from outside. [`Means`] are those of the process that supervises: a
//! parent that forks must have one thread, so its long work is done by copies of it; one that never
//! forks has threads. Must not: decide anything.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use crate::bridge::Bridge;
use crate::ended::Ended;
use crate::error::LaunchError;
use crate::reporting::{ReportRequest, ReportWork};
use crate::rereading::ReadWork;
use crate::scoreboard::WorkerState;
use crate::service::Service;
use crate::state::WorkerId;
use crate::sys::{Arrived, Signal};

/// How many workers are started before the first of them is noted, at most.
pub(crate) const TOGETHER: usize = 8;

/// Ends that are noted before signals are looked at again. A thousand workers that die at once
/// would delay a TERM by seconds otherwise, and all be started again first.
pub(crate) const EXITS_PER_TURN: usize = 8;

/// Something that has happened beside the loop.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A worker says what state it is in.
    Told(WorkerId, WorkerState),
    /// The process of a worker, with this id, has ended.
    Ended(WorkerId, i32, Ended),
    /// A report is over, and another can begin.
    ReportEnded,
    /// The configuration has been read, or why it has not.
    Read(Result<Vec<u8>, String>),
    /// Nobody waits for the reading any more, for this reason; it hangs.
    ReadingGivenUp(&'static str),
}

/// How a look at what has happened may wait for it.
#[derive(Debug)]
pub(crate) struct Wait<'a> {
    /// Ends the wait when it can be read or is at its end.
    pub(crate) job: Option<BorrowedFd<'a>>,
    /// At most so long; `None` is for ever.
    pub(crate) left: Option<Duration>,
}

/// One way to make workers, and what can be done with them.
pub(crate) trait Processes {
    /// How many workers are started before the first of them is noted; at most [`TOGETHER`].
    const AT_ONCE: usize;

    /// Makes room for the workers of a service.
    fn admit(&mut self, service: &Arc<dyn Service>, workers: usize);

    /// Starts a process for each of these workers, at most [`AT_ONCE`](Self::AT_ONCE); their process
    /// ids, in the same order, or why there is none.
    fn start(
        &mut self,
        bridge: &mut Bridge,
        ids: &[WorkerId],
    ) -> [Option<Result<i32, LaunchError>>; TOGETHER];

    /// Sends a signal to a worker; nothing to one without a process.
    ///
    /// # Errors
    ///
    /// The process that did not get it, and the kernel's reason.
    fn signal(&mut self, id: WorkerId, signal: Signal) -> Result<(), (i32, io::Error)>;

    /// Adds what has happened, with [`EXITS_PER_TURN`] ends at most; the rest is for the next time.
    ///
    /// With `wait` it sleeps once before it looks, and may come back with nothing: signals end the
    /// sleep, too.
    fn happened(&mut self, wait: Option<Wait<'_>>, news: &mut VecDeque<Happening>);

    /// Whether it is known that more has happened than was told, so that nobody may sleep.
    fn is_behind(&self) -> bool;
}

/// What the process that supervises has besides its workers.
pub(crate) trait Means {
    /// Right before the first worker, and again before a wait.
    ///
    /// # Errors
    ///
    /// When what is needed from now on cannot be had.
    fn begin(&mut self) -> Result<(), LaunchError> {
        Ok(())
    }

    /// Takes the signals of this process that have come, the most urgent first.
    fn signals(&mut self) -> Arrived;

    /// Takes in what the SIGUSR2 among the signals ask for; what is to be done of it now.
    fn admit_report(&mut self) -> Option<ReportRequest>;

    /// Does a report beside the loop.
    fn report(&mut self, bridge: &mut Bridge, work: ReportWork);

    /// Whether a HUP can be answered now; else it waits for its turn.
    fn may_read(&self) -> bool;

    /// Begins to read beside the loop; a [`Happening`] tells the rest.
    ///
    /// # Errors
    ///
    /// Why nothing is read.
    fn read(&mut self, bridge: &mut Bridge, work: ReadWork) -> Result<(), String>;

    /// The new configuration is in force, and workers follow by these words when they get their HUP.
    fn reloaded(&mut self, _told: &[u8]) {}

    /// This child is no worker, and somebody else takes its status.
    fn set_aside(&mut self, pid: Option<i32>);

    /// Gives up, in a copy of this process, what is the parent's alone.
    fn in_copy(&mut self);
}
