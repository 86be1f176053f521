//! A daemon for long runs: everything that may be done to one can be done to this.
//!
//! Where we may, it is process 1 of a namespace, so that orphans come to it. It is never root, for
//! whom the limit on processes would not hold. Its log goes through a pipe whose reader can
//! be stopped.

use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::account::Account;
use super::config::Config;
use super::daemon::{Daemon, SOON};
use super::holdings::Holdings;
use super::namespace::Namespaces;
use super::scene::Scene;
use crate::process;
use crate::wait::{let_pass, millis, secs, wait_for};

const NAMESPACE: [&str; 4] = ["--pid", "--fork", "--mount-proc", "--kill-child"];
/// Nobody's; the limit on processes counts all of a user.
const UID: u32 = 60_103;

/// The daemon, and what surrounds it.
pub(crate) struct Stage<'s> {
    pub(crate) scene: &'s Scene,
    pub(crate) account: Account<'s>,
    pub(crate) daemon: Daemon,
    pub(crate) log: LogReader,
    pub(crate) config: Config,
    namespaces: Option<Namespaces>,
    /// Started beside the daemon for its sake: the namespace's outer process.
    helpers: Vec<i32>,
}

impl<'s> Stage<'s> {
    /// Starts the daemon and waits until all of its back ends are up.
    ///
    /// # Errors
    ///
    /// When it does not come up.
    pub(crate) fn set(scene: &'s Scene, config: Config, backends: usize) -> Result<Self> {
        let account = Account::without_privileges(scene, UID)?;
        let file = scene.write("cinder.conf", &config.text())?;
        let mut inner = account.command(account.binary());
        inner.arg("--config-file").arg(&file);
        let namespaces = Namespaces::ask(scene, &NAMESPACE).ok();
        let mut command = match &namespaces {
            Some(namespaces) => {
                let mut outer = namespaces.command(scene);
                outer.arg(inner.get_program()).args(inner.get_args());
                outer
            }
            None => inner,
        };
        let path = scene.path("daemon.log");
        let (log, output) = LogReader::start(&path)?;
        let child = command.stdout(output.try_clone()?).stderr(output).spawn();
        let child = child.context("cannot start the daemon")?;
        // Or the reader would never see the end of the pipe.
        drop(command);
        let mut daemon = Daemon::adopt(child, &path, &scene.store())?;
        let mut helpers = Vec::new();
        if namespaces.is_some() {
            helpers.push(daemon.pid());
            let parent = wait_for("the daemon inside its namespace", SOON, || {
                let inner = process::living_children(daemon.pid()).first().copied();
                let inner = inner.context("no child")?;
                ensure!(!process::living_children(inner).is_empty(), "no worker yet");
                Ok(inner)
            })?;
            daemon = daemon.with_parent(parent);
        }
        wait_for("every back end to be up", secs(60), || daemon.wait_up(backends))?;
        Ok(Self { scene, account, daemon, log, config, namespaces, helpers })
    }

    /// The beginning of a command line in the daemon's namespace, where it has one: orphans come
    /// to the daemon from there only.
    pub(crate) fn beside(&self) -> Option<Command> {
        self.namespaces.as_ref().map(|inside| inside.beside(self.scene, self.daemon.pid()))
    }

    /// What the parent holds once it has reloaded, reported and rolled.
    ///
    /// # Errors
    ///
    /// When one of these does not work.
    pub(crate) fn warm_up(&self, backends: usize) -> Result<Holdings> {
        let before = self.daemon.workers();
        for signal in [Signal::SIGHUP, Signal::SIGUSR2, Signal::SIGUSR1] {
            self.daemon.signal(signal)?;
            self.daemon.wait_beats(1)?;
        }
        self.daemon.wait_workers(&before, backends, secs(120))?;
        self.daemon.wait_beats(1)?;
        Holdings::of(self.daemon.pid())
    }

    /// Checks that nothing runs but the parent, its workers and its helpers.
    ///
    /// # Errors
    ///
    /// With what else is there.
    pub(crate) fn expect_nobody_else(&self) -> Result<()> {
        let mut expected = self.daemon.workers();
        expected.push(self.daemon.pid());
        expected.extend(&self.helpers);
        expected.sort_unstable();
        let mut all = self.scene.processes();
        all.sort_unstable();
        ensure!(all == expected, "expected {expected:?}, found {all:?}");
        Ok(())
    }
}

/// Reads the daemon's outputs into a file, and can be told to stop reading.
pub(crate) struct LogReader {
    stopped: Arc<AtomicBool>,
}

impl LogReader {
    fn start(path: &Path) -> Result<(Self, std::io::PipeWriter)> {
        let (pipe, output) = std::io::pipe()?;
        let file = File::options().create(true).append(true).open(path)?;
        let stopped = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stopped);
        thread::spawn(move || copy(pipe, file, &flag));
        Ok((Self { stopped }, output))
    }

    /// Lets the pipe fill, or empties it again.
    pub(crate) fn stop(&self, stop: bool) {
        self.stopped.store(stop, Ordering::Release);
    }
}

/// Ends with the last process that can write to the pipe.
fn copy(mut pipe: PipeReader, mut file: File, stopped: &AtomicBool) {
    let mut buffer = [0; 65536];
    loop {
        while stopped.load(Ordering::Acquire) {
            let_pass(millis(20));
        }
        match pipe.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => {
                // A full disk costs the log; the daemon's checks do not depend on it.
                let _ = file.write_all(buffer.get(..count).unwrap_or_default());
            }
        }
    }
}
