//! One scenario's own directory, and the end of everything it started.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::config::Config;
use super::daemon::Daemon;
use super::panics;
use crate::database::Store;
use crate::guard;
use crate::process::{self, text_of};
use crate::servers::Database;
use crate::wait::{secs, wait_for};

/// What a program that ran to its end left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Exit code, or none when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Outcome {
    /// Both outputs, for texts whose stream the contract leaves open.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

/// A fresh directory and a mark in the environment of every process started for it.
pub(crate) struct Scene {
    binary: PathBuf,
    dir: PathBuf,
    mark: String,
    /// The database on a server that takes the place of the SQLite file.
    server: RefCell<Option<Database>>,
}

impl Scene {
    /// Makes the directory `name` below `root`.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made, or there is no shell to guard what will be started.
    pub(crate) fn new(binary: &Path, root: &Path, name: &str) -> Result<Self> {
        guard::start()?;
        let dir = root.join(name);
        fs::create_dir(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let mark = format!("XTASK_SCENE={}", dir.display());
        Ok(Self { binary: binary.to_owned(), dir, mark, server: RefCell::new(None) })
    }

    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The SQLite file that [`Scene::config`] names.
    pub(crate) fn database(&self) -> PathBuf {
        self.path("cinder.sqlite")
    }

    /// Puts a database on a server in the place of the SQLite file.
    pub(crate) fn use_database(&self, database: Database) {
        *self.server.borrow_mut() = Some(database);
    }

    /// The database on a server that this scenario was given.
    ///
    /// # Errors
    ///
    /// When it runs on an SQLite file.
    pub(crate) fn on_server(&self) -> Result<Database> {
        self.server.borrow().clone().context("this scenario has no database server")
    }

    /// Where the rows are.
    pub(crate) fn store(&self) -> Store {
        match &*self.server.borrow() {
            Some(database) => Store::Server(database.clone()),
            None => Store::File(self.database()),
        }
    }

    pub(crate) fn config(&self, backends: &[&str]) -> Config {
        let config = Config::new(&self.dir, backends);
        match &*self.server.borrow() {
            Some(database) => config.set("database", "connection", &database.url()),
            None => config,
        }
    }

    /// Writes a file into the scene's directory.
    ///
    /// # Errors
    ///
    /// When the disk refuses.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }

    /// Any program, in the scene's directory, with a bare environment and in its own process
    /// group (so that a signal to the group does not reach us).
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.bare_command(program);
        command.process_group(0);
        command
    }

    /// As [`Scene::command`], but in our process group, for programs that must not lead one.
    pub(crate) fn bare_command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let (key, value) = self.mark.split_once('=').unwrap_or_default();
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.current_dir(&self.dir).env_clear().env("PATH", path).env("HOME", &self.dir);
        command.env("LANG", "C.UTF-8").env(key, value).stdin(Stdio::null());
        guard::protect(&mut command);
        command
    }

    /// The daemon with these arguments.
    pub(crate) fn cinder_volume(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&self.binary);
        command.args(arguments);
        command
    }

    /// Runs a program to its end, outputs going to files.
    ///
    /// # Errors
    ///
    /// When it cannot be started or does not end in time.
    pub(crate) fn finish(&self, command: &mut Command, limit: Duration) -> Result<Outcome> {
        let (out, err) = (self.path("run.out"), self.path("run.err"));
        let mut child = command
            .stdout(fs::File::create(&out)?)
            .stderr(fs::File::create(&err)?)
            .spawn()
            .with_context(|| format!("cannot start {:?}", command.get_program()))?;
        let ended =
            wait_for("the program to end", limit, || child.try_wait()?.context("it still runs"));
        if ended.is_err() {
            child.kill()?;
            child.wait()?;
        }
        Ok(Outcome { code: ended?.code(), out: text_of(&out), err: text_of(&err) })
    }

    /// Runs `cinder-volume` with these arguments to its end.
    ///
    /// # Errors
    ///
    /// When it does not end within 15 seconds.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Outcome> {
        self.finish(&mut self.cinder_volume(arguments), secs(15))
    }

    /// Runs the daemon on a configuration that should make it end by itself.
    ///
    /// # Errors
    ///
    /// When it goes on running.
    pub(crate) fn run_config(&self, config: &Config) -> Result<Outcome> {
        let file = self.write("cinder.conf", &config.text())?;
        self.run(&["--config-file", &file.to_string_lossy()])
    }

    /// Starts the daemon on this configuration.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub(crate) fn start(&self, config: &Config) -> Result<Daemon> {
        let file = self.write("cinder.conf", &config.text())?;
        self.start_command(&mut self.cinder_volume(&["--config-file", &file.to_string_lossy()]))
    }

    /// Starts one more daemon, with a file and a log of its own name.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub(crate) fn start_beside(&self, name: &str, config: &Config) -> Result<Daemon> {
        let file = self.write(&format!("{name}.conf"), &config.text())?;
        let mut command = self.cinder_volume(&["--config-file", &file.to_string_lossy()]);
        Daemon::start(&mut command, &self.path(&format!("{name}.log")), &self.store())
    }

    /// Starts a prepared command, its outputs going to the scene's `daemon.log`.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub(crate) fn start_command(&self, command: &mut Command) -> Result<Daemon> {
        Daemon::start(command, &self.path("daemon.log"), &self.store())
    }

    /// Living processes of this scene, wherever they hang in the process tree.
    pub(crate) fn processes(&self) -> Vec<i32> {
        process::marked(&self.mark)
    }

    /// Waits until no process of this scene lives.
    ///
    /// # Errors
    ///
    /// When one is still there at the limit.
    pub(crate) fn wait_empty(&self, limit: Duration) -> Result<()> {
        wait_for("every process of the scenario to be gone", limit, || {
            let left = self.processes();
            anyhow::ensure!(left.is_empty(), "still there: {left:?}");
            Ok(())
        })
    }

    /// Looks for panics in everything that this scene's processes have written.
    ///
    /// # Errors
    ///
    /// When there is one.
    pub(crate) fn check_for_panics(&self) -> Result<()> {
        panics::look(&self.dir)
    }

    /// Lets any user read the scene's directory.
    ///
    /// # Errors
    ///
    /// When the permissions cannot be changed.
    pub(crate) fn open_to_all(&self) -> Result<()> {
        for dir in [self.dir.parent(), Some(self.dir.as_path())].into_iter().flatten() {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
        }
        Ok(())
    }

    /// The last lines of every log in the directory, for a failure's report.
    pub(crate) fn log_tails(&self) -> String {
        let mut text = String::new();
        for name in ["daemon.log", "cinder-volume.log", "run.out", "run.err"] {
            let whole = text_of(&self.path(name));
            let lines: Vec<_> = whole.lines().collect();
            let start = lines.len().saturating_sub(30);
            if !lines.is_empty() {
                text += &format!("  {name}, last lines:\n");
            }
            for line in lines.get(start..).unwrap_or_default() {
                text += &format!("    {line}\n");
            }
        }
        text
    }
}

impl Drop for Scene {
    /// Ends what is left, by pid: a scenario may fail or panic at any point.
    fn drop(&mut self) {
        let _ = wait_for("leftovers to be gone", secs(10), || {
            let left = self.processes();
            for &pid in &left {
                let _ = process::signal(pid, Signal::SIGKILL);
            }
            anyhow::ensure!(left.is_empty(), "still there: {left:?}");
            Ok(())
        });
    }
}
