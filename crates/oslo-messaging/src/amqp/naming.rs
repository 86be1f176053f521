//! Names for queues that the next life of a process finds again (`use_queue_manager`).
//!
//! A name is host, process, and a number that all processes of a service take from one file, those of the
//! original too: `GROUP:NUMBER:START`, the process group, the last number given, and when the group's
//! leader was started. Another group begins with 1. Who reads and writes holds a lock on another file,
//! which lies in `lock_path` and is the original's. Must not: wait for ever, follow a link, or count on
//! what stands in the file; everybody may write below `/dev/shm`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::unistd::{getpgrp, getpid};

use crate::error::ServeError;
use crate::url::Broker;

/// Where the original counts.
const DIRECTORY: &str = "/dev/shm";
/// Whoever holds the lock reads and writes one line; one that takes longer is stopped, or is no service.
const LIMIT: Duration = Duration::from_secs(5);
/// Between two looks at the lock.
const PAUSE: Duration = Duration::from_millis(10);
/// More than any line of three numbers has.
const LINE: u64 = 100;

/// Gives names.
#[derive(Debug, Clone)]
pub(crate) struct Naming {
    /// Begins each name.
    start: String,
    counter: PathBuf,
    /// Nothing if nobody has said where locks are.
    lock: Option<PathBuf>,
}

impl Naming {
    /// As the options say; nothing where names are made up.
    pub(crate) fn of(broker: &Broker) -> Option<Self> {
        let options = &broker.options;
        if !options.use_queue_manager {
            return None;
        }
        let (host, process) = (&options.hostname, &options.processname);
        // A name is one of a file as well, and must not lead anywhere else.
        let file = |name: String| name.replace(['/', '\0'], "_");
        let lock = file(format!("oslo_read_shm_{host}_{process}"));
        Some(Self {
            start: format!("{host}:{process}"),
            counter: Path::new(DIRECTORY).join(file(format!("{host}_{process}_qmanager"))),
            lock: broker.lock_path.as_ref().map(|directory| directory.join(lock)),
        })
    }

    /// The next name.
    ///
    /// # Errors
    ///
    /// [`ServeError::Name`], with the file that is in the way.
    pub(crate) fn next(&self) -> Result<String, ServeError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| ServeError::Name { path, source }
        };
        let lock = self.lock.as_deref().ok_or_else(|| {
            failed(&self.counter)(io::Error::other("its lock needs [oslo_concurrency] lock_path"))
        })?;
        let _held = hold(lock).map_err(failed(lock))?;
        let number = count(&self.counter).map_err(failed(&self.counter))?;
        Ok(format!("{}:{number}", self.start))
    }
}

