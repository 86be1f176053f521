//! Programs of the Python cinder 29.0.0, on the configuration and the database of a scene. Only with
//! `CINDER_PYTHON`.

use std::cell::{Cell, RefCell};
use std::env;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::config::Config;
use super::daemon::{Daemon, SOON};
use super::scene::Scene;
use crate::process::text_of;
use crate::wait::{Hopeless, secs, wait_for};

/// Its module is the file below, beside the configuration.
const DRIVER: &str = "original_driver.Driver";

/// The virtual environment that holds the Python cinder.
fn environment() -> Option<PathBuf> {
    env::var_os("CINDER_PYTHON").map(PathBuf::from)
}

pub(crate) fn is_wanted() -> bool {
    environment().is_some()
}

/// One of its programs.
pub(crate) fn program(name: &str) -> PathBuf {
    environment().unwrap_or_default().join("bin").join(name)
}

/// One of the files of settings that come with it.
pub(crate) fn settings(name: &str) -> PathBuf {
    environment().unwrap_or_default().join("etc/cinder").join(name)
}

/// A configuration for ours and the original's, on a machine without anything else of OpenStack.
///
/// # Errors
///
/// When the disk refuses the files that it needs.
pub(crate) fn configured(scene: &Scene, config: Config) -> Result<Config> {
    let directory = scene.path("original");
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("original_driver.py"), include_str!("original_driver.py"))?;
    fs::write(directory.join("ask.py"), include_str!("original.py"))?;
    let directory = directory.display();
    let config = config.set("oslo_concurrency", "lock_path", &format!("{directory}/lock")).set(
        "coordination",
        "backend_url",
        &format!("file://{directory}/locks"),
    );
    Ok(config)
}

/// With a driver for the original's back end of that name.
pub(crate) fn with_driver(config: Config, name: &str) -> Config {
    config.set(name, "volume_driver", DRIVER)
}

/// Python on the scene's configuration.
fn command(scene: &Scene, name: &str) -> Command {
    let mut command = scene.command(program(name));
    command.env("PYTHONPATH", scene.path("original")).env("PYTHONWARNINGS", "ignore");
    command
}

/// Starts `cinder-scheduler` or `cinder-volume` of the original; its log is called as it is.
///
/// # Errors
///
/// When it cannot be started.
pub(crate) fn start(scene: &Scene, name: &str) -> Result<Daemon> {
    let mut command = command(scene, name);
    command.arg("--config-file").arg(scene.path("cinder.conf"));
    let log = scene.path("original").join(format!("{name}.log"));
    Daemon::start(&mut command, &log, &scene.store())
}

/// The original's clients, which ask what they are told to.
pub(crate) struct Clients {
    child: RefCell<Child>,
    answers: PathBuf,
    asked: Cell<usize>,
}

/// Starts them. The scene's configuration and its database have to be there.
///
/// # Errors
///
/// When there is no Python.
pub(crate) fn clients(scene: &Scene) -> Result<Clients> {
    let answers = scene.path("original").join("answers");
    let mut command = command(scene, "python");
    command.arg(scene.path("original").join("ask.py")).arg(scene.path("cinder.conf"));
    let errors = fs::File::create(answers.with_extension("err"))?;
    let command = command.stdin(Stdio::piped()).stdout(fs::File::create(&answers)?).stderr(errors);
    let child = RefCell::new(command.spawn().context("cannot start Python")?);
    Ok(Clients { child, answers, asked: Cell::new(0) })
}

impl Clients {
    /// Asks this, and does not wait for the answer; the number of the question.
    ///
    /// # Errors
    ///
    /// When they have ended; with what they said.
    pub(crate) fn ask(&self, question: &Value) -> Result<usize> {
        writeln!(self.child.borrow().stdin.as_ref().context("no input")?, "{question}")
            .with_context(|| self.errors())?;
        Ok(self.asked.replace(self.asked.get() + 1))
    }

    /// The answer to the question of this number.
    ///
    /// # Errors
    ///
    /// When none comes; with what they said.
    pub(crate) fn answer(&self, number: usize) -> Result<Value> {
        let start = format!("[{number}, ");
        wait_for("Python's client to answer", secs(60), || {
            let all = text_of(&self.answers);
            let line = all.split_inclusive('\n').find(|line| line.starts_with(&start));
            if let Some(line) = line.filter(|line| line.ends_with('\n')) {
                let mut answer: Value = serde_json::from_str(line)?;
                return Ok(answer[1].take());
            }
            if let Some(status) = self.child.borrow_mut().try_wait()? {
                return Err(Hopeless(format!("{status}: {}", self.errors())).into());
            }
            bail!("none yet: {}", self.errors())
        })
    }

    /// Waits until a queue of the broker has so many messages that wait, and so many consumers. What
    /// the original calls before there is a queue is lost.
    ///
    /// # Errors
    ///
    /// With what it has instead.
    pub(crate) fn wait_queue(&self, queue: &str, messages: usize, consumers: usize) -> Result<()> {
        wait_for(&format!("{messages} messages, {consumers} consumers of {queue}"), SOON, || {
            let found = self.answer(self.ask(&json!(["queue", queue]))?)?;
            ensure!(found == json!([messages, consumers]), "{found}");
            Ok(())
        })
    }

    fn errors(&self) -> String {
        text_of(&self.answers.with_extension("err"))
    }
}

impl Drop for Clients {
    /// It has threads of its own, and would take its time to end with its input.
    fn drop(&mut self) {
        let child = self.child.get_mut();
        let _ = child.kill();
        let _ = child.wait();
    }
}
