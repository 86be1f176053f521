//! TERM and `kill -9` in every phase of the parent's life (docs/supervision.md).
//!
//! Each phase is held open by something outside: a configuration of 10 MiB, a lock on the
//! database, a frozen worker. What lies between them is met by trying many moments.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::refusals::unreachable;
use crate::database::{self, Lock, lines};
use crate::e2e::props::config::Config;
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::scene::Scene;
use crate::process;
use crate::wait::{let_pass, secs, wait_for};

/// Enough that some moments lie between two forks.
const MANY: usize = 50;

/// A daemon that has read the text of its configuration, and has seconds of work with it.
///
/// Nothing else holds it there: what does not come to an end, such as a pipe, is refused.
fn start_with_a_long_file(scene: &Scene) -> Result<Daemon> {
    const SECTIONS: usize = 90_000;
    let mut text = scene.config(&["a"]).text();
    for number in 0..SECTIONS {
        writeln!(text, "[section{number}]\nkey{number} = {:x<100}", "")?;
    }
    let file = scene.write("cinder.conf", &text)?.to_string_lossy().into_owned();
    let daemon = scene.start_command(&mut scene.cinder_volume(&["--config-file", &file]))?;
    wait_for("the daemon to have read its configuration", SOON, || {
        let io = fs::read_to_string(format!("/proc/{}/io", daemon.pid()))?;
        let read = io.lines().find_map(|line| line.strip_prefix("rchar: "));
        let read: usize = read.context("no rchar, proc_pid_io(5)")?.parse()?;
        ensure!(read >= text.len(), "{read} of {} bytes", text.len());
        Ok(())
    })?;
    ensure!(!scene.database().exists(), "it has gone on already");
    Ok(daemon)
}

/// A daemon that waits for the lock to write its first row.
pub(crate) fn start_with_a_locked_database(scene: &Scene) -> Result<(Daemon, Lock)> {
    let config = scene.config(&["a", "b", "c", "d"]);
    let file = scene.write("cinder.conf", &config.text())?;
    let made = scene.run(&["--config-file", &file.to_string_lossy(), "db", "init"])?;
    ensure!(made.code == Some(0), "{made:?}");
    let lock = Lock::take(&scene.database())?;
    let daemon = scene.start(&config)?;
    daemon.wait_log("Image-volume cache disabled for host e2e@a", 1)?;
    Ok((daemon, lock))
}

pub(crate) fn a_term_while_the_configuration_is_read_ends_the_start(scene: &Scene) -> Result<()> {
    let daemon = start_with_a_long_file(scene)?;
    daemon.signal(Signal::SIGTERM)?;
    let status = daemon.wait_exit(secs(1))?;
    ensure!(status.code() == Some(0), "{status}");
    ensure!(!scene.database().exists(), "the database was touched");
    scene.wait_empty(secs(5))
}

pub(crate) fn a_term_during_the_registration_ends_the_start(scene: &Scene) -> Result<()> {
    let (daemon, lock) = start_with_a_locked_database(scene)?;
    daemon.signal(Signal::SIGTERM)?;
    // One row's wait for the lock is 5 s.
    let status = daemon.wait_exit(secs(1))?;
    ensure!(status.code() == Some(0), "{status}");
    drop(lock);
    ensure!(daemon.rows()?.is_empty(), "rows {:?}", daemon.rows()?);
    scene.wait_empty(secs(5))
}

pub(crate) fn a_term_at_any_moment_of_the_start_leaves_nothing_half_done(
    scene: &Scene,
) -> Result<()> {
    at_many_moments(scene, Signal::SIGTERM, |daemon, status| {
        if status.signal() == Some(Signal::SIGTERM as i32) {
            // Before the first step of the program, and so before the first row.
            ensure!(daemon.rows()?.is_empty(), "ended by TERM with rows written");
        } else {
            ensure!(status.code() == Some(0), "ended with {status}");
        }
        Ok(())
    })
}

pub(crate) fn a_kill_at_any_moment_of_the_start_leaves_nothing_half_done(
    scene: &Scene,
) -> Result<()> {
    at_many_moments(scene, Signal::SIGKILL, |_, _| Ok(()))
}

