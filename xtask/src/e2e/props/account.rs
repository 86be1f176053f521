//! Resource limits of a running daemon, and an account to which they apply.
//!
//! Root is exempt from the limit on processes (setrlimit(2)), so where the scenarios run as root
//! the daemon runs as a user without privileges; otherwise as whoever we are.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use nix::unistd::Uid;

use super::config::Config;
use super::daemon::Daemon;
use super::scene::Scene;
use crate::process;
use crate::wait::secs;

/// Who runs the daemon of one scenario.
pub(crate) struct Account<'s> {
    scene: &'s Scene,
    /// `None`: as we are.
    uid: Option<u32>,
    binary: PathBuf,
}

impl<'s> Account<'s> {
    /// Runs things as we are.
    pub(crate) fn own(scene: &'s Scene) -> Self {
        Self { scene, uid: None, binary: scene.binary().to_owned() }
    }

    /// Somebody without privileges: `uid` if we are root, else ourselves.
    ///
    /// The limit on processes counts all of a user, so two scenarios at once need two users.
    ///
    /// # Errors
    ///
    /// When the scene's directory cannot be given away.
    pub(crate) fn without_privileges(scene: &'s Scene, uid: u32) -> Result<Self> {
        if !Uid::effective().is_root() {
            return Ok(Self::own(scene));
        }
        scene.open_to_all()?;
        // The build directory may lie where nobody else can look.
        let binary = scene.path("cinder-volume");
        fs::copy(scene.binary(), &binary).context("cannot copy the daemon")?;
        chown(scene.path(""), Some(uid), Some(uid)).context("cannot give the directory away")?;
        Ok(Self { scene, uid: Some(uid), binary })
    }

    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// Any program, run by this user.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let Some(uid) = self.uid.map(|uid| uid.to_string()) else {
            return self.scene.command(program);
        };
        let mut command = self.scene.command("setpriv");
        command.args(["--reuid", &uid, "--regid", &uid, "--clear-groups", "--"]).arg(program);
        command
    }

    /// The daemon, run by this user.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub(crate) fn start(&self, config: &Config) -> Result<Daemon> {
        let file = self.scene.write("cinder.conf", &config.text())?;
        let mut command = self.command(&self.binary);
        self.scene.start_command(command.arg("--config-file").arg(file))
    }

    /// Lowers a limit of a running process until the answer is lifted.
    ///
    /// # Errors
    ///
    /// When the process is gone or belongs to somebody else.
    pub(crate) fn squeeze(&self, pid: i32, limit: Limit, to: u64) -> Result<Squeeze<'_>> {
        let (before, _) = process::limits(pid, limit.name())
            .with_context(|| format!("{pid} has no limit {:?}", limit.name()))?;
        self.limit(pid, limit, &to.to_string())?;
        Ok(Squeeze { account: self, pid, limit, before })
    }

    /// Raises a limit as far as the hard limit allows.
    ///
    /// # Errors
    ///
    /// When the process is gone or belongs to somebody else.
    pub(crate) fn raise(&self, pid: i32, limit: Limit) -> Result<()> {
        let (_, hard) = process::limits(pid, limit.name())
            .with_context(|| format!("{pid} has no limit {:?}", limit.name()))?;
        self.limit(pid, limit, &hard)
    }

    /// Sets the soft limit only: the hard one could not be raised again.
    fn limit(&self, pid: i32, limit: Limit, soft: &str) -> Result<()> {
        let mut command = self.command("prlimit");
        let value = format!("{}={soft}:", limit.option());
        command.args(["--pid", &pid.to_string(), &value]);
        let outcome = self.scene.finish(&mut command, secs(10))?;
        ensure!(outcome.code == Some(0), "prlimit {value}: {}", outcome.all());
        Ok(())
    }
}

/// A resource limit, setrlimit(2).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// `RLIMIT_NPROC`
    Processes,
    /// `RLIMIT_NOFILE`
    Descriptors,
}

impl Limit {
    /// As an option of prlimit(1).
    fn option(self) -> &'static str {
        match self {
            Self::Processes => "--nproc",
            Self::Descriptors => "--nofile",
        }
    }

    /// As a line of `/proc/PID/limits`.
    fn name(self) -> &'static str {
        match self {
            Self::Processes => "Max processes",
            Self::Descriptors => "Max open files",
        }
    }
}

/// A lowered limit.
pub(crate) struct Squeeze<'a> {
    account: &'a Account<'a>,
    pid: i32,
    limit: Limit,
    before: String,
}

impl Squeeze<'_> {
    /// Puts the limit back to where it was.
    ///
    /// # Errors
    ///
    /// When the process is gone.
    pub(crate) fn lift(self) -> Result<()> {
        self.account.limit(self.pid, self.limit, &self.before)
    }
}
