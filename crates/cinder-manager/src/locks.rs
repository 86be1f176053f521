//! Locks by name, which keep operations out of each other's way, and out of upstream's.
//!
//! Upstream's default coordinator, `file://`, locks a file per name below a directory with `lockf`; so do we, with
//! locks that belong to the open file description (`F_OFD_SETLK`, fcntl(2)): those exclude the other
//! kind, and besides our own threads, and nobody gives them up by closing another descriptor of
//! the file. What is in the way is asked for again, as upstream's library does; the kernel's own waiting
//! cannot be interrupted. Several names are taken in sorted order (`spec/manager.md` §11), so two that want the same never
//! wait for each other.
//!
//! Must not: know what is locked; trust that a file is still the one that has its name.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;

/// What upstream puts before every name (`spec/manager.md` §11).
const PREFIX: &str = "cinder-";
/// Between two tries for a lock that another process has.
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it for too long.
    #[error("somebody else holds the lock {name} for more than {} s", waited.as_secs())]
    Held {
        /// The lock.
        name: String,
        /// How long we have waited.
        waited: Duration,
    },
    /// The wait was given up.
    #[error("the wait for the lock {name} was given up")]
    Cancelled {
        /// The lock.
        name: String,
    },
    /// The file of a lock cannot be used.
    #[error("cannot lock {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Hands out locks by name.
#[derive(Debug, Clone)]
pub struct Locks {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    directory: PathBuf,
    /// Names that somebody of this process holds or is about to: a thread that waits for another of ours
    /// sleeps until it ends, and asks the file system for nothing.
    ours: Mutex<BTreeSet<String>>,
    freed: Condvar,
}

/// Locks that are held. Dropping gives them up.
#[derive(Debug)]
pub struct Held {
    locks: Vec<One>,
}

#[derive(Debug)]
struct One {
    shared: Arc<Shared>,
    name: String,
    /// `None` only while it is being taken.
    file: Option<File>,
}

impl Locks {
    /// Locks whose files are in this directory, which is made when the first is wanted.
    #[must_use]
    pub fn below(directory: PathBuf) -> Self {
        let shared = Shared { directory, ours: Mutex::default(), freed: Condvar::new() };
        Self { shared: Arc::new(shared) }
    }

    /// Takes all these locks, and waits for those that somebody else has, for at most `limit` in
    /// all and for as long as `goes_on` says so.
    ///
    /// # Errors
    ///
    /// [`LockError`]; none is held then.
    pub fn take(
        &self,
        names: &[&str],
        limit: Duration,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Held, LockError> {
        let begun = Instant::now();
        let names: BTreeSet<&str> = names.iter().copied().collect();
        let mut held = Held { locks: Vec::with_capacity(names.len()) };
        for name in names {
            let wait = Wait { name, begun, limit, goes_on };
            held.locks.push(self.one(&wait)?);
        }
        Ok(held)
    }

    fn one(&self, wait: &Wait<'_>) -> Result<One, LockError> {
        let mut ours = self.shared.ours();
        while ours.contains(wait.name) {
            wait.goes_on()?;
            let slept = self.shared.freed.wait_timeout(ours, BETWEEN_TRIES * 5);
            ours = slept.unwrap_or_else(PoisonError::into_inner).0;
        }
        ours.insert(wait.name.to_owned());
        drop(ours);
        // From here on a drop gives the name back.
        let mut one =
            One { shared: Arc::clone(&self.shared), name: wait.name.to_owned(), file: None };
        let path = self.shared.path(wait.name);
        loop {
            let taken = open_and_lock(&path);
            let taken = taken.map_err(|source| LockError::File { path: path.clone(), source })?;
            if let Some(file) = taken {
                one.file = Some(file);
                return Ok(one);
            }
            wait.goes_on()?;
            std::thread::sleep(BETWEEN_TRIES);
        }
    }
}

/// One wait for one lock.
struct Wait<'a> {
    name: &'a str,
    begun: Instant,
    limit: Duration,
    goes_on: &'a dyn Fn() -> bool,
}

impl Wait<'_> {
    fn goes_on(&self) -> Result<(), LockError> {
        if !(self.goes_on)() {
            return Err(LockError::Cancelled { name: self.name.to_owned() });
        }
        let waited = self.begun.elapsed();
        if waited >= self.limit {
            return Err(LockError::Held { name: self.name.to_owned(), waited });
        }
        Ok(())
    }
}

/// As a driver takes them.
impl cinder_driver::Locks for Locks {
    fn lock(
        &self,
        names: &[&str],
        limit: &cinder_driver::Limit,
    ) -> Result<Box<dyn cinder_driver::Held>, cinder_driver::DriverError> {
        let goes_on = || limit.check().is_ok();
        match self.take(names, Duration::MAX, &goes_on) {
            Ok(held) => Ok(Box::new(held)),
            Err(LockError::Cancelled { .. } | LockError::Held { .. }) => {
                limit.check()?;
                Err(cinder_driver::GivenUp::Asked.into())
            }
            Err(LockError::File { path, source }) => {
                let what = path.display().to_string();
                Err(cinder_driver::DriverError::from_io(what, source))
            }
        }
    }
}

impl cinder_driver::Held for Held {}

impl Held {
    /// Removes the files of these locks, as after a deletion: nobody will ask for those names again.
    ///
    /// Whoever waits for one of them finds that its file has lost the name, and takes the next.
    pub fn remove_files(self) {
        for one in &self.locks {
            // One that stays is an empty file, no more.
            let _ = fs::remove_file(one.shared.path(&one.name));
        }
    }
}

impl Drop for One {
    fn drop(&mut self) {
        // First the file: the next thread of ours must not find it locked by us.
        self.file = None;
        self.shared.ours().remove(&self.name);
        self.shared.freed.notify_all();
    }
}

impl Shared {
    fn ours(&self) -> MutexGuard<'_, BTreeSet<String>> {
        // It is a set of names, whole after every step.
        self.ours.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{PREFIX}{name}"))
    }
}

/// Opens the file and locks it; `None` if somebody else has it.
fn open_and_lock(path: &Path) -> io::Result<Option<File>> {
    let file = open(path)?;
    let lock = libc::flock {
        l_type: libc::F_WRLCK as _,
        l_whence: libc::SEEK_SET as _,
        l_start: 0,
        l_len: 0, // to its end, wherever that is: what `lockf` locks
        l_pid: 0, // as fcntl(2) wants it for this kind
    };
    match fcntl(&file, FcntlArg::F_OFD_SETLK(&lock)) {
        Ok(_) => {}
        Err(Errno::EAGAIN | Errno::EACCES) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    }
    // Its last holder may have removed it between our opening and our locking: then the next one
    // would lock another file.
    let ours = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) if (named.dev(), named.ino()) == (ours.dev(), ours.ino()) => Ok(Some(file)),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens the file, which may not be there yet, nor its directory; and nothing that was put in its
/// place.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    options.mode(0o660).custom_flags(flags.bits());
    let file = options.open(path).or_else(|error| {
        let directory = path.parent().filter(|_| error.kind() == io::ErrorKind::NotFound);
        let Some(directory) = directory else { return Err(error) };
        fs::DirBuilder::new().recursive(true).mode(0o750).create(directory)?;
        options.open(path)
    })?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
