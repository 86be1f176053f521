//! Signals as values: blocked everywhere, read from one descriptor.
//!
//! No handler is ever installed, so nothing runs at a random moment and no signal is lost between
//! a test and a wait (`spec/launcher.md` §12, defects 9 to 11).

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{Pid, getpgrp, tcgetpgrp};

use super::wait::poll;
use crate::handle::Requests;

pub(crate) use nix::sys::signal::Signal;

/// The signals that a supervisor reads; a worker reads the first four.
const READ: [Signal; 7] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGHUP,
    Signal::SIGUSR2,
    Signal::SIGCHLD,
    Signal::SIGALRM,
    Signal::SIGUSR1,
];

/// The read end of this process's signals.
#[derive(Debug)]
pub(crate) struct Signals {
    fd: SignalFd,
    /// What a worker blocks, made here so that a child need not.
    workers: SigSet,
}

impl Signals {
    /// Blocks all signals of the supervisor's set and reads them from now on.
    ///
    /// Also undoes what the process may have inherited: a blocked mask, and an ignored SIGCHLD,
    /// with which the kernel would throw exit statuses away.
    pub(crate) fn for_supervisor() -> io::Result<Self> {
        reset_to_default(Signal::SIGCHLD)?;
        Self::read(&READ)
    }

    /// Reads what a worker reacts to. SIGALRM and SIGUSR1 keep their default action
    /// (`spec/launcher.md` §4), and so does SIGCHLD, because drivers wait for their own children.
    pub(crate) fn for_worker() -> io::Result<Self> {
        reset_the_rest()?;
        Self::read(&READ[..4])
    }

    /// The same in a forked child, with the descriptor of its parent: each process reads its own
    /// signals from it (signalfd(2)), and what a worker does not block never arrives there.
    pub(crate) fn into_workers(self) -> io::Result<Self> {
        reset_the_rest()?;
        self.workers.thread_set_mask()?;
        Ok(self)
    }

    fn read(names: &[Signal]) -> io::Result<Self> {
        let mask: SigSet = names.iter().copied().collect();
        let fd = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        for name in names {
            // An ignored signal would not even reach the descriptor.
            reset_to_default(*name)?;
        }
        mask.thread_set_mask()?;
        Ok(Self { fd, workers: READ[..4].iter().copied().collect() })
    }

    /// The next signal that has arrived, if any.
    pub(crate) fn next(&self) -> Option<Signal> {
        let info = self.fd.read_signal().ok().flatten()?;
        Signal::try_from(info.ssi_signo as i32).ok()
    }

    /// Sleeps until `until`; an exit status if a signal or a request asked for an end meanwhile.
    ///
    /// `before_wait` is asked before each sleep and may shorten it.
    pub(crate) fn pause(
        &mut self,
        until: Instant,
        requests: &Requests,
        mut before_wait: impl FnMut() -> Option<Duration>,
    ) -> Option<i32> {
        loop {
            match self.next() {
                Some(Signal::SIGTERM) => return Some(0),
                Some(Signal::SIGINT) => return Some(1),
                Some(_) => continue,
                None => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if requests.take_stop() {
                return Some(0);
            }
            let sleep = before_wait().map_or(left, |time| time.min(left));
            let fds = [self.as_fd(), requests.waker.as_fd()];
            if left.is_zero() || poll(fds, Some(sleep)).is_err() {
                return None;
            }
            requests.waker.clear();
        }
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Undoes what was inherited for the signals that a worker does not read.
fn reset_the_rest() -> io::Result<()> {
    READ[4..].iter().try_for_each(|name| reset_to_default(*name))
}

fn reset_to_default(name: Signal) -> io::Result<()> {
    let action = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: the default action runs no code of ours.
    unsafe { signal::sigaction(name, &action)? };
    Ok(())
}

/// All signals blocked, until dropped; for the moment around a fork.
#[derive(Debug)]
pub(super) struct AllBlocked {
    before: SigSet,
}

impl AllBlocked {
    pub(super) fn new() -> io::Result<Self> {
        let mut before = SigSet::empty();
        signal::pthread_sigmask(
            signal::SigmaskHow::SIG_SETMASK,
            Some(&SigSet::all()),
            Some(&mut before),
        )?;
        Ok(Self { before })
    }

    /// Keeps the signals blocked; the worker unblocks when it is ready to read them.
    pub(super) fn hand_over(self) {
        std::mem::forget(self);
    }
}

impl Drop for AllBlocked {
    fn drop(&mut self) {
        // Cannot fail: the mask is one that this thread had before.
        let _ = self.before.thread_set_mask();
    }
}

/// Sends a signal; a process that is gone already is not an error.
pub(crate) fn send(pid: i32, signal: Signal) -> io::Result<()> {
    match signal::kill(Pid::from_raw(pid), signal) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether this process runs as a daemon, `spec/launcher.md` §5: standard output is no terminal,
/// or a terminal whose foreground is another process group.
pub(crate) fn is_daemon() -> bool {
    match tcgetpgrp(io::stdout()) {
        Ok(foreground) => foreground != getpgrp(),
        Err(errno) => errno == Errno::ENOTTY,
    }
}
