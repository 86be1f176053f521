//! Ending: TERM, INT, the drain and its limit (spec/launcher.md §4).

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::e2e::props::daemon::SOON;
use crate::e2e::props::scene::Scene;
use crate::process;
use crate::wait::{secs, wait_for};

pub(crate) fn term_stops_everything_and_exits_0(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b", "c"]))?;
    let workers = daemon.wait_up(3)?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    ensure!(scene.processes().is_empty(), "left behind: {:?}", scene.processes());
    ensure!(daemon.count("Caught SIGTERM, stopping children") == 1);
    ensure!(daemon.count("Waiting on 3 children to exit") == 1);
    for pid in workers {
        let line = format!("Child {pid} exited with status 0");
        ensure!(daemon.count(&line) == 1, "no line {line:?}");
    }
    Ok(())
}

pub(crate) fn five_terms_still_mean_a_clean_stop(scene: &Scene) -> Result<()> {
    signals_during_the_drain(scene, &[Signal::SIGTERM; 4])
}

pub(crate) fn a_hup_during_the_drain_changes_nothing(scene: &Scene) -> Result<()> {
    signals_during_the_drain(scene, &[Signal::SIGHUP, Signal::SIGTERM, Signal::SIGHUP])
}

/// A frozen worker holds the drain open until every signal has been taken.
fn signals_during_the_drain(scene: &Scene, more: &[Signal]) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b", "c"]))?;
    let frozen = *daemon.wait_up(3)?.first().context("no worker")?;
    process::signal(frozen, Signal::SIGSTOP)?;
    daemon.signal(Signal::SIGTERM)?;
    daemon.wait_log("Waiting on 3 children to exit", 1)?;
    wait_for("the other workers to be gone", SOON, || daemon.expect_workers(&[frozen]))?;
    for &signal in more {
        daemon.signal(signal)?;
        wait_for("the signal to be taken", SOON, || {
            ensure!(!process::is_pending(daemon.pid(), signal), "{signal} is still pending");
            Ok(())
        })?;
    }
    daemon.expect_workers(&[frozen])?;
    process::signal(frozen, Signal::SIGCONT)?;
    daemon.expect_exit(0)?;
    scene.wait_empty(secs(1))?;
    ensure!(daemon.count("killed by signal") == 0, "a worker was cut short");
    ensure!(daemon.count("Caught SIGTERM, stopping children") == 1, "the drain began again");
    Ok(())
}

pub(crate) fn a_term_to_the_whole_group_is_a_clean_stop(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b", "c"]))?;
    daemon.wait_up(3)?;
    process::signal_group(daemon.pid(), Signal::SIGTERM)?;
    daemon.expect_exit(0)?;
    scene.wait_empty(secs(1))?;
    ensure!(daemon.count("killed by signal") == 0, "a worker was cut short");
    Ok(())
}

pub(crate) fn a_term_during_the_start_is_a_clean_stop(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b", "c", "d", "e", "f"]))?;
    wait_for("the first worker", secs(10), || {
        ensure!(!daemon.workers().is_empty());
        Ok(())
    })?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(1))
}

pub(crate) fn an_interrupt_exits_1_at_once(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b", "c"]))?;
    daemon.wait_up(3)?;
    daemon.end_with(Signal::SIGINT, 1)?;
    scene.wait_empty(secs(1))?;
    ensure!(daemon.count("Caught SIGINT signal, instantaneous exiting") >= 1);
    Ok(())
}

pub(crate) fn an_interrupt_during_the_drain_exits_1_at_once(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b"]))?;
    let hung = *daemon.wait_up(2)?.first().context("no worker")?;
    process::signal(hung, Signal::SIGSTOP)?;
    daemon.signal(Signal::SIGTERM)?;
    daemon.wait_log("Waiting on 2 children to exit", 1)?;
    daemon.end_with(Signal::SIGINT, 1)?;
    // The kernel continues a worker that had come to a stop when its group lost its parent, and
    // leaves one alone that was still about to. Continued, it has to find out what happened.
    let _ = process::signal(hung, Signal::SIGCONT);
    scene.wait_empty(secs(5))
}

pub(crate) fn a_hung_worker_is_killed_when_the_graceful_timeout_has_passed(
    scene: &Scene,
) -> Result<()> {
    let config = scene.config(&["a", "b"]).set("DEFAULT", "graceful_shutdown_timeout", "1");
    let daemon = scene.start(&config)?;
    let hung = *daemon.wait_up(2)?.first().context("no worker")?;
    process::signal(hung, Signal::SIGSTOP)?;
    daemon.end_with(Signal::SIGTERM, 1)?;
    let line = "Graceful shutdown timeout exceeded, instantaneous exiting";
    ensure!(daemon.count(line) == 1, "{} lines {line:?}", daemon.count(line));
    scene.wait_empty(secs(1))
}
