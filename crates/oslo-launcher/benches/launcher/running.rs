//! A subject under measurement, seen from the process that holds the watch.

use std::io::{ErrorKind, Read, Result, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::subject::{Announce, Kind, NOTIFICATION};

/// Longer than any start takes; a subject that has failed must not look like a slow one.
const LIMIT: Duration = Duration::from_secs(120);

/// Longer than the kernel needs to clear away a thousand processes.
const CALM: Duration = Duration::from_millis(200);

/// s6-supervise and runsv keep their state in files. Systems that use them put these files on a
/// file system in memory, and so does this benchmark where it can.
const MEMORY: &str = "/dev/shm";

/// A started subject; dropping it ends all its processes.
pub(crate) struct Running {
    kind: Kind,
    child: Child,
    /// Where the subject says `set` and `READY=1`.
    manager: UnixDatagram,
    /// Workers whose process ids have been read and which were not killed yet.
    victims: Vec<i32>,
    _folder: tempfile::TempDir,
}

impl Running {
    /// A subject that has set itself up and waits for the word.
    pub(crate) fn new(kind: Kind, workers: usize, how: Announce) -> Result<Self> {
        // Workers that have lost their parent end as our children, not as somebody else's.
        set_child_subreaper(true)?;
        let folder = if Path::new(MEMORY).is_dir() {
            tempfile::tempdir_in(MEMORY)?
        } else {
            tempfile::tempdir()?
        };
        let program = std::env::current_exe()?;
        if kind.executes() {
            for number in 0..workers {
                let service = folder.path().join(number.to_string());
                std::fs::create_dir(&service)?;
                symlink(&program, service.join("run"))?;
                if kind == Kind::S6 {
                    std::fs::write(service.join(NOTIFICATION), "3\n")?;
                }
            }
        }
        let path = folder.path().join("manager");
        let manager = UnixDatagram::bind(&path)?;
        manager.set_read_timeout(Some(LIMIT))?;
        let mut command = Command::new(program);
        command.args(["--subject", kind.name(), &workers.to_string()]);
        command.arg(if how == Announce::Pid { "pid" } else { "nothing" });
        command.arg(&path).arg(folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let (child, victims) = (command.spawn()?, Vec::new());
        let running = Self { kind, child, manager, victims, _folder: folder };
        running.await_word("set")?;
        Ok(running)
    }

    /// Other words on this socket, such as a status sentence, are passed over.
    fn await_word(&self, word: &str) -> Result<()> {
        let mut buffer = [0; 512];
        loop {
            let length = match self.manager.recv(&mut buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                length => length?,
            };
            if buffer.starts_with(word.as_bytes()) && length == word.len() {
                return Ok(());
            }
        }
    }

    fn go(&mut self) -> Result<()> {
        let input = self.child.stdin.as_mut().expect("made with a pipe");
        input.write_all(b"!")
    }

    /// From the word to the news that every worker is ready.
    pub(crate) fn start(mut self) -> Result<Duration> {
        let start = Instant::now();
        self.go()?;
        self.await_word("READY=1")?;
        Ok(start.elapsed())
    }

    /// A subject whose `workers` workers run and have told their process ids.
    pub(crate) fn up(kind: Kind, workers: usize) -> Result<Self> {
        let mut running = Self::new(kind, workers, Announce::Pid)?;
        running.go()?;
        for _ in 0..workers {
            let pid = running.next_pid()?;
            running.victims.push(pid);
        }
        Ok(running)
    }

    fn next_pid(&mut self) -> Result<i32> {
        let mut bytes = [0; 4];
        self.child.stdout.as_mut().expect("made with a pipe").read_exact(&mut bytes)?;
        Ok(i32::from_ne_bytes(bytes))
    }

    /// From SIGKILL of a worker that was never killed before to its successor's word; `None` when
    /// no such worker is left.
    pub(crate) fn kill_one(&mut self) -> Result<Option<Duration>> {
        let Some(victim) = self.victims.pop() else { return Ok(None) };
        let start = Instant::now();
        kill(Pid::from_raw(victim), Signal::SIGKILL)?;
        self.next_pid()?;
        Ok(Some(start.elapsed()))
    }
}

impl Drop for Running {
    /// Every process that matters holds the subject's standard output, so the end of that stream
    /// is the end of the last one. The next subject must not pay for what this one leaves to the
    /// kernel, so their statuses are taken here, and a moment passes.
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        if !self.kind.executes() {
            let _ = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM);
        }
        let mut rest = Vec::new();
        let _ = self.child.stdout.take().map(|mut stream| stream.read_to_end(&mut rest));
        let _ = self.child.wait();
        std::thread::sleep(CALM);
        while matches!(waitpid(None, Some(WaitPidFlag::WNOHANG)), Ok(status) if status.pid().is_some())
        {
        }
    }
}
