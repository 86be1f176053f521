//! Breaking things at random for a while, then checking that nothing of it is left to see.
//!
//! The faults come from a generator with a printed seed, so a failure can be repeated as far as
//! the machine's timing allows.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::faults::{EVERYTHING, Storm};
use super::props::daemon::Daemon;
use super::props::holdings::{Holdings, no_zombie};
use super::props::scene::Scene;
use super::props::stage::Stage;
use crate::tally::Tally;
use crate::wait::{millis, secs, wait_for};

const BACKENDS: [&str; 5] = ["a", "b", "c", "d", "e"];
/// The back-off of a worker that keeps dying is capped at 30 s; the rest is for its start.
const RECOVERY: Duration = secs(60);
/// What the parent may hold more after any length of time, in KiB. Without a leak it is less than
/// a few pages; a leak of 100 bytes per fault shows after half an hour.
const SLACK: u64 = 256;

/// Runs the daemon for `length` under random faults and counts the checks at the end.
///
/// # Errors
///
/// When the daemon cannot be started; what chaos breaks is counted, not an error.
pub(crate) fn chaos(binary: &Path, length: Duration, seed: Option<u64>) -> Result<Tally> {
    let seed = seed.unwrap_or_else(any_seed);
    println!("chaos for {} s with seed {seed}", length.as_secs());
    let root = tempfile::Builder::new().prefix("cinder-chaos-").tempdir()?;
    let scene = Scene::new(binary, root.path(), "chaos")?;
    let config = scene.config(&BACKENDS).set("DEFAULT", "debug", "false");
    let stage = Stage::set(&scene, config, BACKENDS.len())?;
    if stage.beside().is_none() {
        println!("without orphans: they come to process 1 of a namespace only");
    }
    let before = stage.warm_up(BACKENDS.len())?;
    let mut storm = Storm::new(&stage, &BACKENDS, seed);
    let raged = storm.rage(&EVERYTHING, length, millis(700));
    println!("faults: {}", storm.tally());
    let tally = closing_checks(&stage, &BACKENDS, raged, &before);
    if tally.failed > 0 {
        println!("{}", scene.log_tails());
        drop(stage);
        drop(scene);
        println!("the directory of this run is kept in {}", root.keep().display());
    }
    Ok(tally)
}

/// A seed that is another one each time.
pub(crate) fn any_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_nanos()) ^ now.as_secs()
}

/// What has to be true after any number of faults.
pub(crate) fn closing_checks(
    stage: &Stage<'_>,
    backends: &[&str],
    raged: Result<()>,
    before: &Holdings,
) -> Tally {
    let daemon = &stage.daemon;
    let mut tally = Tally::default();
    tally += check("the daemon survives", raged);
    tally += check("every worker is back", workers_back(daemon, backends.len()));
    tally += check("every row has one heartbeat after the other", beating(daemon, backends));
    tally += check("no zombie", no_zombie(daemon));
    let held = before.wait_back(daemon.pid(), SLACK);
    tally += check("the parent holds what it held, descriptors and memory", held);
    let alone = wait_for("the last orphans to end", secs(5), || stage.expect_nobody_else());
    tally += check("nothing but the parent and its workers runs", alone);
    tally += check("a TERM is a clean stop", daemon.end_with(Signal::SIGTERM, 0));
    tally += check("nothing is left", stage.scene.wait_empty(secs(1)));
    tally += check("no panic is in the log", stage.scene.check_for_panics());
    tally
}

/// Prints the verdict on one sentence and counts it.
pub(crate) fn check(name: &str, result: Result<()>) -> Tally {
    match result {
        Ok(()) => {
            println!("ok      {name}");
            Tally::passed()
        }
        Err(failure) => {
            println!("FAILED  {name}\n  {failure:#}");
            Tally::failed()
        }
    }
}

fn workers_back(daemon: &Daemon, count: usize) -> Result<()> {
    daemon.wait_workers(&[], count, RECOVERY).map(drop)
}

fn beating(daemon: &Daemon, backends: &[&str]) -> Result<()> {
    wait_for("one live row per back end", RECOVERY, || {
        for name in backends {
            ensure!(daemon.row(&format!("e2e@{name}"))?.report_count > 0, "{name} has no beat");
        }
        Ok(())
    })?;
    daemon.wait_beats(3)
}
