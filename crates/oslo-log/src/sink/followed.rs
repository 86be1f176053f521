//! A log file that follows its path, and that is rotated by size or by time if so wished.
//!
//! Several processes write one file, and any of them may find that it is due. Nothing is lost and
//! it is rotated once, because:
//!
//! 1. every process looks at the path before a line, and opens it again when it names another
//!    file than the one it holds; a line written into the renamed file meanwhile is still in it;
//!    a path that names nothing gets a moment, because who renamed it is about to create it;
//! 2. who rotates holds a lock on the file that the path names, taken through a description of its
//!    own (forked processes share one, and a lock with it), and looks again whether it is due;
//! 3. who does not get the lock writes on: somebody else is about to rename the file.
//!
//! Must not wait for a lock that another process holds, or give a line up because a file cannot be
//! rotated or opened again.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use chrono::Local;

use super::room::Room;
use super::schedule::Schedule;
use super::{Notice, append, write_record};

/// When a file is full or old, and how many old ones are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// Before the line that would bring the file to so many bytes; `.1` is the youngest.
    Size { bytes: u64, keep: usize },
    /// By time; with `keep` 0 all are kept.
    Interval { schedule: Schedule, keep: usize },
}

/// After a failure, lines go on into the same file for so many seconds until the next attempt.
const PAUSE: i64 = 60;

/// A file that was renamed is written to for so many seconds before its path is created here.
///
/// logrotate's `create` comes microseconds after its renaming, and takes a file that somebody else
/// has made meanwhile out of the way, over another one that it has taken out of the way before.
const GRACE: i64 = 2;

/// Within so many milliseconds one look at the path is enough: it costs more than the rest of a
/// line.
const LOOK: u64 = 1;

/// The file and the path that it follows.
///
/// The lock is taken for writing only while the file is being replaced. The process forks
/// with a single thread, which then is not inside this type.
#[derive(Debug)]
pub(crate) struct Followed {
    path: PathBuf,
    rotation: Option<Rotation>,
    open: RwLock<Open>,
    /// Not before this second is a rotation tried again.
    not_before: AtomicI64,
    /// Since when the path has named nothing; 0 while it names something.
    missing_since: AtomicI64,
    /// When this was made.
    made: Instant,
    /// Not before so many milliseconds after that is the path looked at again.
    next_look: AtomicU64,
    room: Room,
}

#[derive(Debug)]
struct Open {
    file: File,
    /// None if the file could not be asked; it then counts as replaced.
    identity: Option<Identity>,
    /// When the schedule says that its time is over.
    due: i64,
}

/// What tells a file from another one of the same name.
type Identity = (u64, u64);

