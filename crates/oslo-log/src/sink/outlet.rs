//! One write that never waits, to what a reader can make wait: a pipe, a socket, a terminal.
//!
//! Must not set `O_NONBLOCK` on a descriptor that we were handed: the flag belongs to the open
//! file description, which the shell, the service manager or a sibling may share, and their own
//! writes would begin to fail. Instead:
//!
//! * a pipe or terminal is opened once more by its name in `/proc`, which gives a description of
//!   our own;
//! * a socket is asked per message;
//! * where neither works (no `/proc`, or a pipe that belongs to another user) the descriptor is
//!   polled, and gets no more than a pipe takes in one go. That leaves a race: another writer of
//!   the same pipe can fill it between our look and our write, which then waits for the reader.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use nix::sys::stat::{SFlag, fstat};

use super::stream::Carrier;

/// What a pipe that is ready takes at once, whatever else is written to it (pipe(7)).
const PIPE_BUF: usize = nix::libc::PIPE_BUF;

/// Flags for opening a path that may be a FIFO or a terminal. A regular file ignores them.
pub(crate) const OPEN_FLAGS: i32 = OFlag::O_NONBLOCK.union(OFlag::O_NOCTTY).bits();

/// Something that can be full.
#[derive(Debug)]
pub(crate) struct Outlet {
    handle: Handle,
    manner: Manner,
}

/// A descriptor: one that this process was started with, or a file of its own.
#[derive(Debug)]
pub(crate) enum Handle {
    Stdout,
    Stderr,
    File(File),
}

impl Handle {
    fn with_fd<T>(&self, body: impl FnOnce(BorrowedFd<'_>) -> T) -> T {
        match self {
            Self::Stdout => body(io::stdout().as_fd()),
            Self::Stderr => body(io::stderr().as_fd()),
            Self::File(file) => body(file.as_fd()),
        }
    }
}

/// What keeps a write from waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// The open file description is our own and does not block.
    Own,
    /// A flag of each message.
    Message,
    /// A look beforehand; the description is shared and blocks.
    Poll,
}

impl Outlet {
    /// The outlet behind a descriptor that we were handed; none if it never makes a writer wait
    /// for a reader.
    pub(crate) fn inherited(handle: Handle) -> Option<Self> {
        let (kind, number) = handle.with_fd(|fd| (kind(fd), fd.as_raw_fd()));
        Some(match kind? {
            Kind::Socket => Self { handle, manner: Manner::Message },
            Kind::Stream => match reopened(number) {
                Some(file) => Self { handle: Handle::File(file), manner: Manner::Own },
                None => Self { handle, manner: Manner::Poll },
            },
        })
    }

    /// The outlet behind a file opened with [`OPEN_FLAGS`], or the file again.
    ///
    /// # Errors
    ///
    /// The file itself, when it is a regular one or a device that never waits for a reader.
    pub(crate) fn opened(file: File) -> Result<Self, File> {
        match kind(file.as_fd()) {
            Some(Kind::Stream) => Ok(Self { handle: Handle::File(file), manner: Manner::Own }),
            _ => Err(file),
        }
    }

    /// The descriptor that a forked child must keep open.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.handle.with_fd(|fd| fd.as_raw_fd())
    }
}

impl Carrier for Outlet {
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.handle.with_fd(|fd| self.manner.write(fd, bytes)) {
                Ok(0) if !bytes.is_empty() => return Err(io::ErrorKind::WriteZero.into()),
                Err(Errno::EINTR) => {} // signals are finite
                result => return result.map_err(Into::into),
            }
        }
    }

    fn wait(&self, limit: Duration) -> bool {
        self.handle.with_fd(|fd| is_ready(fd, limit))
    }
}

impl Manner {
    fn write(self, fd: BorrowedFd<'_>, bytes: &[u8]) -> nix::Result<usize> {
        match self {
            Self::Own => nix::unistd::write(fd, bytes),
            Self::Message => {
                send(fd.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL)
            }
            Self::Poll if !is_ready(fd, Duration::ZERO) => Err(Errno::EAGAIN),
            Self::Poll => nix::unistd::write(fd, bytes.get(..PIPE_BUF).unwrap_or(bytes)),
        }
    }
}

pub(super) fn is_ready(fd: BorrowedFd<'_>, limit: Duration) -> bool {
    // poll(2) counts milliseconds; rounding down would make a busy loop of the last one.
    let millis = limit.as_nanos().div_ceil(1_000_000);
    let limit = PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX);
    // Interrupted counts as not ready: a signal that comes now is more urgent than a line.
    poll(&mut [PollFd::new(fd, PollFlags::POLLOUT)], limit).is_ok_and(|ready| ready > 0)
}

