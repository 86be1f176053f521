//! The daemon as process 1 of a container.

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::holdings::Holdings;
use crate::e2e::props::namespace::Namespaces;
use crate::e2e::props::scene::Scene;
use crate::process;
use crate::wait::{secs, wait_for};

const NAMESPACE: [&str; 3] = ["--pid", "--fork", "--mount-proc"];

/// A daemon in a namespace of its own.
struct Container {
    namespaces: Namespaces,
    /// Its starter, which ends with its exit code.
    outer: Daemon,
    /// Its pid as we see it.
    init: i32,
}

/// Starts two back ends as process 1 of a namespace.
fn start_as_process_1(scene: &Scene, launcher: &str) -> Result<Container> {
    let namespaces = Namespaces::ask(scene, &NAMESPACE)?;
    let config = scene.config(&["a", "b"]).set("DEFAULT", "debug", "true");
    let config = config.set("supervisor", "launcher", launcher);
    let file = scene.write("cinder.conf", &config.text())?;
    let mut command = namespaces.command(scene);
    command.arg("--kill-child").arg(scene.binary());
    let outer = scene.start_command(command.arg("--config-file").arg(&file))?;
    let init = wait_for("the daemon inside the namespace", SOON, || {
        let inner = process::living_children(outer.pid()).first().copied().context("no child")?;
        ensure!(process::living_children(inner).len() == 2, "not two workers yet");
        Ok(inner)
    })?;
    let inside = std::fs::read_to_string(format!("/proc/{init}/status"))?;
    let last = inside.lines().find_map(|line| line.strip_prefix("NSpid:"));
    ensure!(last.is_some_and(|pids| pids.ends_with("\t1")), "it is not process 1: {last:?}");
    Ok(Container { namespaces, outer, init })
}

pub(crate) fn as_process_1_it_reaps_orphans_that_are_not_its_own(scene: &Scene) -> Result<()> {
    let container = start_as_process_1(scene, "fork")?;
    let (outer, init) = (&container.outer, container.init);
    orphan_a_process(scene, &container.namespaces, init)?;
    wait_for("the orphan to be adopted, to end, and to be reaped", SOON, || {
        let others: Vec<_> =
            process::children(init).into_iter().filter(|one| one.name == "sleep").collect();
        ensure!(others.is_empty(), "{others:?}");
        Ok(())
    })?;
    outer.wait_beats(1)?;
    process::signal(init, Signal::SIGTERM)?;
    outer.expect_exit(0)?;
    scene.wait_empty(secs(5))
}

pub(crate) fn as_process_1_it_reaps_a_thousand_orphans_and_keeps_its_workers(
    scene: &Scene,
) -> Result<()> {
    a_thousand_orphans(scene, "fork")
}

pub(crate) fn as_process_1_the_spawn_launcher_reaps_a_thousand_orphans_too(
    scene: &Scene,
) -> Result<()> {
    a_thousand_orphans(scene, "spawn")
}

pub(crate) fn as_process_1_it_does_not_take_its_reporters_for_orphans(scene: &Scene) -> Result<()> {
    let container = start_as_process_1(scene, "fork")?;
    let (outer, init) = (&container.outer, container.init);
    for turn in 1..=10 {
        process::signal(init, Signal::SIGUSR2)?;
        outer.wait_log("  Guru Meditation  ", turn)?;
    }
    ensure!(outer.count("Process 1 (under 0) [ run by: ") == 10, "not of process 1");
    wait_for("the last reporter to be reaped", SOON, || {
        let children = process::children(init);
        ensure!(children.len() == 2, "{children:?}");
        Ok(())
    })?;
    ensure!(outer.count("which was not ours") == 0, "a reporter was taken for an orphan");
    process::signal(init, Signal::SIGTERM)?;
    outer.expect_exit(0)?;
    scene.wait_empty(secs(5))
}

fn a_thousand_orphans(scene: &Scene, launcher: &str) -> Result<()> {
    const SCRIPT: &str = "for n in $(seq 1000); do (sleep 0.1 >/dev/null 2>&1 &); done";
    let container = start_as_process_1(scene, launcher)?;
    let (outer, init) = (&container.outer, container.init);
    outer.wait_beats(1)?;
    let workers = process::living_children(init);
    let before = Holdings::of(init)?;
    let mut command = container.namespaces.beside(scene, init);
    command.args(["sh", "-c", SCRIPT]);
    let outcome = scene.finish(&mut command, secs(60))?;
    ensure!(outcome.code == Some(0), "{outcome:?}");
    outer.wait_log("which was not ours", 1000)?;
    wait_for("the two workers alone, and no zombie", SOON, || {
        let children: Vec<_> = process::children(init).into_iter().map(|one| one.pid).collect();
        ensure!(children == workers, "{workers:?} became {children:?}");
        Ok(())
    })?;
    before.wait_back(init, 128)?;
    outer.wait_beats(1)?;
    process::signal(init, Signal::SIGTERM)?;
    outer.expect_exit(0)?;
    scene.wait_empty(secs(5))
}

/// Runs a shell inside the namespace that leaves a `sleep` behind, which process 1 inherits.
fn orphan_a_process(scene: &Scene, namespaces: &Namespaces, init: i32) -> Result<()> {
    let script = "sleep 1 >/dev/null 2>&1 & echo started";
    let mut command = namespaces.beside(scene, init);
    command.args(["sh", "-c", script]);
    let outcome = scene.finish(&mut command, secs(10))?;
    ensure!(outcome.out.trim() == "started", "{outcome:?}");
    wait_for("process 1 to inherit the orphan", secs(1), || {
        let children = process::children(init);
        ensure!(children.iter().any(|one| one.name == "sleep"), "{children:?}");
        Ok(())
    })
}
