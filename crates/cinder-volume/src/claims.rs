//! Which process of this machine serves which back end: one lock for each, so that two daemons with
//! the same `host@backend` do not write into one row, and later do not work on one volume.
//!
//! All locks are in one file below `state_path`, each on a byte whose place follows from the name:
//! a file for each would cost a descriptor for each, and leave them behind. They are record locks of
//! `fcntl(2)`, which belong to the process: a forked worker does not inherit them, so a worker that
//! outlives its parent for a moment keeps nobody out, and the kernel knows whose they are. They go
//! with that process, however it ends; the file stays and means nothing by itself.
//!
//! Must not: wait, or open that file a second time (closing it would give up all locks).

use std::fs::File;
use std::path::Path;

use tracing::warn;

use crate::worker::Candidate;

/// The file below `state_path`.
const FILE: &str = "cinder-volume.lock";

/// Claims every back end that has none of its own problems, and leaves out those that somebody
/// else serves. What has been claimed is held until the file is closed or this process ends.
///
/// Where there can be no lock, a warning is all: the back ends run.
pub fn claim(state_path: &Path, candidates: &mut [Candidate]) -> Option<File> {
    let path = state_path.join(FILE);
    let file = match locks::open(&path) {
        Ok(file) => file,
        Err(cause) => {
            not_kept_apart(&path, &cause);
            return None;
        }
    };
    let mut refused = None;
    for candidate in candidates.iter_mut().filter(|candidate| candidate.plan.is_ok()) {
        match locks::take(&file, place(&candidate.host)) {
            Ok(Ok(())) => {}
            Ok(Err(holder)) => candidate.plan = Err(served_by(holder, &path)),
            Err(cause) => refused = Some(cause),
        }
    }
    if let Some(cause) = refused {
        not_kept_apart(&path, &cause);
    }
    Some(file)
}

fn served_by(holder: Option<i32>, path: &Path) -> anyhow::Error {
    let who = match holder {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(), // in a container, of which we know no pid
    };
    anyhow::anyhow!("{who} on this machine serves it already (lock in {})", path.display())
}

fn not_kept_apart(path: &Path, cause: &std::io::Error) {
    warn!(
        target: "cinder.cmd.volume",
        error = cause as &(dyn std::error::Error + 'static),
        "Cannot lock {}: a second daemon with the same back ends on this machine would not be \
         noticed",
        path.display()
    );
}

/// Where in the file the lock of a back end is: its FNV-1a hash, which is the same in every build.
fn place(host: &str) -> i64 {
    let hash = host.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // The last byte that a file can have is the end of what can be locked.
    i64::try_from(hash >> 2).unwrap_or_default()
}

mod locks {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::Path;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    use nix::libc;

    /// Opens the file, which may not be there yet, and nothing that was put in its place.
    pub(super) fn open(path: &Path) -> io::Result<File> {
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.mode(0o640).custom_flags(flags.bits()).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        Ok(file)
    }

    /// Locks one byte; the inner error is whoever has it, if we may know.
    pub(super) fn take(file: &File, place: i64) -> io::Result<Result<(), Option<i32>>> {
        loop {
            let mut lock = libc::flock {
                l_type: libc::F_WRLCK as _,
                l_whence: libc::SEEK_SET as _,
                l_start: place as _,
                l_len: 1,
                l_pid: 0,
            };
            match fcntl(file, FcntlArg::F_SETLK(&lock)) {
                Ok(_) => return Ok(Ok(())),
                Err(Errno::EAGAIN | Errno::EACCES) => {}
                Err(errno) => return Err(errno.into()),
            }
            fcntl(file, FcntlArg::F_GETLK(&mut lock))?;
            // Else whoever had it has gone in between.
            if i32::from(lock.l_type) != libc::F_UNLCK {
                return Ok(Err(Some(lock.l_pid).filter(|pid| *pid > 0)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(host: &str) -> Candidate {
        let (name, plan) = (host.to_owned(), Err(anyhow::anyhow!("bad section")));
        Candidate { name, host: host.to_owned(), plan }
    }

    #[test]
    fn places_are_those_of_every_other_build_and_apart() {
        // The test vectors of that hash.
        for (text, hash) in [("", 0xcbf2_9ce4_8422_2325_u64), ("foobar", 0x8594_4171_f739_67e8)] {
            assert_eq!(u64::try_from(place(text)), Ok(hash >> 2), "{text}");
        }
        let hosts = (0..2000).flat_map(|n| [format!("node@b{n}"), format!("node{n}@b/{n}")]);
        let places: std::collections::BTreeSet<i64> = hosts.map(|host| place(&host)).collect();
        assert_eq!(places.len(), 4000);
        assert!(places.iter().all(|place| (0..i64::MAX).contains(place)));
    }

    #[test]
    fn a_back_end_with_a_problem_of_its_own_keeps_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut candidates = [candidate("node@a")];
        assert!(claim(dir.path(), &mut candidates).is_some());
        assert_eq!(candidates[0].plan.as_ref().unwrap_err().to_string(), "bad section");
    }

    #[test]
    fn what_stands_in_the_place_of_the_file_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        let victim = dir.path().join("victim");
        std::os::unix::fs::symlink(&victim, &path).unwrap();
        assert!(claim(dir.path(), &mut []).is_none());
        assert!(!victim.exists());
        std::fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(claim(dir.path(), &mut []).is_none());
        assert!(claim(&dir.path().join("missing"), &mut []).is_none());
        assert!(!dir.path().join("missing").exists());
    }
}