enum Kind {
    /// A pipe, FIFO or terminal.
    Stream,
    Socket,
}

fn kind(fd: BorrowedFd<'_>) -> Option<Kind> {
    let mode = SFlag::from_bits_truncate(fstat(fd).ok()?.st_mode) & SFlag::S_IFMT;
    match mode {
        SFlag::S_IFIFO => Some(Kind::Stream),
        SFlag::S_IFSOCK => Some(Kind::Socket),
        SFlag::S_IFCHR if fd.is_terminal() => Some(Kind::Stream),
        _ => None,
    }
}

/// Another open file description of the same pipe or terminal.
fn reopened(number: RawFd) -> Option<File> {
    let path = format!("/proc/self/fd/{number}");
    OpenOptions::new().append(true).custom_flags(OPEN_FLAGS).open(path).ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use nix::fcntl::{FcntlArg, fcntl};
    use nix::pty::openpty;
    use nix::unistd::pipe;

    use super::*;

    /// Writes until nothing goes any more; how many bytes went.
    fn fill(outlet: &Outlet) -> usize {
        let mut sum = 0;
        loop {
            match outlet.write(&[b'x'; 1000]) {
                Ok(count) => sum += count,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    return sum;
                }
            }
        }
    }

    /// As [`fill`], until it stays full: what has been written to a terminal is moved on by a thread of the kernel,
    /// which makes room once more. There is an end to that because nobody reads.
    fn fill_for_good(outlet: &Outlet) -> usize {
        let mut sum = fill(outlet);
        while outlet.wait(Duration::from_secs(1)) {
            sum += fill(outlet);
            assert!(sum < 64 << 20, "somebody reads");
        }
        sum
    }

    fn blocks(fd: &impl AsFd) -> bool {
        let flags = OFlag::from_bits_truncate(fcntl(fd, FcntlArg::F_GETFL).unwrap());
        !flags.contains(OFlag::O_NONBLOCK)
    }

    /// Takes a descriptor as if it had been inherited, and checks that the one it is a copy of
    /// stays as it was.
    fn check(ours: OwnedFd, manner: Manner, mut reader: impl Read) {
        let shared = ours.try_clone().unwrap();
        let outlet = Outlet::inherited(Handle::File(ours.into())).unwrap();
        assert_eq!(outlet.manner, manner);
        let sum = fill_for_good(&outlet);
        assert!(sum >= 1000, "{sum} bytes");
        assert!(blocks(&shared), "the description that others share has become non-blocking");
        let mut taken = vec![0; sum];
        reader.read_exact(&mut taken).unwrap();
        // As there, room may come bit by bit.
        let mut more = 0;
        while more < 1000 {
            assert!(outlet.wait(Duration::from_secs(10)), "{more} bytes");
            more += fill(&outlet);
        }
    }

    #[test]
    fn a_full_pipe_is_an_answer_and_the_shared_description_still_blocks() {
        let (reader, ours) = pipe().unwrap();
        check(ours, Manner::Own, File::from(reader));
    }

    #[test]
    fn a_full_socket_is_an_answer_and_the_shared_description_still_blocks() {
        let (reader, ours) = UnixStream::pair().unwrap();
        check(ours.into(), Manner::Message, reader);
    }

    #[test]
    fn a_terminal_that_nobody_reads_is_an_answer_and_the_shared_description_still_blocks() {
        let pty = openpty(None, None).unwrap();
        check(pty.slave, Manner::Own, File::from(pty.master));
    }

    #[test]
    fn without_a_description_of_our_own_a_full_pipe_is_looked_at_first() {
        let (reader, ours) = pipe().unwrap();
        let outlet = Outlet { handle: Handle::File(ours.into()), manner: Manner::Poll };
        assert_eq!(outlet.write(&[b'x'; 3 * PIPE_BUF]).unwrap(), PIPE_BUF);
        let sum = PIPE_BUF + fill(&outlet);
        assert!(blocks(&outlet.handle.with_fd(|fd| fd.try_clone_to_owned()).unwrap()));
        let mut taken = vec![0; sum];
        File::from(reader).read_exact(&mut taken).unwrap();
        // Nobody reads any more, which a look calls ready and a write calls broken.
        let broken = outlet.write(b"x").unwrap_err();
        assert_eq!(broken.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn what_has_no_reader_is_no_outlet() {
        let file = tempfile::tempfile().unwrap();
        assert!(Outlet::inherited(Handle::File(file)).is_none());
        let null = OpenOptions::new().write(true).open("/dev/null").unwrap();
        assert!(Outlet::opened(null).is_err());
    }
}
