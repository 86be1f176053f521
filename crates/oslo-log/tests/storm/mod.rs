//! Many processes, one log file: each writes numbered lines, and all of them must be found again.
//!
//! Used by the test beside it, and by `examples/storm.rs` for as many lines as one likes.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use oslo_log::LogOptions;

/// Who takes the file away while it is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// Nobody.
    None,
    /// The writers, at 1 MiB.
    Size,
    /// The writers, every second.
    Interval,
    /// Somebody who renames it and makes a new one, as logrotate's `create` does.
    Create,
}

/// The log file in `directory`.
pub fn path(directory: &Path) -> PathBuf {
    directory.join("x.log")
}

/// The lines of one process; the length differs from line to line.
fn text(process: usize, number: usize) -> String {
    let length = (process * 7 + number * 13) % 60;
    format!("{process} {number} {length} {}.", &"x".repeat(60)[..length])
}

/// Writes one process's lines into the file in `directory`; returns how many it had to drop.
pub fn write(directory: &Path, process: usize, lines: usize, rotation: Rotation) -> u64 {
    let options = LogOptions {
        log_file: Some(path(directory)),
        watch_log_file: true,
        log_rotation_type: match rotation {
            Rotation::Size => "size",
            Rotation::Interval => "interval",
            Rotation::None | Rotation::Create => "none",
        }
        .into(),
        log_rotate_interval_type: "seconds".into(),
        max_logfile_size_mb: 1,
        max_logfile_count: 100_000,
        logging_default_format_string: "%(asctime)s %(process)d %(message)s".into(),
        ..LogOptions::default()
    };
    let (subscriber, log) = oslo_log::subscriber(&options).expect("the directory is there");
    tracing::subscriber::with_default(subscriber, || {
        for number in 0..lines {
            if rotation == Rotation::Create && number == lines / 2 {
                wait_for_rotation(directory);
            }
            tracing::info!("{}", text(process, number));
        }
    });
    log.dropped_lines()
}

/// Lets who takes the file away do so once, however busy the machine is; with a limit, because
/// there may be too little in the file.
fn wait_for_rotation(directory: &Path) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !directory.join("x.log-000000").exists() && Instant::now() < limit {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits for the writers, and takes the file away now and then if that is what is asked for; false
/// if one of them failed.
///
/// # Errors
///
/// When the disk refuses.
pub fn wait(mut writers: Vec<Child>, directory: &Path, rotation: Rotation) -> io::Result<bool> {
    let mut turn = 0;
    let mut good = true;
    while let Some(writer) = writers.last_mut() {
        match writer.try_wait()? {
            Some(status) => {
                good &= status.success();
                writers.pop();
            }
            None if rotation == Rotation::Create => {
                turn += take_away(directory, turn)?;
                std::thread::sleep(Duration::from_millis(1)); // the writers need the processors
            }
            None => good &= writer.wait()?.success(),
        }
    }
    Ok(good)
}

/// Takes a file of some size away, as logrotate's `create` does; how many it was.
fn take_away(directory: &Path, turn: usize) -> io::Result<usize> {
    let path = path(directory);
    if !std::fs::metadata(&path).is_ok_and(|found| found.len() > 100_000) {
        return Ok(0);
    }
    std::fs::rename(&path, directory.join(format!("x.log-{turn:06}")))?;
    // A writer that is just starting may have made it already.
    File::options().create(true).append(true).open(path)?;
    Ok(1)
}

/// What stands in the files of a directory.
#[derive(Debug, Default)]
pub struct Found {
    /// Log files.
    pub files: usize,
    /// Whole lines.
    pub lines: usize,
    /// Lines that are none of ours, or not whole.
    pub torn: Vec<String>,
    /// Lines of ours that are there more than once.
    pub double: usize,
}

/// Reads all files whose name begins with the log's.
///
/// # Errors
///
/// When one cannot be read.
pub fn read(directory: &Path) -> io::Result<Found> {
    let mut found = Found::default();
    // Per process one bit per line.
    let mut seen: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.starts_with("x.log") {
            continue;
        }
        found.files += 1;
        for line in BufReader::new(File::open(path)?).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            let Some((process, number)) = whole(&line) else {
                found.torn.push(line);
                continue;
            };
            found.lines += 1;
            let bits = seen.entry(process).or_default();
            let (at, bit) = (number / 64, 1 << (number % 64));
            if bits.len() <= at {
                bits.resize(at + 1, 0);
            }
            found.double += usize::from(bits[at] & bit != 0);
            bits[at] |= bit;
        }
    }
    Ok(found)
}

/// Process and number of a line that is exactly as it was written.
fn whole(line: &str) -> Option<(usize, usize)> {
    let mut words = line.splitn(4, ' ').skip(2);
    words.next()?.parse::<u32>().ok()?;
    let rest = words.next()?;
    let mut words = rest.split(' ');
    let process = words.next()?.parse().ok()?;
    let number = words.next()?.parse().ok()?;
    (rest == text(process, number)).then_some((process, number))
}
