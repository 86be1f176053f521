//! Which descriptors the parent and a worker hold (invariants 2 and 5 of docs/architecture.md).

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use crate::e2e::props::daemon::{Daemon, SOON};
use crate::e2e::props::scene::Scene;
use crate::e2e::props::sockets::Sockets;
use crate::process;
use crate::wait::wait_for;

/// Kernel objects for waiting, which have no content to leak.
const WAITING: [&str; 5] = ["eventpoll", "signalfd", "timerfd", "eventfd", "pidfd"];

fn is_waiting(target: &str) -> bool {
    WAITING.iter().any(|kind| target.contains(kind))
}

/// Pipes to somebody else. Left out are those that both begin and end in this process, which
/// only wake its own loop, and those that we ourselves handed down to the daemon unasked.
fn pipes(open: &BTreeMap<i32, String>) -> Result<Vec<(i32, &str)>> {
    let inherited = process::descriptors(i32::try_from(std::process::id())?)?;
    let ends = |pipe: &str| open.values().filter(|target| *target == pipe).count();
    Ok(open
        .iter()
        .map(|(&number, target)| (number, target.as_str()))
        .filter(|(_, target)| target.starts_with("pipe:") && ends(target) == 1)
        .filter(|(_, target)| !inherited.values().any(|ours| ours == target))
        .collect())
}

pub(crate) fn defect_15_a_worker_holds_only_what_is_its_own(scene: &Scene) -> Result<()> {
    let log = scene.path("cinder-volume.log");
    let config = scene.config(&["a", "b", "c"]);
    let daemon = scene.start(&config.set("DEFAULT", "log_file", &log.to_string_lossy()))?;
    for (turn, worker) in daemon.wait_up(3)?.into_iter().enumerate() {
        // A lock is held for a moment while its bus begins.
        wait_for(&format!("worker number {turn} to hold only its own"), SOON, || {
            expect_only_own(scene, worker)
        })?;
    }
    // A worker that is forked later must not inherit more than the first ones.
    let victim = *daemon.workers().first().context("no worker")?;
    process::signal(victim, Signal::SIGKILL)?;
    daemon.wait_replaced(&[victim], 3)?;
    daemon.wait_beats(1)?;
    let newest = *daemon.workers().last().context("no worker")?;
    wait_for("the replaced worker to hold only its own", SOON, || expect_only_own(scene, newest))?;
    no_pipe_leads_to_a_sibling(&daemon)?;
    daemon.end_with(Signal::SIGTERM, 0)
}

fn expect_only_own(scene: &Scene, worker: i32) -> Result<()> {
    let open = process::descriptors(worker)?;
    let database = scene.database().to_string_lossy().into_owned();
    let own_files = [database.as_str(), "/dev/null"];
    let sockets = Sockets::of(worker, &open)?;
    ensure!(sockets.are_one_back_ends(), "sockets of more than one back end: {sockets:?}");
    ensure!(sockets.nameless <= 2, "more than what wakes the bus: {sockets:?}");
    let strange: Vec<_> = open
        .iter()
        .filter(|(number, target)| {
            let known = **number <= 2
                || is_waiting(target)
                || target.starts_with("pipe:")
                || sockets.known.contains(*target)
                || target.ends_with(".log")
                || own_files.iter().any(|file| target.starts_with(file));
            !known
        })
        .collect();
    ensure!(strange.is_empty(), "strange descriptors {strange:?}");
    ensure!(pipes(&open)?.len() <= 2, "more than two pipes: {open:?}");
    Ok(())
}

/// Workers may share the pipe whose end tells that the parent is gone, for reading, and a pipe
/// that leads to the parent, for writing. A pipe that one worker can write and another read would
/// let a worker hide the parent's death from its siblings.
fn no_pipe_leads_to_a_sibling(daemon: &Daemon) -> Result<()> {
    let mut ends: BTreeMap<String, [Vec<i32>; 2]> = BTreeMap::new();
    for worker in daemon.workers() {
        let open = process::descriptors(worker)?;
        for (number, target) in pipes(&open)? {
            let way = usize::from(process::is_writable(worker, number));
            ends.entry(target.to_owned()).or_default()[way].push(worker);
        }
    }
    ensure!(!ends.is_empty(), "no worker has a pipe to watch its parent by");
    for (pipe, [readers, writers]) in &ends {
        let one_way = readers.is_empty() || writers.is_empty();
        ensure!(one_way, "{pipe} leads from {writers:?} to {readers:?}");
    }
    Ok(())
}

pub(crate) fn defect_13_the_parent_opens_no_database_on_a_hup(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b"]))?;
    daemon.wait_up(2)?;
    daemon.signal(Signal::SIGHUP)?;
    // Workers reset after their parent: the reload is over where a connection could be left.
    daemon.wait_log("Resetting cached RPC version pins.", 2)?;
    let open = process::descriptors(daemon.pid())?;
    let wrong: Vec<_> = open
        .values()
        .filter(|target| target.contains("cinder.sqlite") || target.starts_with("socket:"))
        .collect();
    ensure!(wrong.is_empty(), "{wrong:?}");
    ensure!(process::threads(daemon.pid()) == 1, "the parent has more than one thread");
    daemon.end_with(Signal::SIGTERM, 0)
}

pub(crate) fn the_parent_does_not_collect_descriptors_over_restarts(scene: &Scene) -> Result<()> {
    let daemon = scene.start(&scene.config(&["a", "b", "c"]))?;
    daemon.wait_up(3)?;
    let before = process::descriptors(daemon.pid())?.len();
    for turn in 0..6 {
        let workers = daemon.workers();
        let victim = *workers.get(turn % 3).context("no worker")?;
        process::signal(victim, Signal::SIGKILL)?;
        daemon.wait_replaced(&[victim], 3)?;
    }
    daemon.signal(Signal::SIGHUP)?;
    daemon.wait_beats(1)?;
    let after = process::descriptors(daemon.pid())?;
    ensure!(after.len() == before, "{before} descriptors at first, now {after:?}");
    daemon.end_with(Signal::SIGTERM, 0)
}
