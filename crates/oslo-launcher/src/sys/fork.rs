//! Forking workers.
//!
//! A fork copies one thread and every lock. If another thread holds the allocator's lock at that
//! moment, the child waits for it for ever. We avoid the whole question by never having a second
//! thread, and we check instead of hoping. Order of steps:
//!
//! 1. refuse if there is a second thread;
//! 2. block every signal, so that one sent to the child at once waits for it;
//! 3. fork; the parent restores its mask;
//! 4. the child arms the death signal, checks that it was not too late for that, and runs its
//!    body, which unblocks signals by reading them. It never returns into the parent's code.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};

use super::signals::AllBlocked;
use crate::error::LaunchError;

/// Exit status of a worker whose body panicked, `spec/launcher.md` §4.
const UNHANDLED: i32 = 2;

/// Why there is no new process.
#[derive(Debug)]
pub(crate) enum NotForked {
    /// So many threads exist, not one; 0 when the kernel would not say.
    Threads(usize),
    /// The kernel refused, most often at a process limit.
    Refused(io::Error),
}

impl NotForked {
    /// The error for the user of this crate, who wants to know which worker it was.
    pub(crate) fn of(self, worker: &str) -> LaunchError {
        let worker = worker.to_owned();
        match self {
            Self::Threads(threads) => LaunchError::MultiThreaded { worker, threads },
            Self::Refused(source) => LaunchError::Spawn { worker, source },
        }
    }
}

/// Starts a worker process that runs `body`; returns only in the parent.
///
/// # Errors
///
/// [`NotForked`] if a second thread exists, or if the kernel refuses.
pub(crate) fn fork_worker(body: impl FnOnce(ParentWatch) -> i32) -> Result<i32, NotForked> {
    let threads = thread_count();
    if threads != 1 {
        return Err(NotForked::Threads(threads));
    }
    // In the parent: a child that asked for its parent might be told whoever has adopted it.
    let parent = getpid();
    // Before the fork, not in the child: whatever comes in its first moments would run the handlers
    // of the parent's program, on copies of the parent's data.
    let mask = AllBlocked::new().map_err(NotForked::Refused)?;

    // SAFETY: this process has exactly one thread, so no lock can be held by a thread that the
    // child lacks. The child may allocate and open files freely; it owns copies of all our
    // descriptors and closes those it must not have in `body`.
    match unsafe { fork() } {
        Ok(ForkResult::Parent { child }) => Ok(child.as_raw()),
        Ok(ForkResult::Child) => {
            // Kept blocked beyond the body's first steps: only the body knows when it can read them.
            mask.hand_over();
            // A panic must end here. Above this frame stands the parent's loop, which the child has a
            // copy of, with all workers in it.
            let status = catch_unwind(AssertUnwindSafe(|| body(ParentWatch { parent })));
            exit_now(status.unwrap_or(UNHANDLED))
        }
        Err(errno) => Err(NotForked::Refused(errno.into())),
    }
}

/// The parent as its child remembers it.
#[derive(Debug)]
pub(crate) struct ParentWatch {
    parent: Pid,
}

impl ParentWatch {
    /// Asks the kernel for this signal when the parent dies; false if it is dead already.
    ///
    /// Only the belt: the pipe's end-of-file is what counts, because a death signal is lost over
    /// an exec of a privileged program and does not exist everywhere.
    pub(crate) fn arm(&self, signal: Signal) -> bool {
        // Refused only for an invalid signal number.
        let _ = prctl::set_pdeathsig(signal);
        getppid() == self.parent
    }
}

/// Ends this process without running the exit handlers it inherited from its parent.
fn exit_now(status: i32) -> ! {
    // SAFETY: `_exit` takes an integer and does not return; no destructor of the parent's copies
    // runs, which is the point.
    unsafe { nix::libc::_exit(status) }
}

/// Gives this process another name than its parent's, for `ps` and for whoever counts workers.
pub(crate) fn rename_process(name: &std::ffi::CStr) {
    // Refused for no name that is short enough.
    let _ = prctl::set_name(name);
}

/// Threads of this process; 0 when the kernel will not say.
fn thread_count() -> usize {
    // The kernel grants this no-op to single-threaded processes only, unshare(2). A container may
    // forbid the call altogether.
    if unshare(CloneFlags::CLONE_THREAD).is_ok() {
        return 1;
    }
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}
