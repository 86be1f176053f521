//! The floor: the least that starts and replaces N processes and knows that each is ready.
//!
//! What it does: one `fork` per worker; the child closes the parent's ends of two pipes, writes
//! one byte and blocks in a `read` that returns when the parent is gone; the parent reads one
//! byte per worker. When a child has died, `waitpid` and the same `fork` again.
//!
//! What it leaves out, and a supervisor cannot: it blocks, resets and reads no signal, asks for
//! no death signal, counts no threads, and has no state, throttle, drain, reload or log line.
//!
//! A second floor has a second thread in each worker, which reports while the first one waits:
//! that is how services run that may block, and the thread costs more than all of the above.

use std::io::{Read, Write};
use std::os::unix::net::UnixDatagram;

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};

use crate::subject::{Announce, announce};

/// Who writes the byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Worker {
    /// The one thread of the process.
    OneThread,
    /// A second thread, while the first waits for the parent's end.
    TwoThreads,
}

/// Starts `workers` processes, says `READY=1` on `manager`, then replaces whichever ends.
pub(crate) fn run(
    worker: Worker,
    workers: usize,
    how: Announce,
    manager: &UnixDatagram,
) -> std::io::Result<()> {
    let (reports_read, reports_write) = std::io::pipe()?;
    let (alive_read, alive_write) = std::io::pipe()?;
    let mut pipes = Pipes { reports_read, reports_write, alive_read, alive_write };
    for _ in 0..workers {
        pipes = pipes.fork(worker, how)?;
    }
    let mut ready = 0;
    let mut bytes = [0; 4096];
    while ready < workers {
        ready += pipes.reports_read.read(&mut bytes)?;
    }
    manager.send(b"READY=1")?;
    loop {
        waitpid(None, None)?;
        pipes = pipes.fork(worker, how)?;
        pipes.reports_read.read_exact(&mut bytes[..1])?;
    }
}

struct Pipes {
    reports_read: std::io::PipeReader,
    reports_write: std::io::PipeWriter,
    alive_read: std::io::PipeReader,
    /// Never written: its end is the parent's end.
    alive_write: std::io::PipeWriter,
}

impl Pipes {
    /// Returns in the parent only.
    fn fork(self, worker: Worker, how: Announce) -> std::io::Result<Self> {
        // SAFETY: this process has one thread: nothing has run in it but `main` and the calls
        // above, and Criterion is never set up in a subject. The child owns its copies of the
        // four descriptors and ends in `_exit`.
        match unsafe { fork() }? {
            ForkResult::Parent { .. } => Ok(self),
            ForkResult::Child => self.child(worker, how),
        }
    }

    fn child(self, worker: Worker, how: Announce) -> ! {
        let Self { reports_read, mut reports_write, mut alive_read, alive_write } = self;
        drop((reports_read, alive_write));
        let mut report = move || {
            let _ = reports_write.write_all(b"!");
            announce(how);
        };
        match worker {
            Worker::OneThread => report(),
            Worker::TwoThreads => drop(std::thread::spawn(move || {
                report();
                std::thread::park();
            })),
        }
        let _ = alive_read.read(&mut [0]);
        // SAFETY: takes an integer and does not return.
        unsafe { nix::libc::_exit(0) }
    }
}
