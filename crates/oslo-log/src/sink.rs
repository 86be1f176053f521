//! Where lines go: one `write` per record, straight to the descriptor.
//!
//! What can be full (pipe, socket, terminal) never makes the process wait: its lines wait instead,
//! see `stream.rs`. A regular file is written to directly, and a disk that is stuck is waited for.
//!
//! Must not start a thread, write a line of another process, panic, or retry for ever. A line that
//! cannot be written is dropped, and the caller counts it.

mod backlog;
mod datagram;
mod followed;
mod journal;
mod outlet;
mod retry;
mod room;
mod schedule;
mod stream;
mod syslog;

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use followed::Followed;
pub(crate) use followed::Rotation;
use journal::Journal;
use outlet::{Handle, Outlet};
use room::Room;
pub(crate) use schedule::Schedule;
use stream::{Carrier as _, Stream};
use syslog::Syslog;

use crate::LogError;
use crate::layout::Record;

/// Makes a WARNING about the log itself, in the destination's own format.
pub(crate) type Notice<'a> = &'a dyn Fn(fmt::Arguments<'_>) -> Vec<u8>;

/// One rendered record.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    /// All of it, newline included.
    pub(crate) text: &'a str,
    /// The part that is about an error, if there is one.
    pub(crate) error: &'a str,
    pub(crate) record: &'a Record<'a>,
}

/// The outcome of an attempt to write what waits.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flushed {
    /// Lines that turned out to be lost.
    pub(crate) lost: u64,
    /// If something still waits: the time after which it should be offered again.
    pub(crate) again: Option<Duration>,
}

/// One destination.
#[derive(Debug)]
pub(crate) enum Sink {
    File {
        path: PathBuf,
        file: File,
        room: Room,
    },
    Followed(Followed),
    Stream(Stream<Outlet>),
    Syslog(Syslog),
    Journal(Journal),
    Stderr,
    Stdout,
    /// Python's `NullHandler`.
    Nowhere,
}

impl Sink {
    /// A log file, which is opened here, once: forked workers share the descriptor. A look gives a sink without it.
    ///
    /// # Errors
    ///
    /// [`LogError::Open`] if it cannot be opened for append.
    pub(crate) fn file(
        path: &Path,
        watch: bool,
        rotation: Option<Rotation>,
        opening: Opening,
    ) -> Result<Self, LogError> {
        let cannot = |source| LogError::Open { path: path.to_owned(), source };
        if opening == Opening::Look {
            return look(path).map(|()| Self::Nowhere).map_err(cannot);
        }
        let file = append(path).map_err(cannot)?;
        let is_regular = file.metadata().is_ok_and(|found| found.is_file());
        Ok(match Self::named(path, file) {
            // Nobody renames a device, least of all we.
            Self::File { file, .. } if is_regular && (watch || rotation.is_some()) => {
                Self::Followed(Followed::new(path.to_owned(), file, rotation))
            }
            sink => sink,
        })
    }
}

/// What becomes of a file that is named as a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    /// It is opened, and made if it does not exist.
    Open,
    /// It is looked at only: whether it could be opened.
    Look,
}

/// Whether [`append`] would open a file, as far as can be seen without opening or making it.
fn look(path: &Path) -> io::Result<()> {
    use nix::unistd::{AccessFlags, eaccess};
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(nix::errno::Errno::EISDIR.into()),
        Ok(_) => Ok(eaccess(path, AccessFlags::W_OK)?),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let directory = directory.unwrap_or(Path::new("."));
            if !std::fs::metadata(directory)?.is_dir() {
                return Err(nix::errno::Errno::ENOTDIR.into());
            }
            Ok(eaccess(directory, AccessFlags::W_OK | AccessFlags::X_OK)?)
        }
        Err(cause) => Err(cause),
    }
}

/// Opens a log file, which may be a FIFO or a terminal.
///
/// A FIFO is opened for reading, too: without a reader it could not be opened for writing alone,
/// and a reader that is restarted would cost the lines written meanwhile (fifo(7)).
fn append(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
    let mut options = OpenOptions::new();
    options.append(true).custom_flags(outlet::OPEN_FLAGS);
    if std::fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo()) {
        let both = options.clone().read(true).open(path);
        return both.or_else(|_| options.open(path));
    }
    options.create(true).open(path)
}

impl Sink {
    pub(crate) fn stdout() -> Self {
        Self::inherited("standard output", Handle::Stdout).unwrap_or(Self::Stdout)
    }

    pub(crate) fn stderr() -> Self {
        Self::inherited("standard error", Handle::Stderr).unwrap_or(Self::Stderr)
    }

    fn inherited(name: &str, handle: Handle) -> Option<Self> {
        Some(Self::Stream(Stream::new(name.to_owned(), Outlet::inherited(handle)?)))
    }

    fn named(path: &Path, file: File) -> Self {
        match Outlet::opened(file) {
            Ok(outlet) => Self::Stream(Stream::new(path.display().to_string(), outlet)),
            Err(file) => Self::File { path: path.to_owned(), file, room: Room::default() },
        }
    }