fn identity(found: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

impl Followed {
    /// Takes over a file just opened at `path`.
    ///
    /// An older file counts from its last line, as the original has it: its beginning is unknown.
    pub(crate) fn new(path: PathBuf, file: File, rotation: Option<Rotation>) -> Self {
        let written = file.metadata().ok().filter(|found| found.len() > 0);
        let start = written.and_then(|found| found.modified().ok());
        let open = RwLock::new(Open::new(file, rotation, start));
        let (not_before, missing_since) = (AtomicI64::new(0), AtomicI64::new(0));
        let (made, next_look) = (Instant::now(), AtomicU64::new(0));
        let room = Room::default();
        Self { path, rotation, open, not_before, missing_since, made, next_look, room }
    }

    pub(crate) fn descriptor(&self) -> std::os::fd::RawFd {
        use std::os::fd::AsRawFd;
        self.open().file.as_raw_fd()
    }

    fn open(&self) -> RwLockReadGuard<'_, Open> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes one record into the file that the path names; false if it is lost.
    pub(crate) fn write(&self, bytes: &[u8], notice: Notice<'_>) -> bool {
        // The clock first: a look at the path also finds out whether the file is full, and asking for
        // its length costs a system call that a look would repeat.
        if self.is_time_to_look() || self.is_full(bytes.len()) {
            self.look(bytes.len(), notice);
        }
        self.room
            .write(&self.path, bytes, notice, |rest| io::Write::write(&mut &self.open().file, rest))
    }

    fn is_time_to_look(&self) -> bool {
        let now = u64::try_from(self.made.elapsed().as_millis()).unwrap_or(u64::MAX);
        let due = now >= self.next_look.load(Ordering::Relaxed);
        if due {
            self.next_look.store(now.saturating_add(LOOK), Ordering::Relaxed);
        }
        due
    }

    /// Whether the file we hold, written to by whomever, has no room for `more` bytes: its length
    /// is cheaper to ask for than what the path names.
    fn is_full(&self, more: usize) -> bool {
        let Some(Rotation::Size { bytes, .. }) = self.rotation else { return false };
        let length = self.open().file.metadata().map_or(0, |found| found.len());
        length.saturating_add(more as u64) >= bytes
    }

    /// Sees to it that the file is the one that the path names, and has room for `more` bytes.
    fn look(&self, more: usize, notice: Notice<'_>) {
        let open = self.open();
        match fs::metadata(&self.path) {
            Ok(found) if Some(identity(&found)) == open.identity => {
                // A device that took the file's place is not renamed.
                if found.is_file() && self.is_due(&open, found.len(), more) {
                    drop(open);
                    self.rotate(more, notice);
                }
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {}
            Err(_) if self.in_grace(&open) => {}
            _ => {
                drop(open);
                self.reopen();
            }
        }
    }

    /// Whether the path may still be created by who renamed the file. One that was deleted is not
    /// written to any more: nobody would find the line.
    fn in_grace(&self, open: &Open) -> bool {
        if !open.has_name() {
            return false;
        }
        let now = now();
        let since = match self.missing_since.load(Ordering::Relaxed) {
            0 => {
                self.missing_since.store(now, Ordering::Relaxed);
                now
            }
            since => since,
        };
        (since..since + GRACE).contains(&now)
    }

    fn is_due(&self, open: &Open, length: u64, more: usize) -> bool {
        let due = match self.rotation {
            None => return false,
            // An empty file stays, however long the line: another one would be no longer.
            Some(Rotation::Size { bytes, .. }) => {
                length > 0 && length.saturating_add(more as u64) >= bytes
            }
            Some(Rotation::Interval { .. }) => now() >= open.due,
        };
        due && now() >= self.not_before.load(Ordering::Relaxed)
    }

    /// Rotates unless somebody else does or did; `more` bytes are about to be written.
    fn rotate(&self, more: usize, notice: Notice<'_>) {
        // The lock before the last look: between a look and a lock somebody else may have rotated, and
        // the file that was full would be moved up a second time, with one line in its successor.
        let Some(_lock) = lock(&self.path) else { return };
        let still = |open: &Open| {
            let found = fs::metadata(&self.path).ok();
            let found = found.filter(|found| Some(identity(found)) == open.identity);
            found.is_some_and(|found| self.is_due(open, found.len(), more))
        };
        // The guard goes before `reopen` wants it for itself.
        let due = Some(self.open()).filter(|open| still(open)).map(|open| open.due);
        let renamed = match (due, self.rotation) {
            (Some(_), Some(Rotation::Size { keep, .. })) => shift(&self.path, keep),
            (Some(due), Some(Rotation::Interval { schedule, keep })) => {
                set_aside(&self.path, schedule, due, keep)
            }
            _ => Ok(()),
        };
        // Renamed first, opened afterwards: the other way round there would be no name to open. Lines
        // that other processes write in between go into the renamed file, where nothing is lost. It is
        // opened under the lock, so that the next one to get it finds a path that names something.
        match renamed {
            Ok(()) => self.reopen(),
            Err(cause) => self.put_off(&cause, notice),
        }
    }

    /// Says why a file cannot be rotated, in the file itself, and leaves it alone for a while.
    fn put_off(&self, cause: &io::Error, notice: Notice<'_>) {
        self.not_before.store(now() + PAUSE, Ordering::Relaxed);
        let path = self.path.display();
        let line = notice(format_args!("Log file {path} cannot be rotated: {cause}"));
        write_record(&line, |rest| io::Write::write(&mut &self.open().file, rest));
    }

    /// Opens the path again if it names another file by now.
    ///
    /// Another thread may have been quicker, so this looks again under the lock. If the path
    /// cannot be opened, lines go on into the file we have rather than nowhere.
    fn reopen(&self) {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        self.missing_since.store(0, Ordering::Relaxed);
        let moved = match fs::metadata(&self.path) {
            Ok(found) => Some(identity(&found)) != open.identity,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if moved && let Ok(fresh) = append(&self.path) {
            // All processes count from the same moment, where the file system knows it.
            let start = fresh.metadata().and_then(|found| found.created()).ok();
            *open = Open::new(fresh, self.rotation, start);
        }
    }
}

impl Open {
    /// Whether the file has a name, or more.
    fn has_name(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        self.file.metadata().is_ok_and(|found| found.nlink() > 0)
    }

    fn new(file: File, rotation: Option<Rotation>, start: Option<SystemTime>) -> Self {
        let identity = file.metadata().ok().map(|found| identity(&found));
        let due = match rotation {
            Some(Rotation::Interval { schedule, .. }) => {
                schedule.due(&Local, start.map_or_else(now, seconds))
            }
            _ => i64::MAX,
        };
        Self { file, identity, due }
    }
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
}

fn now() -> i64 {
    seconds(SystemTime::now())
}

/// The right to rotate the file that `path` names now; none if somebody else has it.
fn lock(path: &Path) -> Option<nix::fcntl::Flock<File>> {
    use nix::fcntl::{Flock, FlockArg};
    let own = File::options().append(true).open(path).ok()?;
    let locked = Flock::lock(own, FlockArg::LockExclusiveNonblock).ok()?;
    // Renamed between our opening and our locking: then its successor is for others to judge.
    let named = identity(&fs::metadata(path).ok()?);
    (identity(&locked.metadata().ok()?) == named).then_some(locked)
}

fn beside(path: &Path, suffix: impl std::fmt::Display) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{suffix}"));
    name.into()
}

/// By size: `path` becomes `.1`, `.1` becomes `.2`, and so on up to `.keep` or the first gap.
fn shift(path: &Path, keep: usize) -> io::Result<()> {
    let mut last = 1;
    while last < keep && beside(path, last).try_exists()? {
        last += 1;
    }
    for number in (1..last).rev() {
        fs::rename(beside(path, number), beside(path, number + 1))?;
    }
    fs::rename(path, beside(path, 1))
}

/// By time: `path` gets the suffix of its time, and the oldest with such suffixes go.
fn set_aside(path: &Path, schedule: Schedule, due: i64, keep: usize) -> io::Result<()> {
    let suffix = schedule.suffix(&Local, due);
    let mut target = beside(path, &suffix);
    let mut number = 0;
    // The original deletes a file that already has the name: after a change of the clock, or of
    // the options, that would be the log of an hour that somebody may want to read.
    while target.try_exists()? {
        number += 1;
        target = beside(path, format_args!("{suffix}.{number}"));
    }
    fs::rename(path, target)?;
    if keep > 0 {
        // What cannot be deleted is no reason to stop rotating.
        let _ = delete_oldest(path, schedule, keep);
    }
    Ok(())
}

fn delete_oldest(path: &Path, schedule: Schedule, keep: usize) -> io::Result<()> {
    let Some(base) = path.file_name().and_then(|name| name.to_str()) else { return Ok(()) };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut old: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(directory.unwrap_or(Path::new(".")))? {
        let entry = entry?;
        let name = entry.file_name();
        let suffix = name.to_str().and_then(|name| name.strip_prefix(base)?.strip_prefix('.'));
        if suffix.is_some_and(|suffix| schedule.is_suffix(suffix)) {
            old.push(entry.path());
        }
    }
    old.sort();
    let surplus = old.len().saturating_sub(keep);
    old.into_iter().take(surplus).try_for_each(fs::remove_file)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn no_notice(text: std::fmt::Arguments<'_>) -> Vec<u8> {
        panic!("{text}")
    }

    fn follow(path: &Path, rotation: Option<Rotation>) -> Followed {
        Followed::new(path.to_owned(), append(path).unwrap(), rotation)
    }

    /// What each file of the directory holds, by the end of its name.
    fn files(path: &Path) -> BTreeMap<String, String> {
        let entries = fs::read_dir(path.parent().unwrap()).unwrap().map(Result::unwrap);
        let end =
            |entry: &fs::DirEntry| entry.file_name().to_str().unwrap()["x.log".len()..].to_owned();
        entries.map(|entry| (end(&entry), fs::read_to_string(entry.path()).unwrap())).collect()
    }

    fn expect(path: &Path, expected: &[(&str, &str)]) {
        let expected = expected.iter().map(|(end, text)| ((*end).into(), (*text).into()));
        assert_eq!(files(path), expected.collect());
    }

    #[test]
    fn a_file_goes_where_its_path_goes_and_a_truncated_one_gets_no_hole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let log = follow(&path, None);
        let write = |text: &str| {
            log.next_look.store(0, Ordering::Relaxed); // as if the last line had been a while ago
            assert!(log.write(text.as_bytes(), &no_notice));
        };
        write("one\n");
        fs::rename(&path, beside(&path, 1)).unwrap();
        write("two\n");
        fs::write(&path, "made by rotation\n").unwrap();
        write("three\n");
        expect(&path, &[("", "made by rotation\nthree\n"), (".1", "one\ntwo\n")]);
        fs::rename(&path, beside(&path, 1)).unwrap();
        write("four\n");
        log.missing_since.fetch_sub(GRACE, Ordering::Relaxed); // as if that had been a while ago
        write("five\n");
        expect(&path, &[("", "five\n"), (".1", "made by rotation\nthree\nfour\n")]);
        fs::remove_file(&path).unwrap();
        write("six\n");
        // As logrotate's copytruncate does.
        File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        write("seven\n");
        fs::remove_file(beside(&path, 1)).unwrap();
        expect(&path, &[("", "seven\n")]);
    }

    #[test]
    fn a_full_file_moves_up_and_the_last_one_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let log = follow(&path, Some(Rotation::Size { bytes: 10, keep: 2 }));
        for text in ["longer than all\n", "a\n", "b\n", "cccc\n", "d\n", "eeeeeeeee\n"] {
            assert!(log.write(text.as_bytes(), &no_notice));
        }
        // As in the original a line that makes the file exactly full belongs to the next one.
        expect(&path, &[("", "eeeeeeeee\n"), (".1", "d\n"), (".2", "a\nb\ncccc\n")]);
    }

    #[test]
    fn one_of_several_holders_rotates_and_the_others_follow() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let rotation = Some(Rotation::Size { bytes: 12, keep: 9 });
        let (one, other) = (follow(&path, rotation), follow(&path, rotation));
        assert!(one.write(b"12345678\n", &no_notice));
        let busy = lock(&path).unwrap();
        assert!(other.write(b"late\n", &no_notice), "it does not wait for who rotates");
        drop(busy);
        assert!(one.write(b"next\n", &no_notice) && other.write(b"more\n", &no_notice));
        expect(&path, &[("", "next\nmore\n"), (".1", "12345678\nlate\n")]);
        // Two find the file full at the same time, and one of them is first.
        assert!(one.write(b"last\n", &no_notice));
        other.rotate(100, &no_notice);
        expect(&path, &[("", "last\n"), (".1", "next\nmore\n"), (".2", "12345678\nlate\n")]);
    }

    #[test]
    fn a_file_whose_time_is_over_is_set_aside_and_never_overwrites_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        let schedule = Schedule::new("days", 1).unwrap();
        let start = now() - 3 * 24 * 60 * 60;
        let suffix = schedule.suffix(&Local, schedule.due(&Local, start));
        for old in ["2001-01-01", "2002-01-01", "not.ours", &suffix] {
            fs::write(beside(&path, old), old).unwrap();
        }
        fs::write(&path, "old\n").unwrap();
        let modified = UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(start).unwrap());
        File::options().append(true).open(&path).unwrap().set_modified(modified).unwrap();
        let log = follow(&path, Some(Rotation::Interval { schedule, keep: 3 }));
        assert!(log.write(b"new\n", &no_notice) && log.write(b"newer\n", &no_notice));
        let (taken, free) = (format!(".{suffix}"), format!(".{suffix}.1"));
        let expected = [
            ("", "new\nnewer\n"),
            (".2002-01-01", "2002-01-01"),
            (".not.ours", "not.ours"),
            (&taken, &suffix),
            (&free, "old\n"),
        ];
        expect(&path, &expected);
    }

    #[test]
    fn a_file_that_cannot_be_rotated_says_so_once_and_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.log");
        // A directory in the way, which is not empty.
        fs::create_dir(beside(&path, 1)).unwrap();
        fs::write(beside(&path, 1).join("file"), "").unwrap();
        let log = follow(&path, Some(Rotation::Size { bytes: 5, keep: 1 }));
        let notice = |text: std::fmt::Arguments<'_>| {
            let text = text.to_string();
            assert!(text.contains("x.log cannot be rotated: "), "{text}");
            b"told\n".to_vec()
        };
        for _ in 0..3 {
            assert!(log.write(b"line\n", &notice));
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "line\ntold\nline\nline\n");
    }
}
