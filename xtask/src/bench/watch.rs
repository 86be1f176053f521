//! Looking at the database and the log often without disturbing who writes them.
//!
//! The files' sizes and times are looked at first, which costs microseconds and takes no lock;
//! the database is asked, and the log read on, only when they have changed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};

use crate::database;
use crate::e2e::Scene;

/// Written by a service whose driver is up and whose RPC servers run (spec/startup.md §7). A
/// daemon that beats only after an interval is ready by this line long before.
const READY_LINE: &str = "Driver post RPC initialization completed successfully.";
const COUNTS: &str = "SELECT count(*), coalesce(sum(report_count > 0), 0), \
                      coalesce(sum(report_count), 0) FROM services WHERE NOT deleted";

/// What the database and the log showed at the last look.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) rows: usize,
    /// Rows with a heartbeat.
    pub(super) beating: usize,
    /// Heartbeats of all rows together.
    pub(super) beats: i64,
    pub(super) ready_lines: usize,
}

impl Seen {
    /// Back ends that have shown in one way or the other that they are ready.
    pub(super) fn ready(&self) -> usize {
        self.beating.max(self.ready_lines)
    }
}

type Stamp = Option<(u64, SystemTime)>;

/// Whether a file that is written now would get another time than this.
fn is_settled((_, written): &(u64, SystemTime)) -> bool {
    const TICKS: Duration = Duration::from_millis(20);
    written.elapsed().is_ok_and(|age| age > TICKS)
}

pub(super) struct Watch {
    database: PathBuf,
    /// SQLite's write-ahead log, where changes are until they are moved into the file.
    ahead: PathBuf,
    log: PathBuf,
    stamps: [Stamp; 2],
    read: u64,
    /// The line of the log that was not complete yet.
    rest: String,
    seen: Seen,
}

impl Watch {
    pub(super) fn new(scene: &Scene) -> Self {
        let database = scene.database();
        let ahead = scene.path("cinder.sqlite-wal");
        let log = scene.path("daemon.log");
        let (stamps, rest, seen) = ([None; 2], String::new(), Seen::default());
        Self { database, ahead, log, stamps, read: 0, rest, seen }
    }

    /// Looks again where something has changed.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub(super) fn look(&mut self) -> Result<Seen> {
        let stamps = [stamp(&self.database), stamp(&self.ahead)];
        if stamps != self.stamps {
            self.ask()?;
            // What was written a moment ago may be written again without a newer time: a clock tick of
            // the file system is 4 ms or more, and the write-ahead log keeps its length. Such a stamp
            // says nothing yet.
            self.stamps = if stamps.iter().flatten().all(is_settled) { stamps } else { [None; 2] };
        }
        if stamp(&self.log).is_some_and(|(length, _)| length > self.read) {
            self.read_on()?;
        }
        Ok(self.seen)
    }

    fn ask(&mut self) -> Result<()> {
        let answer = database::lines(&self.database, COUNTS)?;
        let answer = answer.first().context("no answer")?;
        let mut numbers = answer.split('|').map(|text| text.parse::<i64>().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        self.seen.rows = usize::try_from(next())?;
        self.seen.beating = usize::try_from(next())?;
        self.seen.beats = next();
        Ok(())
    }

    fn read_on(&mut self) -> Result<()> {
        let mut file = File::open(&self.log)?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        self.read += file.read_to_end(&mut bytes)? as u64;
        self.rest += &String::from_utf8_lossy(&bytes);
        let complete = self.rest.rfind('\n').map_or(0, |at| at + 1);
        let lines: String = self.rest.drain(..complete).collect();
        self.seen.ready_lines += lines.matches(READY_LINE).count();
        Ok(())
    }
}

fn stamp(path: &PathBuf) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn rows_and_ready_lines_are_counted_as_they_come() {
        let dir = tempfile::tempdir().unwrap();
        let scene = Scene::new("/bin/true".as_ref(), dir.path(), "x").unwrap();
        let table = "CREATE TABLE services (report_count INTEGER, deleted INTEGER)";
        database::write(&scene.database(), table).unwrap();
        let mut watch = Watch::new(&scene);
        assert_eq!(watch.look().unwrap().rows, 0);
        let rows = "INSERT INTO services VALUES (0, 0), (2, 0), (5, 1)";
        database::write(&scene.database(), rows).unwrap();
        let mut log = File::create(scene.path("daemon.log")).unwrap();
        write!(log, "a {READY_LINE}\nb {}", READY_LINE.split_at(9).0).unwrap();
        let seen = watch.look().unwrap();
        assert_eq!((seen.rows, seen.beating, seen.beats, seen.ready_lines), (2, 1, 2, 1));
        writeln!(log, "{}", READY_LINE.split_at(9).1).unwrap();
        assert_eq!(watch.look().unwrap().ready_lines, 2);
    }
}
