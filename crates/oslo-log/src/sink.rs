//! Where lines go: one `write` per record, straight to the descriptor.
//!
//! What can be full (pipe, socket, terminal) never makes the process wait: its lines wait instead,
//! see `stream.rs`. A regular file is written to directly, and a disk that is stuck is waited for.
//!
//! Must not start a thread, write a line of another process, panic, or retry for ever. A line that
//! cannot be written is dropped, and the caller counts it.

#[cfg(unix)]
mod backlog;
#[cfg(unix)]
mod outlet;
#[cfg(unix)]
mod retry;
#[cfg(unix)]
mod stream;
mod watched;

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

#[cfg(unix)]
use outlet::{Handle, Outlet};
#[cfg(unix)]
use stream::Stream;
use watched::WatchedFile;

use crate::{LogError, LogOptions};

/// Makes the line about lost lines, from their number and the name of the destination.
pub(crate) type Notice<'a> = &'a dyn Fn(u64, &str) -> String;

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
    File(File),
    Watched(WatchedFile),
    #[cfg(unix)]
    Stream(Stream),
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
        sinks.push(match Sink::named(&path, file) {
            Sink::File(file) if options.watch_log_file => {
                Sink::Watched(WatchedFile::new(path, file))
            }
            sink => sink,
        });
    }
    if options.use_stderr {
        sinks.push(Sink::stderr());
    }
    if sinks.is_empty() {
        sinks.push(Sink::stdout());
    }
    Ok(sinks)
}

/// Opens a log file, which may be a FIFO or a terminal.
///
/// A FIFO is opened for reading, too: without a reader it could not be opened for writing alone,
/// and a reader that is restarted would cost the lines written meanwhile (fifo(7)).
#[cfg(unix)]
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

#[cfg(not(unix))]
fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}

#[cfg(unix)]
impl Sink {
    fn stdout() -> Self {
        Self::inherited("standard output", Handle::Stdout).unwrap_or(Self::Stdout)
    }

    fn stderr() -> Self {
        Self::inherited("standard error", Handle::Stderr).unwrap_or(Self::Stderr)
    }

    fn inherited(name: &str, handle: Handle) -> Option<Self> {
        Some(Self::Stream(Stream::new(name.to_owned(), Outlet::inherited(handle)?)))
    }

    fn named(path: &Path, file: File) -> Self {
        match Outlet::opened(file) {
            Ok(outlet) => Self::Stream(Stream::new(path.display().to_string(), outlet)),
            Err(file) => Self::File(file),
        }
    }

    /// The descriptor behind this sink.
    pub(crate) fn descriptor(&self) -> std::os::fd::RawFd {
        use std::os::fd::AsRawFd;
        match self {
            Self::File(file) => file.as_raw_fd(),
            Self::Watched(watched) => watched.descriptor(),
            Self::Stream(stream) => stream.outlet().descriptor(),
            Self::Stderr => io::stderr().as_raw_fd(),
            Self::Stdout => io::stdout().as_raw_fd(),
        }
    }
}

#[cfg(not(unix))]
impl Sink {
    fn stdout() -> Self {
        Self::Stdout
    }

    fn stderr() -> Self {
        Self::Stderr
    }

    fn named(_path: &Path, file: File) -> Self {
        Self::File(file)
    }
}

impl Sink {
    /// Writes one record or keeps it; returns how many lines were lost on this occasion.
    pub(crate) fn write(&self, bytes: &[u8], notice: Notice<'_>) -> u64 {
        let written = match self {
            Self::File(file) => write_record(bytes, |rest| io::Write::write(&mut &*file, rest)),
            Self::Watched(watched) => watched.write(bytes),
            #[cfg(unix)]
            Self::Stream(stream) => return stream.write(bytes, notice),
            Self::Stderr => write_record(bytes, write_stderr_once),
            Self::Stdout => write_record(bytes, write_stdout_once),
        };
        u64::from(!written)
    }

    /// Writes what waits here: what there is room for, or what its reader takes until `deadline`.
    pub(crate) fn flush(&self, deadline: Option<Instant>, notice: Notice<'_>) -> Flushed {
        match self {
            #[cfg(unix)]
            Self::Stream(stream) => stream.flush(deadline, notice),
            _ => Flushed::default(),
        }
    }
}

/// How long a report may wait for a reader of standard error.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// Writes a long text to standard error as its reader takes it, giving up after `patience`.
#[cfg(unix)]
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

#[cfg(not(unix))]
pub(crate) fn write_stderr_within(bytes: &[u8], _patience: Duration) -> bool {
    write_record(bytes, write_stderr_once)
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn no_notice(lost: u64, name: &str) -> String {
        panic!("{lost} lines for {name} are lost")
    }

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
        let write = |text: &str| assert_eq!(sinks[0].write(text.as_bytes(), &no_notice), 0);
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
        // What standard output and error are, and so their variant, depends on who runs the test.
        let is = |text: &str, plain: &str, stream: &str| {
            text.contains(plain) || text.contains(&format!("name: \"{stream}\""))
        };
        let error = |text: &str| is(text, "Stderr", "standard error");
        let output = |text: &str| is(text, "Stdout", "standard output");
        let both = kinds(Some(dir.path().into()), true);
        assert!(both.starts_with("[File") && error(&both) && !output(&both), "{both}");
        assert!(error(&kinds(None, true)) && !output(&kinds(None, true)));
        assert!(output(&kinds(None, false)) && !error(&kinds(None, false)));
    }

    #[cfg(unix)]
    #[test]
    fn a_log_file_may_be_a_fifo_that_nobody_has_opened_yet() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let options = LogOptions { log_file: Some(path.clone()), ..LogOptions::default() };
        let sinks = open_sinks(&options).unwrap();
        assert_eq!(sinks[0].write(b"early\n", &no_notice), 0);
        let mut early = [0; 6];
        io::Read::read_exact(&mut File::open(&path).unwrap(), &mut early).unwrap();
        assert_eq!(&early, b"early\n");
        // The reader has gone and a next one comes.
        assert_eq!(sinks[0].write(b"later\n", &no_notice), 0);
        let mut later = [0; 6];
        io::Read::read_exact(&mut File::open(&path).unwrap(), &mut later).unwrap();
        assert_eq!(&later, b"later\n");
    }
}
