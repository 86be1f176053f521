//! Signals as values: blocked everywhere, read from one descriptor.
//!
//! None of them ever gets a handler, so nothing runs at a random moment and no signal is lost between
//! a test and a wait (`spec/launcher.md` §12, defects 9 to 11).

use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{Pid, getpgrp, tcgetpgrp};

pub(crate) use nix::sys::signal::Signal;

/// The signals that a supervisor reads, the most urgent first; a forked worker reads the first four,
/// one in a process of its own the first five.
pub(crate) const READ: [Signal; 7] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGUSR2,
    Signal::SIGCHLD,
    Signal::SIGALRM,
    Signal::SIGUSR1,
];

/// How many reads one look takes at most: somebody may send faster than we read.
const READS: usize = 64;

/// Signals that have arrived, each once, in the order of [`READ`]: a TERM must not wait behind a
/// storm of HUPs, of which the kernel gives the lower number first.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrived(u8);

impl Arrived {
    pub(crate) fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    pub(crate) fn bits(self) -> u8 {
        self.0
    }
}

impl Iterator for Arrived {
    type Item = Signal;

    fn next(&mut self) -> Option<Signal> {
        let first = READ.get(self.0.trailing_zeros() as usize)?;
        self.0 &= self.0 - 1;
        Some(*first)
    }
}

/// What came along with SIGUSR2.
#[derive(Debug, Default)]
pub(crate) struct Along {
    /// Whether one came without anything, as `kill(1)` sends it.
    pub(crate) plain: bool,
    /// The values of the others, `sigqueue(3)`.
    pub(crate) values: Vec<u64>,
}

/// The read end of this process's signals.
#[derive(Debug)]
pub(crate) struct Signals {
    fd: SignalFd,
    /// What a forked worker blocks, made by its parent: each function that a child calls for the
    /// first time costs it a page fault.
    workers_mask: Box<SigSet>,
    along: RefCell<Along>,
}

impl Signals {
    /// Blocks all signals of the supervisor's set and reads them from now on.
    ///
    /// Also undoes what the process may have inherited: a blocked mask, and an ignored SIGCHLD,
    /// with which the kernel would throw exit statuses away.
    pub(crate) fn for_supervisor() -> io::Result<Self> {
        Self::read(&READ)
    }

    /// Reads what a worker in a process of its own reacts to. SIGALRM and SIGUSR1 keep their
    /// default action (`spec/launcher.md` §4). SIGCHLD tells of a job beside it and of children
    /// that its starter left; drivers wait for their own ones.
    pub(crate) fn for_worker() -> io::Result<Self> {
        READ[5..].iter().try_for_each(|name| set_action(*name, &default_action()))?;
        Self::read(&READ[..5])
    }

    /// The same in a forked child, with the descriptor of its parent: each process reads its own
    /// signals from it (signalfd(2)), and what a worker does not block never arrives there.
    ///
    /// All of these signals have had their default action since the supervisor took them over.
    pub(crate) fn into_workers(self) -> io::Result<Self> {
        self.workers_mask.thread_set_mask()?;
        self.along.take(); // came to the parent
        Ok(self)
    }

    fn read(names: &[Signal]) -> io::Result<Self> {
        let mask: SigSet = names.iter().copied().collect();
        let fd = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        // Blocked first: a TERM between the two would have the default action, or, as process 1,
        // none (`first_steps.rs`).
        mask.thread_set_mask()?;
        for name in names {
            // An ignored signal would not even reach the descriptor.
            set_action(*name, &default_action())?;
        }
        let workers_mask = Box::new(READ[..4].iter().copied().collect());
        Ok(Self { fd, workers_mask, along: RefCell::default() })
    }

    /// Takes the signals that have arrived.
    pub(crate) fn take(&self) -> Arrived {
        let mut arrived = Arrived::default();
        for _ in 0..READS {
            let Ok(Some(info)) = self.fd.read_signal() else { break };
            let number = info.ssi_signo as i32;
            let place = READ.iter().position(|signal| *signal as i32 == number);
            arrived.0 |= place.map_or(0, |place| 1 << place);
            if number == Signal::SIGUSR2 as i32 {
                match info.ssi_code {
                    libc::SI_QUEUE => self.along.borrow_mut().values.push(info.ssi_ptr),
                    _ => self.along.borrow_mut().plain = true,
                }
            }
        }
        arrived
    }

    /// Takes what came along with the SIGUSR2 among the signals so far.
    pub(crate) fn take_along(&self) -> Along {
        self.along.take()
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn default_action() -> SigAction {
    SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty())
}

fn set_action(name: Signal, default: &SigAction) -> io::Result<()> {
    // SAFETY: only ever called with the default action, which runs no code of ours.
    unsafe { signal::sigaction(name, default)? };
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

/// Sends SIGUSR2 with a value along.
pub(crate) fn send_along(pid: i32, value: u64) -> io::Result<()> {
    let value = libc::sigval { sival_ptr: value as *mut libc::c_void };
    // SAFETY: sends a signal; the value is a number that nobody takes for an address.
    Errno::result(unsafe { libc::sigqueue(pid, libc::SIGUSR2, value) })?;
    Ok(())
}

/// Whether this process runs as a daemon, `spec/launcher.md` §5: standard output is no terminal,
/// or a terminal whose foreground is another process group.
///
/// A terminal that is gone does not say any more whose it was: then it is as it was at the last look, of which the first
/// is at the start. A program that was in its foreground ends with it; a daemon goes on, and is one.
pub(crate) fn is_daemon() -> bool {
    judge(tcgetpgrp(io::stdout()).map(|foreground| foreground != getpgrp()), &WAS_DAEMON)
}

/// What the last look at a terminal said.
static WAS_DAEMON: AtomicBool = AtomicBool::new(false);

fn judge(looked: nix::Result<bool>, before: &AtomicBool) -> bool {
    match looked {
        Ok(is_daemon) => {
            before.store(is_daemon, Ordering::Relaxed);
            is_daemon
        }
        Err(Errno::EIO) => before.load(Ordering::Relaxed),
        Err(errno) => errno == Errno::ENOTTY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_that_is_gone_leaves_a_daemon_what_it_was() {
        let before = AtomicBool::new(false);
        assert!(!judge(Err(Errno::EIO), &before), "nobody has looked");
        assert!(judge(Ok(true), &before) && judge(Err(Errno::EIO), &before));
        assert!(!judge(Ok(false), &before) && !judge(Err(Errno::EIO), &before));
        assert!(judge(Err(Errno::ENOTTY), &before) && !judge(Err(Errno::EBADF), &before));
    }

    #[test]
    fn defect_11_what_is_urgent_comes_first_and_each_signal_once() {
        let bit = |name| 1 << READ.iter().position(|signal| *signal == name).unwrap();
        let names = [Signal::SIGHUP, Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGHUP];
        let bits = names.into_iter().map(bit).fold(0, |all, bit: u8| all | bit);
        let order: Vec<Signal> = Arrived::from_bits(bits).collect();
        assert_eq!(order, [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGCHLD]);
    }
}
