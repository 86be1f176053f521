//! A program as a child of this process: started with a line to us, ended, waited for.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Command;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};
use nix::unistd::Pid;

use super::signals::send;
use super::wait::reap_known;
use crate::ended::Ended;

/// Starts the command with its standard input connected to us; its process id and our end.
pub(crate) fn start_program(mut command: Command) -> io::Result<(i32, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    let child = command.stdin(OwnedFd::from(theirs)).spawn()?;
    drop(command); // it holds our copy of the child's end
    Ok((child.id() as i32, ours))
}

/// Blocks until this child has ended, and takes its status.
pub(crate) fn wait_for(pid: i32) -> Ended {
    // The status is left in place until it is taken below, so the pid cannot be another process's
    // in between.
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    while waitid(Id::Pid(Pid::from_raw(pid)), flags).is_err_and(again) {}
    reap_known(pid).unwrap_or(Ended::Unknown)
}

/// Ends a child that nobody will ever wait for, and waits for it.
pub(crate) fn kill_and_wait(pid: i32) {
    // Refused only for a process that is not ours.
    let _ = send(pid, Signal::SIGKILL);
    while waitpid(Pid::from_raw(pid), None).is_err_and(again) {}
}

fn again(errno: Errno) -> bool {
    errno == Errno::EINTR
}
