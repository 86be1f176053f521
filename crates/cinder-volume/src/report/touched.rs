//! `[oslo_reports] file_event_handler`: a file that asks for a report by being touched.
//!
//! For containers and services whose processes cannot be sent a signal. It comes on top of SIGUSR2
//! (upstream's takes the signal's place, which then kills the daemon). Looked at every
//! `file_event_handler_interval` seconds, because a file may appear, vanish and be replaced, and
//! its directory, too. Must not: be set for workers, or on a file system that may hang.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use cinder_conf::options::process::Reports;
use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;
use tracing::{info, warn};

/// The file, as it was at the last look.
#[derive(Debug)]
pub struct WatchedFile {
    path: PathBuf,
    interval: Duration,
    /// Whose file it is: a forked worker has a copy of this and must not look.
    owner: u32,
    next: Option<Instant>,
    seen: Option<SystemTime>,
    /// Whether it has been told that there is no file.
    missed: bool,
}

impl WatchedFile {
    /// The file that is configured, if one is.
    pub fn of(reports: &Reports) -> Option<Self> {
        let path = reports.file_event_handler.as_ref()?.into();
        let interval = u64::try_from(reports.file_event_handler_interval).unwrap_or(1).max(1);
        let interval = Duration::from_secs(interval);
        let owner = std::process::id();
        Some(Self { path, interval, owner, next: None, seen: None, missed: false })
    }

    /// Asks for a report if the file has become newer; says when to look again.
    pub fn look(&mut self) -> Option<Duration> {
        if self.owner != std::process::id() {
            return None;
        }
        let now = Instant::now();
        if let Some(left) = self.next.and_then(|next| next.checked_duration_since(now))
            && !left.is_zero()
        {
            return Some(left);
        }
        let first = self.next.is_none();
        self.next = Some(now + self.interval);
        if self.has_become_newer(first) {
            info!(
                target: "cinder.cmd.volume",
                "{} was touched: Guru Meditation Report", self.path.display()
            );
            ask_for_report();
        }
        Some(self.interval)
    }

    /// Whether the file is newer than at the last look. What it was `first` is not news.
    fn has_become_newer(&mut self, first: bool) -> bool {
        let time = match std::fs::metadata(&self.path).and_then(|data| data.modified()) {
            Ok(time) => time,
            Err(cause) => {
                if !self.missed {
                    self.missed = true;
                    warn!(
                        target: "cinder.cmd.volume",
                        "[oslo_reports] file_event_handler: {}: {cause}; a report is made when it \
                         appears",
                        self.path.display()
                    );
                }
                return false;
            }
        };
        let newer = self.seen.is_none_or(|seen| time > seen);
        if newer {
            self.seen = Some(time);
        }
        newer && !first
    }
}

/// Takes the same way as everybody else who wants a report.
fn ask_for_report() {
    // To the process, not to this thread: another one may read the signals. Cannot fail.
    let _ = kill(getpid(), Signal::SIGUSR2);
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn touched(path: &std::path::Path, seconds: u64) {
        let file = File::options().create(true).append(true).open(path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    }

    fn watched(path: &std::path::Path) -> WatchedFile {
        WatchedFile::of(&Reports {
            log_dir: None,
            file_event_handler: Some(path.to_str().unwrap().to_owned()),
            file_event_handler_interval: 1,
        })
        .unwrap()
    }

    #[test]
    fn a_newer_file_asks_and_an_old_or_missing_one_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("asks");
        touched(&path, 1_000);
        let mut file = watched(&path);
        assert!(!file.has_become_newer(true));
        assert!(!file.has_become_newer(false));
        touched(&path, 2_000);
        assert!(file.has_become_newer(false));
        assert!(!file.has_become_newer(false));
        std::fs::remove_file(&path).unwrap();
        assert!(!file.has_become_newer(false));
        touched(&path, 1_500);
        assert!(!file.has_become_newer(false), "put back from a copy");
        touched(&path, 2_001);
        assert!(file.has_become_newer(false));
    }

    #[test]
    fn a_file_that_was_missing_asks_when_it_appears() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = watched(&dir.path().join("asks"));
        assert!(!file.has_become_newer(true));
        touched(&file.path.clone(), 1_000);
        assert!(file.has_become_newer(false));
    }

    #[test]
    fn without_a_file_nobody_wakes_up() {
        let interval = 1;
        let none = Reports {
            log_dir: None,
            file_event_handler: None,
            file_event_handler_interval: interval,
        };
        assert!(WatchedFile::of(&none).is_none());
        let dir = tempfile::tempdir().unwrap();
        let mut copy = WatchedFile { owner: 1, ..watched(&dir.path().join("asks")) };
        assert_eq!(copy.look(), None, "in a worker");
    }
}