/// Starts many back ends on an empty database again and again and sends the signal a little later
/// each time, from the first moment to when all of them are up.
fn at_many_moments(
    scene: &Scene,
    signal: Signal,
    check: impl Fn(&Daemon, std::process::ExitStatus) -> Result<()>,
) -> Result<()> {
    const MOMENTS: u32 = 24;
    let names: Vec<_> = (1..=MANY).map(|n| format!("b{n:02}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let config = scene.config(&names);
    let file = scene.write("cinder.conf", &config.text())?;
    let made = scene.run(&["--config-file", &file.to_string_lossy(), "db", "init"])?;
    ensure!(made.code == Some(0), "{made:?}");
    let empty = scene.path("empty.sqlite");
    fs::rename(scene.database(), &empty)?;
    let fresh = || -> Result<()> {
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(scene.path(&format!("cinder.sqlite{end}")));
        }
        fs::copy(&empty, scene.database()).map(drop).context("cannot make a fresh database")
    };
    fresh()?;
    let start = Instant::now();
    let whole = scene.start(&config)?;
    whole.wait_workers(&[], MANY, SOON)?;
    let length = start.elapsed();
    whole.end_with(Signal::SIGTERM, 0)?;
    for moment in 0..MOMENTS {
        let delay = length * moment / (MOMENTS - 1);
        fresh()?;
        one_moment(scene, &config, signal, delay, &check)
            .with_context(|| format!("{signal} after {delay:?} of {length:?}"))?;
    }
    Ok(())
}

fn one_moment(
    scene: &Scene,
    config: &Config,
    signal: Signal,
    delay: Duration,
    check: impl Fn(&Daemon, std::process::ExitStatus) -> Result<()>,
) -> Result<()> {
    let daemon = scene.start(config)?;
    let_pass(delay);
    daemon.signal(signal)?;
    let status = daemon.wait_exit(SOON)?;
    scene.wait_empty(secs(2))?;
    check(&daemon, status)?;
    let sound = lines(&scene.database(), "PRAGMA integrity_check")?;
    ensure!(sound == ["ok"], "{sound:?}");
    for row in database::services(&scene.database())? {
        let whole = [&row.binary, &row.topic, &row.rpc_version, &row.object_version, &row.uuid];
        ensure!(whole.iter().all(|value| value.is_some()), "a row by halves: {row:?}");
    }
    Ok(())
}

/// Kills the parent and expects everything to be gone at once.
fn kill(scene: &Scene, daemon: &Daemon) -> Result<()> {
    daemon.signal(Signal::SIGKILL)?;
    daemon.wait_exit(secs(1))?;
    scene.wait_empty(secs(5))
}

pub(crate) fn a_parent_killed_while_the_configuration_is_read_leaves_nothing(
    scene: &Scene,
) -> Result<()> {
    let daemon = start_with_a_long_file(scene)?;
    kill(scene, &daemon)?;
    ensure!(!scene.database().exists(), "the database was touched");
    Ok(())
}

pub(crate) fn a_parent_killed_during_the_registration_leaves_nothing(scene: &Scene) -> Result<()> {
    let (daemon, _lock) = start_with_a_locked_database(scene)?;
    kill(scene, &daemon)
}

pub(crate) fn a_parent_killed_while_it_waits_for_a_database_leaves_nothing(
    scene: &Scene,
) -> Result<()> {
    let (config, _lock) = unreachable(scene)?;
    let daemon = scene.start(&config.set("database", "retry_interval", "60"))?;
    daemon.wait_log("SQL connection failed", 1)?;
    kill(scene, &daemon)
}

pub(crate) fn no_worker_outlives_a_parent_killed_during_the_drain(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b", "c"]))?;
    let frozen = *daemon.wait_up(3)?.first().context("no worker")?;
    process::signal(frozen, Signal::SIGSTOP)?;
    daemon.signal(Signal::SIGTERM)?;
    wait_for("the other workers to be gone", SOON, || daemon.expect_workers(&[frozen]))?;
    daemon.signal(Signal::SIGKILL)?;
    daemon.wait_exit(secs(1))?;
    // A stopped process can do nothing; once it runs it must see at once that it is alone.
    process::signal(frozen, Signal::SIGCONT)?;
    scene.wait_empty(secs(5))
}

pub(crate) fn no_worker_outlives_a_parent_killed_while_it_replaces_workers(
    scene: &Scene,
) -> Result<()> {
    let names = ["a", "b", "c", "d", "e", "f"];
    for turn in 0..5 {
        let daemon = scene.start(&scene.config(&names))?;
        let workers = daemon.wait_up(names.len())?;
        for &pid in &workers {
            process::signal(pid, Signal::SIGKILL)?;
        }
        wait_for("a successor", SOON, || {
            let now = daemon.workers();
            ensure!(now.iter().any(|pid| !workers.contains(pid)), "workers {now:?}");
            Ok(())
        })?;
        kill(scene, &daemon).with_context(|| format!("turn {turn}"))?;
    }
    Ok(())
}
