//! Workers that die, and parents that die (spec/launcher.md §2–4, §12).

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::scene::Scene;
use crate::process;
use crate::wait::{secs, wait_for};

const KILL: Signal = Signal::SIGKILL;

pub(crate) fn a_killed_worker_is_replaced_and_its_siblings_are_not_touched(
    scene: &Scene,
) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b", "c"]))?;
    let before = daemon.wait_up(3)?;
    for &victim in &before {
        let siblings: Vec<_> = daemon.workers().into_iter().filter(|&pid| pid != victim).collect();
        process::signal(victim, KILL)?;
        let after = daemon.wait_replaced(&[victim], 3)?;
        ensure!(siblings.iter().all(|pid| after.contains(pid)), "{siblings:?} then {after:?}");
        daemon.wait_log(&format!("Child {victim} killed by signal 9"), 1)?;
    }
    daemon.wait_beats(2)?;
    ensure!(no_zombie(&daemon), "a dead worker was not reaped");
    daemon.end_with(Signal::SIGTERM, 0)
}

fn no_zombie(daemon: &Daemon) -> bool {
    !process::children(daemon.pid()).iter().any(process::Entry::is_zombie)
}

pub(crate) fn a_worker_that_is_told_to_stop_is_replaced_too(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b"]))?;
    let victim = *daemon.wait_up(2)?.first().context("no worker")?;
    process::signal(victim, Signal::SIGTERM)?;
    daemon.wait_replaced(&[victim], 2)?;
    daemon.wait_log(&format!("Child {victim} exited with status 0"), 1)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn an_interrupted_worker_exits_1_and_is_replaced(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a"]))?;
    let victim = *daemon.wait_up(1)?.first().context("no worker")?;
    process::signal(victim, Signal::SIGINT)?;
    daemon.wait_replaced(&[victim], 1)?;
    daemon.wait_log(&format!("Child {victim} exited with status 1"), 1)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn no_worker_outlives_a_killed_parent_by_a_second(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b", "c"]))?;
    daemon.wait_up(3)?;
    daemon.signal(KILL)?;
    daemon.wait_exit(secs(1))?;
    scene.wait_empty(secs(1))
}

pub(crate) fn no_worker_outlives_a_parent_killed_while_it_starts(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b", "c", "d", "e"]))?;
    wait_for("the first worker", SOON, || {
        ensure!(!daemon.workers().is_empty());
        Ok(())
    })?;
    daemon.signal(KILL)?;
    daemon.wait_exit(secs(1))?;
    scene.wait_empty(secs(1))
}

pub(crate) fn a_crash_loop_of_one_worker_does_not_delay_its_siblings(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b", "c"]))?;
    let workers = daemon.wait_up(3)?;
    let [mut looping, mut sibling, witness] =
        <[i32; 3]>::try_from(workers).ok().context("not three workers")?;
    // The pauses after these deaths are 0, 0, 1, 2 and 4 s. In the two long ones nobody but the
    // sibling can come back within a second, so its new pid is known without a name.
    for death in 1..=5 {
        process::signal(looping, KILL)?;
        if death >= 4 {
            process::signal(sibling, KILL)?;
            sibling = newcomer(&daemon, &[looping, sibling, witness], secs(1))
                .context("the sibling was delayed")?;
        }
        looping = newcomer(&daemon, &[looping, sibling, witness], secs(20))?;
    }
    daemon.wait_log("ended early 5 times in a row", 1)?;
    ensure!(daemon.workers().contains(&witness), "the third worker was touched");
    daemon.wait_up(3)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

/// Waits for the one worker that is none of `known`.
fn newcomer(daemon: &Daemon, known: &[i32], limit: std::time::Duration) -> Result<i32> {
    wait_for("a new worker", limit, || {
        let workers = daemon.workers();
        let new = workers.iter().copied().find(|pid| !known.contains(pid));
        new.with_context(|| format!("workers {workers:?}, all known"))
    })
}

pub(crate) fn usr1_replaces_the_workers_one_after_the_other(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b", "c"]))?;
    let before = daemon.wait_up(3)?;
    daemon.signal(Signal::SIGUSR1)?;
    wait_for("every worker to be replaced", SOON, || {
        let now = daemon.workers();
        let old = before.iter().filter(|pid| now.contains(pid)).count();
        ensure!(old == 0 && now.len() == 3, "{old} old ones, workers {now:?}");
        Ok(())
    })?;
    daemon.wait_beats(2)?;
    // A look at the process table takes longer than the roll, so the log has to tell: between
    // the ends of two workers the successor of the first has started.
    let log = daemon.log();
    let steps = log.lines().skip_while(|line| !line.contains("Caught SIGUSR1"));
    let steps: String = steps
        .filter_map(|line| match line {
            _ if line.contains("exited with status 0") => Some('e'),
            _ if line.contains("Starting cinder-volume node") => Some('s'),
            _ => None,
        })
        .collect();
    ensure!(steps == "eseses", "ends and starts in this order: {steps}");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn the_watchdog_replaces_a_frozen_worker_and_no_other(scene: &Scene) -> Result<()> {
    let daemon =
        scene.start(&scene.config(&["a", "b"]).set("supervisor", "worker_watchdog", "1"))?;
    let [frozen, other] =
        <[i32; 2]>::try_from(daemon.wait_up(2)?).ok().context("not two workers")?;
    process::signal(frozen, Signal::SIGSTOP)?;
    let after = daemon.wait_replaced(&[frozen], 2)?;
    ensure!(after.contains(&other), "the other worker was replaced too");
    daemon.wait_beats(2)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn one_back_end_can_run_alone_in_process(scene: &Scene) -> Result<()> {
    let file = scene.write("cinder.conf", &scene.config(&["a", "b"]).text())?;
    let file = file.to_string_lossy();
    let mut command = scene.cinder_volume(&["--config-file", &file, "--backend_name", "b"]);
    let daemon = scene.start_command(&mut command)?;
    wait_for("the one heartbeat", SOON, || {
        ensure!(daemon.row("e2e@b")?.report_count > 0);
        Ok(())
    })?;
    ensure!(daemon.rows()?.len() == 1, "the other back end was started too");
    ensure!(daemon.workers().is_empty(), "it has children: {:?}", daemon.workers());
    daemon.end_with(Signal::SIGTERM, 0)?;
    scene.wait_empty(secs(1))
}

pub(crate) fn a_back_end_name_that_is_not_enabled_is_refused(scene: &Scene) -> Result<()> {
    let file = scene.write("cinder.conf", &scene.config(&["a"]).text())?;
    let outcome = scene.run(&["--config-file", &file.to_string_lossy(), "--backend_name", "x"])?;
    ensure!(outcome.code == Some(1), "{outcome:?}");
    ensure!(outcome.all().contains('x') && !scene.database().exists(), "{outcome:?}");
    Ok(())
}