    /// Syslog at `socket`, with the name of its facility; and why nobody listens there now, if so.
    ///
    /// # Errors
    ///
    /// [`LogError::UnknownFacility`].
    pub(crate) fn syslog(
        socket: &Path,
        facility: &str,
        program: &str,
    ) -> Result<(Self, Option<io::Error>), LogError> {
        let syslog = Syslog::new(socket, syslog::facility(facility)?, program);
        let trouble = syslog.datagram().try_connect().err();
        Ok((Self::Syslog(syslog), trouble))
    }

    /// The journal at `socket`.
    ///
    /// # Errors
    ///
    /// [`LogError::UnknownFacility`]; [`LogError::Journal`] when there is no journal: the original
    /// refuses to start without its library, too, and a log to nowhere helps nobody.
    pub(crate) fn journal(socket: &Path, facility: &str, program: &str) -> Result<Self, LogError> {
        let journal = Journal::new(socket, syslog::facility(facility)?, program);
        let connected = journal.datagram().try_connect();
        connected.map_err(|source| LogError::Journal { path: socket.to_owned(), source })?;
        Ok(Self::Journal(journal))
    }

    /// The descriptor behind this sink, if it has one now.
    pub(crate) fn descriptor(&self) -> Option<std::os::fd::RawFd> {
        use std::os::fd::AsRawFd;
        match self {
            Self::File { file, .. } => Some(file.as_raw_fd()),
            Self::Followed(followed) => Some(followed.descriptor()),
            Self::Stream(stream) => Some(stream.carrier().descriptor()),
            Self::Syslog(syslog) => syslog.datagram().descriptor(),
            Self::Journal(journal) => journal.datagram().descriptor(),
            Self::Stderr => Some(io::stderr().as_raw_fd()),
            Self::Stdout => Some(io::stdout().as_raw_fd()),
            Self::Nowhere => None,
        }
    }
}

impl Sink {
    /// Writes one record or keeps it; returns how many lines were lost on this occasion.
    pub(crate) fn write(&self, line: &Line<'_>, notice: Notice<'_>) -> u64 {
        let bytes = line.text.as_bytes();
        let written = match self {
            Self::File { path, file, room } => {
                room.write(path, bytes, notice, |rest| io::Write::write(&mut &*file, rest))
            }
            Self::Followed(followed) => followed.write(bytes, notice),
            Self::Stream(stream) => return stream.write(bytes, notice),
            Self::Syslog(syslog) => return syslog.write(line, notice),
            Self::Journal(journal) => return journal.write(line, notice),
            Self::Stderr => write_record(bytes, write_stderr_once),
            Self::Stdout => write_record(bytes, write_stdout_once),
            Self::Nowhere => true,
        };
        u64::from(!written)
    }

    /// Writes what waits here: what there is room for, or what its reader takes until `deadline`.
    pub(crate) fn flush(&self, deadline: Option<Instant>, notice: Notice<'_>) -> Flushed {
        match self {
            Self::Stream(stream) => stream.flush(deadline, notice),
            Self::Syslog(syslog) => syslog.flush(deadline, notice),
            Self::Journal(journal) => journal.flush(deadline, notice),
            _ => Flushed::default(),
        }
    }
}

/// How long a report may wait for a reader of standard error.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// Writes a long text to standard error as its reader takes it, giving up after `patience`.
pub(crate) fn write_stderr_within(bytes: &[u8], patience: Duration) -> bool {
    let Some(outlet) = Outlet::inherited(Handle::Stderr) else {
        return write_record(bytes, write_stderr_once);
    };
    let deadline = Instant::now() + patience;
    write_record(bytes, |rest| {
        loop {
            match outlet.write(rest) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left == Duration::ZERO || !outlet.wait(left) {
                        return Err(error);
                    }
                }
                result => return result,
            }
        }
    })
}

/// Offers `bytes` to `write` as a whole; what the kernel did not take is offered again.
///
/// An append-mode file takes a record in one go, so records of several processes never mix.
/// Every turn makes progress or ends the loop, except for signals, which are finite.
fn write_record(bytes: &[u8], mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> bool {
    let mut rest = bytes;
    while !rest.is_empty() {
        match write(rest) {
            Ok(0) => return false,
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
    true
}

// `std::io::Stdout` buffers lines and both handles lock: neither survives a fork well.
fn write_stdout_once(bytes: &[u8]) -> io::Result<usize> {
    nix::unistd::write(io::stdout(), bytes).map_err(Into::into)
}

fn write_stderr_once(bytes: &[u8]) -> io::Result<usize> {
    nix::unistd::write(io::stderr(), bytes).map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_offered_whole_and_the_rest_again() {
        let mut offers = Vec::new();
        let mut results = [Ok(3), Err(io::ErrorKind::Interrupted.into()), Ok(2)].into_iter();
        assert!(write_record(b"abcde", |rest| {
            offers.push(rest.to_vec());
            results.next().unwrap()
        }));
        assert_eq!(offers, [b"abcde".to_vec(), b"de".to_vec(), b"de".to_vec()]);
    }

    #[test]
    fn an_error_or_a_full_sink_ends_the_attempt_at_once() {
        for kind in [io::ErrorKind::WouldBlock, io::ErrorKind::BrokenPipe, io::ErrorKind::Other] {
            let mut calls = 0;
            assert!(!write_record(b"abc", |_| {
                calls += 1;
                Err(kind.into())
            }));
            assert_eq!(calls, 1);
        }
        assert!(!write_record(b"abc", |_| Ok(0)));
    }
}
