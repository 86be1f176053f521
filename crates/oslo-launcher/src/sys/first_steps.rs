//! What a program does about its own process before anything else, so that nothing comes too early.
//!
//! Order of steps: a umask for every file that will be made; what the starter left open is not
//! handed on; the signals that may come at any moment are held; the children of the starter are
//! noted, while there are none of our own. Then the program finds out what it is: a daemon takes
//! the signals over, a command gives them back.
//!
//! Until its launcher reads them, a daemon has a handler for TERM and INT that ends the process at
//! once: there is nothing yet that would have to be undone, a file that does not come must not
//! delay it, and as process 1 of a container a signal without a handler would be thrown away.

use std::os::fd::{BorrowedFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc::{self, c_int};
use nix::sys::signal::{
    self, SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, pthread_sigmask,
};
use nix::sys::stat::{Mode, umask};

use super::inherited::Inherited;
use super::signals::is_daemon;

/// What nobody but owner and group may do with what is made here.
const UMASK: Mode = Mode::S_IWGRP.union(Mode::S_IRWXO);

/// Held from the first step on. Not USR2: whoever reads it is known by that (`ask_report`).
const HELD: [Signal; 3] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];

/// Wait for the launcher, which reads them.
const LATER: [Signal; 4] = [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGALRM];

/// Pieces of memory from this size on, in bytes, go back to the system when they are freed: where the C library begins,
/// too (mallopt(3), `M_MMAP_THRESHOLD`).
const LARGE: c_int = 128 * 1024;

/// The first steps of a process; see the module's head.
///
/// ```no_run
/// use oslo_launcher::{FirstSteps, LauncherOptions};
///
/// let first = FirstSteps::take(); // the first line of `main`
/// let wants_help = std::env::args().any(|word| word == "--help");
/// if wants_help {
///     first.into_command(); // Ctrl-C as everywhere else
/// } else {
///     let options = LauncherOptions { inherited: first.into_daemon(), ..Default::default() };
///     // … read files, which TERM cuts short; make a launcher
/// }
/// ```
#[derive(Debug)]
#[must_use = "signals are held until it is known what this process is"]
pub struct FirstSteps {
    mask_before: SigSet,
    inherited: Inherited,
}

impl FirstSteps {
    /// Takes them. Only for a process that has one thread and no child of its own.
    pub fn take() -> Self {
        let before = umask(UMASK);
        umask(before | UMASK);
        close_on_exec();
        let mut mask_before = SigSet::empty();
        let held: SigSet = HELD.into_iter().collect();
        // Refused only for an operation that does not exist.
        let _ = pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&held), Some(&mut mask_before));
        Self { mask_before, inherited: Inherited::note() }
    }

    /// From now on TERM ends this process with status 0 and INT with 1, at once, until a launcher
    /// reads them; what has come since the first step does so now. HUP, USR1, USR2 and ALRM wait
    /// for that launcher. A file at its size limit is an error of a write, not the end. Large pieces of memory that are
    /// freed go back to the system, in every worker, too.
    ///
    /// Returns the children that the starter had, for
    /// [`LauncherOptions::inherited`](crate::LauncherOptions::inherited).
    pub fn into_daemon(self) -> Inherited {
        set_handler(Signal::SIGTERM, end_with_0);
        set_handler(Signal::SIGINT, end_with_1);
        // Not ignored: that would be passed on to every program we ever start.
        set_handler(Signal::SIGXFSZ, go_on);
        let later: SigSet = LATER.into_iter().collect();
        // As above. Undoes what the starter has blocked, too.
        let _ = later.thread_set_mask();
        give_back_large_pieces();
        // While there is a terminal: a HUP may come when it is gone.
        is_daemon();
        self.inherited
    }

    /// Gives the signals back; what has come meanwhile has its usual effect now.
    pub fn into_command(self) {
        // As above.
        let _ = self.mask_before.thread_set_mask();
    }
}

extern "C" fn end_with_0(_: c_int) {
    // SAFETY: `_exit` may be called in a signal handler (signal-safety(7)); nothing is left half
    // done that another process could see, as whoever kills this one may find out at any moment.
    unsafe { libc::_exit(0) }
}

extern "C" fn end_with_1(_: c_int) {
    // SAFETY: as above.
    unsafe { libc::_exit(1) }
}

extern "C" fn go_on(_: c_int) {}

fn set_handler(name: Signal, handler: extern "C" fn(c_int)) {
    let action = SigAction::new(SigHandler::Handler(handler), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: each of the handlers above does nothing, or what a handler may do. Refused only for
    // a signal that can have no handler.
    let _ = unsafe { signal::sigaction(name, &action) };
}

/// Has the C library's allocator not learn from what it gives out: each large piece that is freed has it keep all that
/// are as large, up to 32 MiB, in as many places as threads have had one for a moment.
fn give_back_large_pieces() {
    #[cfg(target_env = "gnu")]
    // SAFETY: takes plain numbers, and sets one. Refused only for a name that does not exist.
    let _ = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
}

/// Lets no program that we start inherit what our starter left open.
fn close_on_exec() {
    const FIRST: RawFd = 3;
    let flag = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: sets a flag of descriptors; closes none.
    if unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, flag) } == 0 {
        return;
    }
    one_by_one(FIRST);
}

/// Before Linux 5.11.
fn one_by_one(first: RawFd) {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers = open.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    for number in numbers.filter(|number| *number >= first) {
        // SAFETY: borrowed for this call only, which fails for a number that is not open.
        let fd = unsafe { BorrowedFd::borrow_raw(number) };
        let _ = fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd;

    use super::*;

    /// Pages that this process has in memory, in MiB.
    #[cfg(target_env = "gnu")]
    fn resident() -> u64 {
        let text = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    #[test]
    #[cfg(target_env = "gnu")]
    fn large_pieces_of_memory_go_back_although_small_ones_lie_between_them() {
        give_back_large_pieces();
        // The allocator would take from this that all that are smaller had better be kept.
        drop(std::hint::black_box(vec![1_u8; 16 << 20]));
        let before = resident();
        let (large, small): (Vec<_>, Vec<_>) =
            (0..48).map(|_| (vec![1_u8; 1 << 20], Box::new([1_u8; 1 << 10]))).unzip();
        let full = resident();
        drop(std::hint::black_box(large));
        let after = resident();
        assert!(full >= before + 40, "{before} MiB, then {full}");
        assert!(after <= before + 8, "{before} MiB, then {after}");
        drop(std::hint::black_box(small));
    }

    #[test]
    fn an_old_kernel_is_told_of_each_descriptor() {
        let file = File::open("/dev/null").unwrap();
        let flags = || fcntl(&file, FcntlArg::F_GETFD).map(FdFlag::from_bits_truncate);
        fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
        one_by_one(file.as_raw_fd() + 1);
        assert_eq!(flags(), Ok(FdFlag::empty()));
        one_by_one(file.as_raw_fd());
        assert_eq!(flags(), Ok(FdFlag::FD_CLOEXEC));
    }
}
