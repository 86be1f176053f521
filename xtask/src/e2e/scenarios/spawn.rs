//! `[supervisor] launcher = spawn`: one subprocess per back end (spec/launcher.md §11).

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::e2e::props::account::{Account, Limit};
use crate::e2e::props::config::Config;
use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::scene::Scene;
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

pub(crate) fn a_subprocess_at_the_process_limit_is_never_there_twice(scene: &Scene) -> Result<()> {
    let account = Account::without_privileges(scene, 60_104)?;
    let names: Vec<_> = (0..16).map(|number| format!("b{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let daemon = account.start(&scene.config(&names).set("supervisor", "launcher", "spawn"))?;
    daemon.wait_up(names.len())?;
    let before = by_back_end(&daemon);
    // A subprocess and the two threads that look after it are made one after the other. With a
    // growing limit, each of them is once the one that cannot be; twice each, because threads of
    // the dead may still count.
    let first = before.values().next().context("no worker")?;
    let one_less = tasks(scene) - process::threads(*first) - 2;
    for (more, victim) in before.values().enumerate() {
        let limit = u64::try_from(one_less + more / 2)?;
        let squeeze = account.squeeze(daemon.pid(), Limit::Processes, limit)?;
        process::signal(*victim, Signal::SIGKILL)?;
        daemon.wait_log(&format!("Child {victim} killed by signal 9"), 1)?;
        squeeze.lift()?;
        daemon.wait_replaced(&[*victim], names.len())?;
    }
    let refused = daemon.count("Cannot start a process for worker");
    ensure!(refused > 0, "the limit was never in the way");
    wait_for("each back end once, and nobody else", SOON, || {
        let all = process::children(daemon.pid());
        ensure!(all.len() == names.len() && !all.iter().any(process::Entry::is_zombie), "{all:?}");
        ensure!(by_back_end(&daemon).len() == names.len(), "{:?}", by_back_end(&daemon));
        Ok(())
    })?;
    // One that was started under the limit has inherited it, and may lack a thread for its driver: it is down, once.
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(5))
}

/// Threads of all processes of the scenario: what the limit on processes counts.
fn tasks(scene: &Scene) -> usize {
    scene.processes().into_iter().map(process::threads).sum()
}
