//! Waiting: for descriptors, for the end of processes. Never by polling.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::poll::{PollFd, PollFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::time::TimeSpec;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, getpid, pipe2, read};

use crate::ended::Ended;

/// How often to look when the kernel will not wait for us.
///
/// `poll(2)` refuses to watch more descriptors than `RLIMIT_NOFILE` allows, and that can be
/// lowered under a running process; it may also be out of memory for a moment.
const BLIND: Duration = Duration::from_millis(100);

/// The kernel refuses a time that it cannot count.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// Blocks until one of `fds` is readable or at its end, or `limit` has passed (`None`: for ever).
///
/// What is true may be readable; what is not, is not. So a kernel that will not wait makes us look
/// at everything, only slower.
pub(crate) fn poll<const N: usize>(fds: [BorrowedFd<'_>; N], limit: Option<Duration>) -> [bool; N] {
    let mut set = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    let time = limit.map(|limit| TimeSpec::from(limit.min(LONGEST)));
    match nix::poll::ppoll(&mut set, time, None) {
        // EINTR: stopped and continued; the caller looks at its clock and comes back.
        Ok(_) | Err(Errno::EINTR) => set.map(|entry| entry.any().unwrap_or(false)),
        Err(_) => {
            std::thread::sleep(limit.map_or(BLIND, |limit| limit.min(BLIND)));
            [true; N]
        }
    }
}

/// A non-blocking pipe, closed on exec. Either end can be given up.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) read: Option<OwnedFd>,
    pub(crate) write: Option<OwnedFd>,
}

impl Pipe {
    pub(crate) fn new() -> io::Result<Self> {
        let (read, write) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        Ok(Self { read: Some(read), write: Some(write) })
    }

    /// Its read and its write end.
    pub(crate) fn split(self) -> (OwnedFd, OwnedFd) {
        let both = self.read.zip(self.write);
        both.expect("nothing has been given up of a new pipe")
    }

    /// Takes everything out; false once all writers are gone.
    #[inline(never)] // its buffer would be part of the stack of every worker's loop
    pub(crate) fn drain(fd: impl AsFd) -> bool {
        let mut buffer = [0; 4096];
        loop {
            match read(&fd, &mut buffer) {
                Ok(0) => return false,
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return true,
            }
        }
    }
}

/// A pipe for a child to write to and its parent to read from: only the reader never waits.
pub(crate) fn pipe_to_parent() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
    fcntl(&read, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((read, write))
}

/// Wakes a process that waits for it; shared with forked children, which wake their parent.
///
/// An `eventfd(2)`: unlike a pipe it has no other end that could be gone and kill the writer.
#[derive(Debug, Clone)]
pub(crate) struct Waker(Arc<EventFd>);

impl Waker {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Self(Arc::new(EventFd::from_flags(flags)?)))
    }

    /// Wakes whoever waits, or will.
    pub(crate) fn wake(&self) {
        // Fails only when it has been written to 2^64 times, and then it is readable anyway.
        let _ = self.0.write(1);
    }

    /// The same in a signal handler, which may have interrupted code that looks at `errno`.
    pub(crate) fn wake_from_handler(&self) {
        let errno = Errno::last_raw();
        self.wake();
        Errno::set_raw(errno);
    }

    /// Takes all wake-ups so far.
    pub(crate) fn clear(&self) {
        let _ = self.0.read();
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The answer of [`reap_next`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reaped {
    /// A worker has ended; its status is taken.
    Worker(i32, Ended),
    /// As the reaper of a container we took the status of somebody else's orphan.
    Orphan(i32),
    /// A child that is not ours to reap stands in front; look for the workers one by one.
    Foreign,
    /// Nobody has ended.
    Nobody,
}

/// Whose a child is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The launcher's, which wants its status.
    Worker,
    /// Somebody else's in this process, who takes the status.
    Other,
    /// An orphan or not, as far as the launcher knows.
    Unknown,
}

/// Takes the status of one ended child, if it is a worker or an orphan for us to reap.
///
/// Looks before it takes, so that a status which belongs to other code of this process stays
/// there for it (`spec/launcher.md` §12, defect 16). With `unknown_are_ours` there is no such code.
pub(crate) fn reap_next(whose: impl Fn(i32) -> Whose, unknown_are_ours: bool) -> Reaped {
    let Some(pid) = ended_child() else { return Reaped::Nobody };
    let whose = whose(pid.as_raw());
    if whose == Whose::Worker {
        reap_known(pid.as_raw()).map_or(Reaped::Nobody, |end| Reaped::Worker(pid.as_raw(), end))
    } else if whose == Whose::Unknown && (unknown_are_ours || inherits_orphans()) {
        // Its status interests nobody; taking it frees the slot in the process table.
        let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
        Reaped::Orphan(pid.as_raw())
    } else {
        Reaped::Foreign
    }
}

/// Takes the status of one ended orphan, for whoever leaves the workers to threads of their own.
///
/// None while a worker stands in front; there is something to hear once its thread has taken it.
pub(crate) fn reap_orphan(is_worker: impl Fn(i32) -> bool, unknown_are_ours: bool) -> Option<i32> {
    if !unknown_are_ours && !inherits_orphans() {
        return None;
    }
    let pid = ended_child().filter(|pid| !is_worker(pid.as_raw()))?;
    let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
    Some(pid.as_raw())
}

/// Some child that has ended; its status stays where it is.
fn ended_child() -> Option<Pid> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    waitid(Id::All, flags).ok()?.pid()
}

/// Whether processes that lose their parent become our children.
fn inherits_orphans() -> bool {
    getpid().as_raw() == 1 || prctl::get_child_subreaper().unwrap_or(false)
}

/// Takes the status of this child if it has ended.
pub(crate) fn reap_known(pid: i32) -> Option<Ended> {
    match waitpid(Pid::from_raw(pid), Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::Exited(_, status)) => Some(Ended::Exited(status)),
        Ok(WaitStatus::Signaled(_, signal, _)) => Some(Ended::Signalled(signal as i32)),
        // Somebody else took the status: the process is gone, which is what matters here.
        Err(Errno::ECHILD) => Some(Ended::Unknown),
        _ => None,
    }
}

/// Waits for the end of a child that has been killed, and takes its status; none at the limit.
///
/// For a process that blocks SIGCHLD. One that came for another child is lost, so look for those
/// afterwards.
pub(crate) fn wait_for_end(pid: i32, limit: Duration) -> Option<Ended> {
    let end = Instant::now() + limit;
    let child: libc::sigset_t = *SigSet::from(Signal::SIGCHLD).as_ref();
    loop {
        if let Some(ended) = reap_known(pid) {
            return Some(ended);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        let time = TimeSpec::from(left);
        // SAFETY: both point to values that outlive the call; it may write no more than nothing.
        // Its answer does not matter: whether the child has ended is looked at again.
        unsafe { libc::sigtimedwait(&child, std::ptr::null_mut(), time.as_ref()) };
    }
}
