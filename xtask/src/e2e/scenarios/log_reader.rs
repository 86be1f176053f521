//! The daemon's log goes into a pipe whose reader is stopped, slow or gone (spec/launcher.md §12;
//! docs/operating.md, "Log").

use std::collections::BTreeSet;
use std::io::{ErrorKind, PipeReader, Read};

use anyhow::{Context, Result, bail, ensure};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::Signal;

use crate::e2e::props::config::Config;
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::scene::Scene;
use crate::process;
use crate::wait::{let_pass, secs, wait_for};

/// The far end of the daemon's standard output.
struct Reader {
    pipe: PipeReader,
    text: String,
}

impl Reader {
    /// Takes what is in the pipe now.
    fn read(&mut self) -> Result<()> {
        let mut buffer = [0; 65536];
        loop {
            match self.pipe.read(&mut buffer) {
                Ok(0) => bail!("the daemon has closed its log"),
                Ok(count) => {
                    let bytes = buffer.get(..count).unwrap_or_default();
                    self.text += &String::from_utf8_lossy(bytes);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn wait_text(&mut self, text: &str) -> Result<()> {
        wait_for(&format!("{text:?} in the log"), SOON, || {
            self.read()?;
            ensure!(self.text.contains(text), "read {} bytes", self.text.len());
            Ok(())
        })
    }
}

/// Starts the daemon with its log in a pipe; both outputs, as a service manager does it.
fn start(scene: &Scene, config: &Config) -> Result<(Reader, Daemon)> {
    let (pipe, output) = std::io::pipe()?;
    fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    let file = scene.write("cinder.conf", &config.text())?;
    let mut command = scene.cinder_volume(&["--config-file", &file.to_string_lossy()]);
    let child = command.stdout(output.try_clone()?).stderr(output).spawn();
    let child = child.context("cannot start the daemon")?;
    let daemon = Daemon::adopt(child, &scene.path("daemon.log"), &scene.store())?;
    Ok((Reader { pipe, text: String::new() }, daemon))
}

/// Makes the parent say more than the pipe and its own backlog hold.
fn flood(daemon: &Daemon, scene: &Scene, config: &Config) -> Result<()> {
    let bad = config.clone().set("DEFAULT", "debug", "maybe").text();
    let unknown: String =
        (0..400).map(|number| format!("{}{number} = x\n", "u".repeat(150))).collect();
    scene.write("cinder.conf", &format!("{bad}\n[a]\n{unknown}"))?;
    for _ in 0..20 {
        daemon.signal(Signal::SIGHUP)?;
        wait_for("the parent to take the signal, and to have read", SOON, || {
            ensure!(!process::is_pending(daemon.pid(), Signal::SIGHUP), "it is pending");
            let reads = process::children(daemon.pid()).into_iter().any(|one| one.name == "reload");
            ensure!(!reads, "it reads");
            Ok(())
        })?;
    }
    Ok(())
}

fn kill_all(daemon: &Daemon) -> Result<()> {
    let workers = daemon.workers();
    for &worker in &workers {
        process::signal(worker, Signal::SIGKILL)?;
    }
    daemon.wait_replaced(&workers, workers.len())?;
    daemon.wait_beats(1)
}

pub(crate) fn a_reader_of_the_log_that_stops_does_not_stop_supervision(
    scene: &Scene,
) -> Result<()> {
    let config = scene.config(&["a", "b"]).set("DEFAULT", "debug", "true");
    let (mut log, daemon) = start(scene, &config)?;
    daemon.wait_up(2)?;
    flood(&daemon, scene, &config)?;
    kill_all(&daemon)?;

    // The reader is back.
    log.wait_text("log lines were dropped: standard output was not read fast enough")?;
    scene.write("cinder.conf", &config.set("DEFAULT", "debug", "false").text())?;
    daemon.signal(Signal::SIGHUP)?;
    wait_for("the last word of everybody", SOON, || {
        log.read()?;
        let (behind, told) = ("Option DEFAULT.debug changed", "Child caught SIGHUP");
        let text = log.text.split_once(behind).map_or("", |(_, behind)| behind);
        let told = text.matches(told).count();
        ensure!(told == 2, "{told} of two workers behind the parent");
        Ok(())
    })?;
    well_formed(&log.text)?;

    // Nothing waits any more, so nobody is woken to look after it.
    let before = process::usage(daemon.pid()).sleeps;
    let_pass(secs(2));
    let woken = process::usage(daemon.pid()).sleeps - before;
    ensure!(woken == 0, "the parent woke up {woken} times in 2 s");
    daemon.end_with(Signal::SIGTERM, 0)
}

/// Whole lines, and no line of the parent's twice, as a fork would do that copies a backlog.
fn well_formed(text: &str) -> Result<()> {
    let mut started = BTreeSet::new();
    for line in text.lines() {
        let words: Vec<&str> = line.splitn(5, ' ').collect();
        let [date, time, pid, level, _] = words.as_slice() else { bail!("torn: {line}") };
        ensure!(date.len() == 10 && time.len() == 12, "torn: {line}");
        ensure!(pid.parse::<i32>().is_ok() && !level.is_empty(), "torn: {line}");
        if let Some((_, child)) = line.split_once("Started child ") {
            ensure!(started.insert(child.to_owned()), "twice: {line}");
        }
    }
    ensure!(started.len() >= 2, "who was started? {started:?}");
    Ok(())
}

pub(crate) fn a_stop_does_not_wait_for_the_reader_of_the_log(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a", "b"]);
    let (_unread, daemon) = start(scene, &config)?;
    daemon.wait_up(2)?;
    flood(&daemon, scene, &config)?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(1))
}

pub(crate) fn a_log_without_a_reader_does_not_stop_supervision(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a", "b"]);
    let (unread, daemon) = start(scene, &config)?;
    daemon.wait_up(2)?;
    drop(unread);
    flood(&daemon, scene, &config)?;
    kill_all(&daemon)?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(1))
}