/// Holds the lock until it is dropped. One that a dead process had is free.
fn hold(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let options = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let mut open = OpenOptions::new();
    let file = open.append(true).create(true).custom_flags(options.bits()).open(path)?;
    // Of this handle and not of the process, so that threads exclude each other as well; the
    // original's are of the other kind, and the system has both exclude each other.
    let whole = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    let until = Instant::now() + LIMIT;
    loop {
        match fcntl(&file, FcntlArg::F_OFD_SETLK(&whole)) {
            Ok(_) => return Ok(file),
            Err(Errno::EAGAIN | Errno::EACCES | Errno::EINTR) if Instant::now() < until => {
                std::thread::sleep(PAUSE);
            }
            Err(Errno::EAGAIN | Errno::EACCES) => {
                let seconds = LIMIT.as_secs();
                return Err(io::Error::other(format!("another process locks it for {seconds} s")));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Takes the next number out of the file.
fn count(path: &Path) -> io::Result<i64> {
    let options = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let mut open = OpenOptions::new();
    open.read(true).write(true).create(true).truncate(false).custom_flags(options.bits());
    let mut file = open.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut bytes = Vec::new();
    (&file).take(LINE).read_to_end(&mut bytes)?;
    let (group, start) = generation()?;
    let number = following(&String::from_utf8_lossy(&bytes), group, start);
    let line = format!("{group}:{number}:{start}");
    file.seek(SeekFrom::Start(0))?;
    file.write_all(line.as_bytes())?;
    // Afterwards: there is no moment in which it is empty.
    file.set_len(line.len() as u64)?;
    Ok(number)
}

/// The number after the one in the file; 1 if that is another generation's, or makes no sense.
fn following(text: &str, group: i64, start: i64) -> i64 {
    let line = text.lines().next().unwrap_or_default();
    let numbers: Result<Vec<i64>, _> = line.split(':').map(|one| one.trim().parse()).collect();
    match numbers.as_deref() {
        Ok([known, number, since]) if (*known, *since) == (group, start) => {
            number.checked_add(1).unwrap_or(1)
        }
        _ => 1,
    }
}

/// What the processes of one start of a service have in common: their group, and when its leader began.
fn generation() -> io::Result<(i64, i64)> {
    let group = getpgrp().as_raw();
    // Some containers have processes of no group.
    let leader = if group == 0 { getpid().as_raw() } else { group };
    let path = format!("/proc/{leader}/stat");
    let named = |error: &dyn std::fmt::Display| io::Error::other(format!("{path}: {error}"));
    let text = match fs::read(&path) {
        // It has left its group behind, as a script does that starts a service and ends.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((i64::from(group), 0)),
        read => read.map_err(|error| named(&error))?,
    };
    // Split as the original splits it, also where a program's name has a space in it.
    let text = String::from_utf8_lossy(&text).into_owned();
    let start = text.split_whitespace().nth(21).and_then(|word| word.parse().ok());
    Ok((i64::from(group), start.ok_or_else(|| named(&"no moment of its start"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_counts_on_and_another_one_begins_anew() {
        assert_eq!(following("7:3:99", 7, 99), 4);
        assert_eq!(following("7:3:99\nmore", 7, 99), 4);
        for text in [
            "",
            "7:3",
            "7:3:98",
            "8:3:99",
            "7:3:99:1",
            "x:3:99",
            "7::99",
            "\u{fffd}",
            "7:3:99x",
            "7:9223372036854775807:99",
            "7:9223372036854775808:99",
        ] {
            assert_eq!(following(text, 7, 99), 1, "{text:?}");
        }
    }

    #[test]
    fn numbers_are_given_once_whoever_asks() {
        let directory = tempfile::tempdir().expect("a directory");
        let counter = directory.path().join("counter");
        let naming = Naming {
            start: "n:p".into(),
            counter: counter.clone(),
            lock: Some(directory.path().join("made/lock")),
        };
        fs::write(&counter, [0xff; 4096]).expect("ours");
        let mut all: Vec<String> = std::thread::scope(|scope| {
            let ask = || (0..25).map(|_| naming.next().expect("a name")).collect::<Vec<_>>();
            let asked: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            asked.into_iter().flat_map(|one| one.join().expect("no panic")).collect()
        });
        all.sort();
        all.dedup();
        assert_eq!((all.len(), all.contains(&"n:p:100".to_owned())), (100, true));
        let (group, start) = generation().expect("there is a group");
        let text = fs::read_to_string(&counter).expect("ours");
        assert_eq!(text, format!("{group}:100:{start}"), "nothing of the garbage is left");
    }

    #[test]
    fn what_is_in_the_way_is_named_and_nothing_is_waited_for() {
        let directory = tempfile::tempdir().expect("a directory");
        let naming = |counter: &str, lock: Option<&str>| Naming {
            start: "n:p".into(),
            counter: directory.path().join(counter),
            lock: lock.map(|name| directory.path().join(name)),
        };
        fs::create_dir(directory.path().join("folder")).expect("ours");
        std::os::unix::fs::symlink("elsewhere", directory.path().join("link")).expect("ours");
        nix::unistd::mkfifo(&directory.path().join("pipe"), nix::sys::stat::Mode::S_IRWXU)
            .expect("ours");
        for (counter, lock) in [
            ("folder", Some("lock")),
            ("link", Some("lock")),
            ("pipe", Some("lock")),
            ("none/counter", Some("lock")),
            ("counter", Some("link")),
            ("counter", None),
        ] {
            let error = naming(counter, lock).next().expect_err(counter);
            let text = format!("{error}: {:?}", std::error::Error::source(&error));
            assert!(
                text.contains(lock.filter(|_| counter == "counter").unwrap_or(counter)),
                "{text}"
            );
        }
        assert!(!directory.path().join("elsewhere").exists());
    }

    #[test]
    fn a_lock_that_is_not_let_go_of_is_waited_for_and_then_told() {
        let directory = tempfile::tempdir().expect("a directory");
        let lock = directory.path().join("lock");
        let naming = Naming {
            start: "n:p".into(),
            counter: directory.path().join("counter"),
            lock: Some(lock.clone()),
        };
        let held = hold(&lock).expect("free");
        let error = naming.next().expect_err("it is held");
        assert!(format!("{error:?}").contains("another process locks it"), "{error:?}");
        drop(held);
        assert_eq!(naming.next().expect("it is free"), "n:p:1");
    }
}
