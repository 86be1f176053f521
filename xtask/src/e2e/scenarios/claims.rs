//! Two daemons on one machine: each back end is served by one of them.

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::refusals::NOTHING_STARTED;
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::scene::Scene;
use crate::process;
use crate::wait::{secs, wait_for};

/// Waits until the daemon has said that this process serves a back end already.
fn wait_refused(daemon: &Daemon, host: &str, holder: i32) -> Result<()> {
    wait_for("the other daemon to be named", SOON, || {
        let log = daemon.log();
        let told = format!("Volume service {host} failed to start");
        let who = format!("process {holder} on this machine serves it already");
        ensure!(log.contains(&told) && log.contains(&who), "{log}");
        Ok(())
    })
}

/// Workers of a daemon that shares the rows with another.
fn wait_workers(daemon: &Daemon, count: usize) -> Result<Vec<i32>> {
    daemon.wait_workers(&[], count, SOON)
}

pub(crate) fn two_daemons_share_no_back_end_and_each_serves_its_own(scene: &Scene) -> Result<()> {
    for (turn, launcher) in ["fork", "spawn"].into_iter().enumerate() {
        let config = |names: &[&str]| scene.config(names).set("supervisor", "launcher", launcher);
        let start = |name: &str, names: &[&str]| {
            scene.start_beside(&format!("{name}{turn}"), &config(names))
        };
        let first = start("first", &["a", "b"])?;
        wait_workers(&first, 2)?;
        let second = start("second", &["b", "c"])?;
        wait_refused(&second, "e2e@b", first.pid())?;
        wait_workers(&second, 1)?;
        second.wait_log("Starting cinder-volume node", 1)?;
        let third = start("third", &["c", "a"])?;
        third.expect_exit(1)?;
        wait_refused(&third, "e2e@a", first.pid())?;
        wait_refused(&third, "e2e@c", second.pid())?;
        ensure!(third.count(NOTHING_STARTED) == 1, "{}", third.log());
        ensure!(first.count("failed to start") == 0, "{}", first.log());
        first.end_with(Signal::SIGTERM, 0)?;
        let fourth = start("fourth", &["a", "b"])?;
        wait_workers(&fourth, 2)?;
        for daemon in [second, fourth] {
            daemon.end_with(Signal::SIGTERM, 0)?;
        }
    }
    Ok(())
}

pub(crate) fn a_back_end_stays_with_its_daemon_over_reloads_and_restarts(
    scene: &Scene,
) -> Result<()> {
    let first = scene.start(&scene.config(&["a"]))?;
    let workers = first.wait_up(1)?;
    first.signal(Signal::SIGHUP)?;
    first.wait_log("Resetting cached RPC version pins.", 1)?;
    process::signal(*workers.first().context("no worker")?, Signal::SIGKILL)?;
    first.wait_replaced(&workers, 1)?;
    first.signal(Signal::SIGUSR2)?;
    first.wait_log("Guru Meditation", 1)?;
    let second = scene.start_beside("second", &scene.config(&["a"]))?;
    second.expect_exit(1)?;
    wait_refused(&second, "e2e@a", first.pid())?;
    // What an operator tries next.
    let file = scene.write("alone.conf", &scene.config(&["a"]).text())?;
    let alone = scene.run(&["--config-file", &file.to_string_lossy(), "--backend_name", "a"])?;
    ensure!(alone.code == Some(1), "{alone:?}");
    let who = format!("process {} on this machine", first.pid());
    ensure!(alone.all().contains(&who), "{alone:?}");
    first.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_back_end_that_runs_alone_is_claimed_too(scene: &Scene) -> Result<()> {
    let config = scene.config(&["a", "b"]);
    let file = scene.write("cinder.conf", &config.text())?;
    let words = ["--config-file", &file.to_string_lossy(), "--backend_name", "a"];
    let alone = scene.start_command(&mut scene.cinder_volume(&words))?;
    alone.wait_log("Starting cinder-volume node", 1)?;
    let other = scene.start_beside("other", &config)?;
    wait_refused(&other, "e2e@a", alone.pid())?;
    wait_workers(&other, 1)?;
    other.end_with(Signal::SIGTERM, 0)?;
    alone.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_killed_daemon_leaves_its_back_ends_to_the_next_at_once(
    scene: &Scene,
) -> Result<()> {
    let first = scene.start(&scene.config(&["a", "b"]))?;
    let workers = first.wait_up(2)?;
    // A worker that cannot even see that its parent is gone must keep nobody out.
    let &frozen = workers.first().context("no worker")?;
    process::signal(frozen, Signal::SIGSTOP)?;
    first.signal(Signal::SIGKILL)?;
    first.wait_exit(secs(1))?;
    let second = scene.start_beside("second", &scene.config(&["a", "b"]))?;
    wait_workers(&second, 2)?;
    second.wait_log("Starting cinder-volume node", 2)?;
    ensure!(second.count("failed to start") == 0, "{}", second.log());
    process::signal(frozen, Signal::SIGCONT)?;
    second.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(5))
}

pub(crate) fn without_a_state_path_there_is_one_warning_and_no_local_bus(
    scene: &Scene,
) -> Result<()> {
    let missing = scene.path("missing");
    let config = scene.config(&["a", "b"]);
    let config = config.set("DEFAULT", "state_path", &missing.to_string_lossy());
    let config = config.set("b", "local_directory", &scene.path("b").to_string_lossy());
    let daemon = scene.start(&config)?;
    // Volumes are not put where a file system may be missing.
    daemon.wait_log("cannot make", 1)?;
    let lock = format!("Cannot lock {}", missing.join("cinder-volume.lock").display());
    let lines: Vec<_> =
        daemon.log().lines().filter(|line| line.contains(&lock)).map(str::to_owned).collect();
    ensure!(!lines.is_empty() && lines[0].contains("WARNING"), "{lines:?}");
    ensure!(daemon.count("would not be noticed") == 1, "{}", daemon.log());
    let bus = format!("No messages are taken: state_path {} is no", missing.display());
    daemon.wait_log(&bus, 2)?;
    ensure!(!missing.exists(), "it was made");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn a_first_start_with_everything_below_state_path_makes_it(scene: &Scene) -> Result<()> {
    let state = scene.path("var/lib/cinder");
    let config = scene.config(&["a"]).set("DEFAULT", "state_path", &state.to_string_lossy());
    let config = config.set("database", "connection", "sqlite:///$state_path/cinder.sqlite");
    let daemon = scene.start(&config)?;
    daemon.wait_log("Starting cinder-volume node", 1)?;
    ensure!(daemon.count("would not be noticed") == 0, "{}", daemon.log());
    ensure!(state.join("cinder.sqlite").exists() && state.join("cinder-volume.lock").exists());
    daemon.end_with(Signal::SIGTERM, 0)
}
