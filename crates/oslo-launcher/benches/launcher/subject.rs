//! What is measured, each in a process of its own: this very program, started again.
//!
//! Forking needs a process with one thread and a small memory image, and no benchmark harness
//! promises either. A subject therefore begins at `main`, before Criterion exists, and all of
//! them begin from the same program with the same memory.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use oslo_launcher::{
    Launcher, LauncherOptions, NoHooks, Notifier, ProcessLauncher, Service, StartError,
    WorkerHandle,
};

use crate::floor;

/// Who starts and replaces the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `ProcessLauncher` with services that need no thread of their own, one worker each.
    Ours,
    /// The same with one service that has all the workers; its respawn throttle keeps it from
    /// replacing many of them at once.
    OursInOne,
    /// The same job on bare `fork` and a pipe.
    Floor,
    /// `ProcessLauncher` with services as most are: they serve on a second thread.
    OursOfTwo,
    /// As the floor, and in each worker a second thread, which is the one that reports.
    FloorOfTwo,
    /// One `s6-supervise` per worker; the worker is a program that it executes.
    S6,
    /// One `runsv` per worker, likewise.
    Runsv,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Ours,
        Self::OursInOne,
        Self::Floor,
        Self::OursOfTwo,
        Self::FloorOfTwo,
        Self::S6,
        Self::Runsv,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "oslo-launcher",
            Self::OursInOne => "oslo-launcher, one service",
            Self::Floor => "floor",
            Self::OursOfTwo => "oslo-launcher, two threads",
            Self::FloorOfTwo => "floor, two threads",
            Self::S6 => "s6-supervise",
            Self::Runsv => "runsv",
        }
    }

    /// Our own two need nothing; the others are Debian packages that may not be there.
    pub(crate) fn is_installed(self) -> bool {
        let found = |path: &str| Path::new(path).join(self.name()).is_file();
        !self.executes() || found("/usr/bin") || found("/bin")
    }

    /// What it is compared with.
    pub(crate) fn floor(self) -> Self {
        match self {
            Self::OursOfTwo | Self::FloorOfTwo => Self::FloorOfTwo,
            _ => Self::Floor,
        }
    }

    /// Whether its workers are executed, not only forked.
    pub(crate) fn executes(self) -> bool {
        matches!(self, Self::S6 | Self::Runsv)
    }
}

/// The file that tells s6-supervise on which descriptor a worker says that it is ready. Without
/// it, s6-supervise cannot know a worker that was ready, and waits a second after each death.
pub(crate) const NOTIFICATION: &str = "notification-fd";

/// Whether a worker also writes its process id to standard output, for whoever kills it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announce {
    Nothing,
    Pid,
}

pub(crate) fn announce(how: Announce) {
    if how == Announce::Pid {
        // One system call past the buffer, which would cut a process id in two at a line feed.
        let _ = nix::unistd::write(std::io::stdout(), &std::process::id().to_ne_bytes());
    }
}

/// The whole life of a subject: waits for the word on standard input, then runs until killed.
///
/// The arguments are those that [`crate::running::Running`] gives.
pub(crate) fn run(words: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let [kind, workers, how, manager, folder] = words else { return Err("five words".into()) };
    let kind = Kind::ALL.into_iter().find(|one| one.name() == kind).ok_or("no such subject")?;
    let how = if how == "pid" { Announce::Pid } else { Announce::Nothing };
    let workers: usize = workers.parse()?;
    set_pdeathsig(Signal::SIGTERM)?; // whoever holds the watch may be interrupted
    let socket = UnixDatagram::unbound()?;
    socket.connect(manager)?;
    socket.send(b"set")?;
    std::io::stdin().read_exact(&mut [0])?;
    match kind {
        Kind::Ours => ours([workers, 1], false, how, manager)?,
        Kind::OursInOne => ours([1, workers], false, how, manager)?,
        Kind::OursOfTwo => ours([workers, 1], true, how, manager)?,
        Kind::Floor => floor::run(floor::Worker::OneThread, workers, how, &socket)?,
        Kind::FloorOfTwo => floor::run(floor::Worker::TwoThreads, workers, how, &socket)?,
        Kind::S6 | Kind::Runsv => supervisors(kind, workers, how, &socket, folder.as_ref())?,
    }
    Ok(())
}

/// So many services with so many workers each.
fn ours(
    [services, each]: [usize; 2],
    threaded: bool,
    how: Announce,
    manager: &str,
) -> Result<(), Box<dyn std::error::Error>> {
    let notifier = Notifier::connect(manager, None)?;
    let capacity = services * each;
    let options = LauncherOptions { capacity, notifier, noun: "workers", ..Default::default() };
    let mut launcher = ProcessLauncher::new(options, Box::new(NoHooks))?;
    let service = |number| Trivial { name: format!("worker{number:04}"), threaded, how };
    let services: Vec<(Arc<dyn Service>, usize)> =
        (0..services).map(|number| (Arc::new(service(number)) as _, each)).collect();
    launcher.launch_services(&services)?;
    launcher.wait()?;
    Ok(())
}

struct Trivial {
    name: String,
    threaded: bool,
    how: Announce,
}

impl Service for Trivial {
    fn name(&self) -> &str {
        &self.name
    }

    fn needs_thread(&self) -> bool {
        self.threaded
    }

    fn start(&self, worker: &WorkerHandle) -> Result<(), StartError> {
        worker.up();
        announce(self.how);
        while self.threaded && !worker.wait_for_stop(Duration::from_secs(86_400)) {}
        Ok(())
    }

    fn stop(&self) {}
    fn wait(&self) {}
    fn reset(&self) {}
}

/// Starts one supervisor per worker and waits for the workers' bytes, as the floor does; ends them
/// when standard input ends.
fn supervisors(
    kind: Kind,
    workers: usize,
    how: Announce,
    manager: &UnixDatagram,
    folder: &Path,
) -> std::io::Result<()> {
    let (mut reports, write) = std::io::pipe()?;
    let mut children = Vec::with_capacity(workers);
    for number in 0..workers {
        let output = match how {
            Announce::Pid => Stdio::inherit(),
            Announce::Nothing => OwnedFd::from(write.try_clone()?).into(),
        };
        let mut command = Command::new(kind.name());
        command.arg(folder.join(number.to_string()));
        command.stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
        children.push(command.spawn()?);
    }
    if how == Announce::Nothing {
        reports.read_exact(&mut vec![0; 4 * workers])?;
        manager.send(b"READY=1")?;
    }
    let _ = std::io::stdin().read(&mut [0])?;
    for child in &children {
        kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM)?;
    }
    for mut child in children {
        child.wait()?;
    }
    Ok(())
}

/// The worker that s6 and runit execute: ready at once, then asleep until killed.
pub(crate) fn executed() {
    // Asked for by s6-supervise alone, in the service's folder, where the worker starts.
    if Path::new(NOTIFICATION).exists() {
        let _ = std::fs::write("/dev/fd/3", "\n");
    }
    announce(Announce::Pid);
    loop {
        nix::unistd::pause();
    }
}
