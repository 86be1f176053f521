//! `[supervisor] launcher = spawn`: one subprocess per back end (spec/launcher.md §11).

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::config::Config;
use super::daemon::{Daemon, SOON};
use super::scene::Scene;
use crate::process;
use crate::wait::{secs, wait_for};

fn config(scene: &Scene) -> Config {
    scene.config(&["a", "b", "c"]).set("supervisor", "launcher", "spawn")
}

/// Which subprocess runs which back end, by its command line.
fn by_back_end(daemon: &Daemon) -> BTreeMap<String, i32> {
    let mut found = BTreeMap::new();
    for pid in daemon.workers() {
        for word in process::command_line(pid) {
            if let Some(name) = word.strip_prefix("--backend_name=") {
                found.insert(name.to_owned(), pid);
            }
        }
    }
    found
}

fn wait_three(daemon: &Daemon) -> Result<BTreeMap<String, i32>> {
    daemon.wait_up(3)?;
    wait_for("a subprocess per back end", SOON, || {
        let found = by_back_end(daemon);
        let names: Vec<_> = found.keys().map(String::as_str).collect();
        ensure!(names == ["a", "b", "c"], "back ends {names:?}");
        Ok(found)
    })
}

pub(crate) fn the_spawn_launcher_runs_one_subprocess_per_back_end(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&config(scene))?;
    let found = wait_three(&daemon)?;
    ensure!(daemon.count("Starting subprocess: ") == 3);
    for &pid in found.values() {
        ensure!(process::children(pid).is_empty(), "{pid} has children of its own");
    }
    daemon.wait_beats(2)?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(1))
}

pub(crate) fn a_killed_subprocess_is_replaced_and_its_siblings_are_not_touched(
    scene: &Scene,
) -> Result<()> {
    let daemon = scene.start(&config(scene))?;
    let before = wait_three(&daemon)?;
    let victim = *before.get("b").context("no b")?;
    process::signal(victim, Signal::SIGKILL)?;
    daemon.wait_replaced(&[victim], 3)?;
    let after = wait_three(&daemon)?;
    ensure!(after["a"] == before["a"] && after["c"] == before["c"], "{before:?} then {after:?}");
    ensure!(after["b"] != victim);
    daemon.wait_beats(2)?;
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(1))
}

pub(crate) fn no_subprocess_outlives_a_killed_parent_by_a_second(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&config(scene))?;
    wait_three(&daemon)?;
    daemon.signal(Signal::SIGKILL)?;
    daemon.wait_exit(secs(1))?;
    scene.wait_empty(secs(1))
}
