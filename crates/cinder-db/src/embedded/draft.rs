//! The file under its unique name, and what is left of such files after a crash.
//!
//! Whoever makes one holds a lock (flock(2)) on it, which goes with the process however that ends. One that nobody
//! holds is left over. Must not: touch a file of another name, or follow a link.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use tracing::{debug, info};
use uuid::Uuid;

/// Endings of the files that SQLite keeps beside one.
const BESIDE: [&str; 3] = ["-journal", "-wal", "-shm"];
/// Digits of the unique part of a name.
const DIGITS: usize = 32;

/// The file under its unique name; removed when dropped.
pub(super) struct Draft {
    pub path: PathBuf,
    /// Keeps the lock.
    file: File,
}

impl Draft {
    pub fn new(file: &Path) -> io::Result<Self> {
        loop {
            let mut name = start_of_name(file);
            name.push(Uuid::new_v4().simple().to_string());
            let path = file.with_file_name(name);
            let mut options = OpenOptions::new();
            // Volume rows hold the drivers' secrets, so the file is not for everybody to read.
            options.write(true).create_new(true).mode(0o640);
            let file = options.open(&path)?;
            file.lock()?;
            // Between the two somebody may have taken it for a leftover.
            let own = file.metadata()?.ino();
            if fs::metadata(&path).is_ok_and(|found| found.ino() == own) {
                return Ok(Self { path, file });
            }
        }
    }

    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Nothing depends on it: a leftover is never opened again, and goes at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

/// What the names of all drafts of this file begin with.
fn start_of_name(file: &Path) -> OsString {
    let mut name = OsString::from(".");
    name.push(file.file_name().unwrap_or_default());
    name.push(".");
    name
}

/// Removes the drafts of this file that nobody is at. What cannot be removed harms nobody.
pub(super) fn remove_leftovers(file: &Path) {
    let Some(directory) = file.parent() else { return };
    let Ok(entries) = fs::read_dir(directory) else { return };
    let start = start_of_name(file);
    let Some(start) = start.to_str() else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(start)) else { continue };
        let Some((digits, ending)) = rest.split_at_checked(DIGITS) else { continue };
        let is_unique = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let path = entry.path();
        let of = match ending {
            "" => Leftover::at(&path),
            // It belongs to a draft, and goes with that.
            _ if BESIDE.contains(&ending) => {
                Leftover::at(&directory.join(format!("{start}{digits}")))
            }
            _ => None,
        };
        // Held until it is gone: whoever has just made it, and waits for its lock, then looks for it and sees that.
        if let Some(_held) = of.filter(|_| is_unique) {
            match fs::remove_file(&path) {
                Ok(()) => info!(
                    target: "cinder.db",
                    "Removed {}, which a start that was killed has left", path.display()
                ),
                Err(cause) => debug!(target: "cinder.db", "{} stays: {cause}", path.display()),
            }
        }
    }
}

/// A draft that nobody is at, nor can be while this is held.
enum Leftover {
    Gone,
    Locked { _file: File },
}

impl Leftover {
    fn at(path: &Path) -> Option<Self> {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_file() => {}
            Ok(_) => return None,
            Err(error) => return (error.kind() == io::ErrorKind::NotFound).then_some(Self::Gone),
        }
        let file = File::options().write(true).open(path).ok()?;
        file.try_lock().ok()?;
        Some(Self::Locked { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    /// Others look for leftovers all the time, also between its being made and its being locked.
    #[test]
    fn a_draft_that_somebody_has_got_stays() {
        const MADE: usize = 10_000;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("c.sqlite");
        let over = AtomicBool::new(false);
        let kept = thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !over.load(Ordering::Acquire) {
                        remove_leftovers(&file);
                    }
                });
            }
            let is_kept = |_: &usize| {
                let draft = Draft::new(&file).unwrap();
                // Long enough for whoever would be about to remove it.
                (0..100).all(|_| draft.path.exists())
            };
            let kept = (0..MADE).filter(is_kept).count();
            over.store(true, Ordering::Release);
            kept
        });
        assert_eq!(kept, MADE);
    }
}
