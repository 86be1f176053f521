//! A subprocess: started by its own command line, heard and ended by threads.

use std::io::{self, BufRead, BufReader};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};
use nix::unistd::Pid;

use super::signals::{Arrived, Signal, Signals, is_daemon, send};
use super::wait::{Waker, poll, reap_known};

pub(crate) use super::wait::reap_orphan;

use crate::line::Ended;
use crate::reporting::Wanted;
use crate::scoreboard::WorkerState;
use crate::state::{Event, WorkerId};
use crate::subprocess::Happening;

/// What a signal means to a launcher of subprocesses.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Interruption {
    /// An event of the state machine.
    Event(Event),
    /// SIGUSR2.
    Report,
}

/// A running subprocess. Dropping it closes its standard input, which tells it to end.
#[derive(Debug)]
pub(crate) struct Child {
    pid: i32,
    _line: UnixStream,
}

impl Child {
    /// Starts the command with its standard input as the line to us.
    pub(crate) fn start(
        mut command: Command,
        id: WorkerId,
        generation: u64,
        tell: Sender<Happening>,
    ) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let child = command.stdin(OwnedFd::from(theirs)).spawn()?;
        drop(command); // it holds our copy of the child's end
        let pid = child.id() as i32;
        Self::attend(pid, &ours, id, generation, tell).inspect_err(|_| {
            // Nobody would ever wait for it, and the next one must not live beside it.
            let _ = send(pid, Signal::SIGKILL);
            while waitpid(Pid::from_raw(pid), None).is_err_and(again) {}
        })?;
        Ok(Self { pid, _line: ours })
    }

    /// Starts the threads that listen to a child and wait for it.
    fn attend(
        pid: i32,
        ours: &UnixStream,
        id: WorkerId,
        generation: u64,
        tell: Sender<Happening>,
    ) -> io::Result<()> {
        let heard = BufReader::new(ours.try_clone()?);
        let said = tell.clone();
        thread::Builder::new().name(format!("hear-{pid}")).stack_size(STACK).spawn(move || {
            for line in heard.lines() {
                let Ok(line) = line else { return };
                let (word, reason) = line.split_once(' ').unwrap_or((&line, ""));
                let happening = match word {
                    "up" => Happening::Said(id, generation, WorkerState::Up, reason.into()),
                    "down" => Happening::Said(id, generation, WorkerState::Down, reason.into()),
                    "alive" => Happening::Alive(id, generation),
                    _ => continue,
                };
                if said.send(happening).is_err() {
                    return;
                }
            }
        })?;
        thread::Builder::new().name(format!("wait-{pid}")).stack_size(STACK).spawn(move || {
            // The status is left in place until it is taken below, so the pid cannot be another
            // process's in between.
            let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            while waitid(Id::Pid(Pid::from_raw(pid)), flags).is_err_and(again) {}
            let end = reap_known(pid).unwrap_or(Ended::Unknown);
            let _ = tell.send(Happening::Ended(id, generation, end));
        })?;
        Ok(())
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Asks for a graceful stop.
    pub(crate) fn terminate(&mut self) -> io::Result<()> {
        send(self.pid, Signal::SIGTERM)
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        send(self.pid, Signal::SIGKILL)
    }

    /// Tells it that the configuration has changed.
    pub(crate) fn hangup(&mut self) -> io::Result<()> {
        send(self.pid, Signal::SIGHUP)
    }
}

/// Enough for a loop around a read; most of it is never touched.
const STACK: usize = 128 * 1024;

fn again(errno: nix::errno::Errno) -> bool {
    errno == nix::errno::Errno::EINTR
}

/// Signals and wake-ups of a launcher of subprocesses: noted on its only thread at first, on a
/// thread of their own once there are others.
#[derive(Debug)]
pub(crate) struct Ears {
    signals: Signals,
    waker: Waker,
    interruptions: Interruptions,
}

impl Ears {
    /// Blocks the supervisor's signals in this thread and all later ones.
    pub(crate) fn new() -> io::Result<Self> {
        let (signals, waker) = (Signals::for_supervisor()?, Waker::new()?);
        Ok(Self { signals, waker, interruptions: Interruptions::default() })
    }

    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }

    pub(crate) fn interruptions(&self) -> Interruptions {
        self.interruptions.clone()
    }

    /// Notes what has arrived; whether there is something that nobody knew of.
    pub(crate) fn look(&self) -> bool {
        let arrived = self.signals.take().bits();
        self.interruptions.wanted().add(self.signals.take_wanted());
        let unseen = self.interruptions.signals.fetch_or(arrived, Ordering::AcqRel);
        // One happening is enough until it has been seen: a storm must not fill the memory.
        arrived != 0 && unseen == 0
    }

    /// Sleeps until something arrives, `job` stirs, or `limit`; whether somebody woke us.
    pub(crate) fn wait(&self, job: Option<BorrowedFd<'_>>, limit: Option<Duration>) -> bool {
        // A descriptor that is not there is replaced by one that is watched anyway.
        let job = job.unwrap_or(self.signals.as_fd());
        let [_, asked, _] = poll([self.signals.as_fd(), self.waker.as_fd(), job], limit);
        if asked {
            self.waker.clear();
        }
        asked
    }

    /// Listens on a new thread from now on.
    pub(crate) fn onto_thread(self, tell: Sender<Happening>) -> io::Result<()> {
        let listen = move || {
            loop {
                let asked = self.wait(None, None);
                if (self.look() || asked) && tell.send(Happening::Asked).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().name("signals".into()).stack_size(STACK).spawn(listen).map(drop)
    }
}

/// Signals that have arrived and not been seen.
#[derive(Debug, Default, Clone)]
pub(crate) struct Interruptions {
    signals: Arc<AtomicU8>,
    /// What the SIGUSR2 among them want.
    wanted: Arc<Mutex<Wanted>>,
}

impl Interruptions {
    /// Takes what the SIGUSR2 among them want.
    pub(crate) fn take_wanted(&self) -> Wanted {
        std::mem::take(&mut *self.wanted())
    }

    fn wanted(&self) -> std::sync::MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes them, the most urgent first.
    pub(crate) fn take(&self) -> impl Iterator<Item = Interruption> + use<> {
        Arrived::from_bits(self.signals.swap(0, Ordering::AcqRel)).filter_map(|signal| {
            Some(match signal {
                Signal::SIGTERM => Interruption::Event(Event::Stop("SIGTERM")),
                Signal::SIGHUP if is_daemon() => Interruption::Event(Event::Hangup),
                Signal::SIGHUP => Interruption::Event(Event::Stop("SIGHUP")),
                Signal::SIGINT => Interruption::Event(Event::Interrupt),
                Signal::SIGALRM => Interruption::Event(Event::Alarm),
                Signal::SIGUSR1 => Interruption::Event(Event::Roll),
                Signal::SIGUSR2 => Interruption::Report,
                _ => return None, // SIGCHLD: orphans are looked for, each child has a thread
            })
        })
    }
}
