//! Where lines go: one `write` per record, straight to the descriptor.
//!
//! Must not buffer (a fork would print the buffer twice), hold a lock over a fork, panic, or
//! retry for ever. A line that cannot be written is dropped, and the caller counts it.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::{LogError, LogOptions};

/// One destination.
#[derive(Debug)]
pub(crate) enum Sink {
    File(File),
    Watched(WatchedFile),
    Stderr,
    Stdout,
}

/// The destinations that `options` ask for (spec/logging.md §2.1).
///
/// # Errors
///
/// [`LogError::Open`] if the log file cannot be opened for append.
pub(crate) fn open_sinks(options: &LogOptions) -> Result<Vec<Sink>, LogError> {
    let mut sinks = Vec::with_capacity(2);
    if let Some(path) = options.log_path() {
        let file = append(&path).map_err(|source| LogError::Open { path: path.clone(), source })?;
        sinks.push(if options.watch_log_file {
            Sink::Watched(WatchedFile { path, file: RwLock::new(file) })
        } else {
            Sink::File(file)
        });
    }
    if options.use_stderr {
        sinks.push(Sink::Stderr);
    }
    if sinks.is_empty() {
        sinks.push(Sink::Stdout);
    }
    Ok(sinks)
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

impl Sink {
    /// Writes one record; false if it, or its end, was lost.
    pub(crate) fn write(&self, bytes: &[u8]) -> bool {
        match self {
            Self::File(file) => write_record(bytes, |rest| io::Write::write(&mut &*file, rest)),
            Self::Watched(watched) => watched.write(bytes),
            Self::Stderr => write_record(bytes, write_stderr_once),
            Self::Stdout => write_record(bytes, write_stdout_once),
        }
    }

    /// The descriptor behind this sink.
    #[cfg(unix)]
    pub(crate) fn descriptor(&self) -> std::os::fd::RawFd {
        use std::os::fd::AsRawFd;
        match self {
            Self::File(file) => file.as_raw_fd(),
            Self::Watched(watched) => {
                watched.file.read().unwrap_or_else(PoisonError::into_inner).as_raw_fd()
            }
            Self::Stderr => io::stderr().as_raw_fd(),
            Self::Stdout => io::stdout().as_raw_fd(),
        }
    }
}

/// How long a report may wait for a reader of standard error.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// Writes a long text to standard error in pieces, giving up after `patience`.
///
/// A pipe that is ready takes a piece of this size at once, whatever the text's length.
pub(crate) fn write_stderr_within(bytes: &[u8], patience: Duration) -> bool {
    const PIECE: usize = 4096; // PIPE_BUF on Linux, pipe(7)
    let deadline = Instant::now() + patience;
    bytes.chunks(PIECE).all(|piece| {
        stderr_ready(deadline.saturating_duration_since(Instant::now()))
            && write_record(piece, write_stderr_once)
    })
}

#[cfg(unix)]
fn stderr_ready(patience: Duration) -> bool {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;
    let stderr = io::stderr();
    let mut wanted = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::ZERO);
    // Interrupted counts as not ready: a signal that comes now is more urgent than a report.
    poll(&mut wanted, timeout).is_ok_and(|ready| ready > 0)
}

#[cfg(not(unix))]
fn stderr_ready(_patience: Duration) -> bool {
    true
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
#[cfg(unix)]
fn write_stdout_once(bytes: &[u8]) -> io::Result<usize> {
    nix::unistd::write(io::stdout(), bytes).map_err(Into::into)
}

#[cfg(unix)]
fn write_stderr_once(bytes: &[u8]) -> io::Result<usize> {
    nix::unistd::write(io::stderr(), bytes).map_err(Into::into)
}

#[cfg(not(unix))]
fn write_stdout_once(bytes: &[u8]) -> io::Result<usize> {
    let mut stdout = io::stdout().lock();
    let written = io::Write::write(&mut stdout, bytes)?;
    io::Write::flush(&mut stdout)?;
    Ok(written)
}

#[cfg(not(unix))]
fn write_stderr_once(bytes: &[u8]) -> io::Result<usize> {
    io::Write::write(&mut io::stderr(), bytes)
}

/// A file that follows its path: `watch_log_file`.
///
/// The lock is taken for writing only while the file is being replaced. The process forks
/// with a single thread, which then is not inside this type.
#[derive(Debug)]
pub(crate) struct WatchedFile {
    path: PathBuf,
    file: RwLock<File>,
}

impl WatchedFile {
    fn write(&self, bytes: &[u8]) -> bool {
        if self.moved_away(&self.file.read().unwrap_or_else(PoisonError::into_inner)) {
            self.reopen();
        }
        let file = self.file.read().unwrap_or_else(PoisonError::into_inner);
        write_record(bytes, |rest| io::Write::write(&mut &*file, rest))
    }

    /// Another thread may have been quicker, so this looks again under the lock. If the path
    /// cannot be opened, lines go on into the file we have rather than nowhere.
    fn reopen(&self) {
        let mut file = self.file.write().unwrap_or_else(PoisonError::into_inner);
        if self.moved_away(&file)
            && let Ok(fresh) = append(&self.path)
        {
            *file = fresh;
        }
    }

    #[cfg(unix)]
    fn moved_away(&self, file: &File) -> bool {
        use std::os::unix::fs::MetadataExt;
        match (std::fs::metadata(&self.path), file.metadata()) {
            (Ok(named), Ok(open)) => (named.dev(), named.ino()) != (open.dev(), open.ino()),
            (Err(error), _) => error.kind() == io::ErrorKind::NotFound,
            (Ok(_), Err(_)) => false,
        }
    }

    #[cfg(not(unix))]
    fn moved_away(&self, _file: &File) -> bool {
        !self.path.exists()
    }
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

    #[test]
    fn a_watched_file_follows_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let options = LogOptions {
            log_file: Some(path.clone()),
            watch_log_file: true,
            ..LogOptions::default()
        };
        let sinks = open_sinks(&options).unwrap();
        let write = |text: &str| assert!(sinks[0].write(text.as_bytes()));
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();

        write("one\n");
        std::fs::rename(&path, dir.path().join("x.log.1")).unwrap();
        write("two\n");
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "made by rotation\n").unwrap();
        write("three\n");
        assert_eq!(read(&dir.path().join("x.log.1")), "one\n");
        assert_eq!(read(&path), "made by rotation\nthree\n");
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_an_error_with_path_and_cause() {
        let options =
            LogOptions { log_file: Some("/no/such/dir/x.log".into()), ..LogOptions::default() };
        let error = open_sinks(&options).unwrap_err();
        assert_eq!(error.to_string(), "cannot open log file /no/such/dir/x.log");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("No such file"), "{cause}");
    }

    #[test]
    fn destinations_add_up_and_stdout_is_the_last_resort() {
        let dir = tempfile::tempdir().unwrap();
        let kinds = |log_dir: Option<PathBuf>, use_stderr| {
            let options = LogOptions { log_dir, use_stderr, ..LogOptions::default() };
            format!("{:?}", open_sinks(&options).unwrap())
        };
        let both = kinds(Some(dir.path().into()), true);
        assert!(both.contains("File") && both.contains("Stderr") && !both.contains("Stdout"));
        assert_eq!(kinds(None, true), "[Stderr]");
        assert_eq!(kinds(None, false), "[Stdout]");
    }
}
