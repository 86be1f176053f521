//! Breaking things at random for a while, then checking that nothing of it is left to see.
//!
//! The faults come from a generator with a printed seed, so a failure can be repeated as far as
//! the machine's timing allows.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail, ensure};
use nix::sys::signal::Signal;

use super::config::Config;
use super::daemon::Daemon;
use super::dice::Dice;
use super::scene::Scene;
use crate::database::{Lock, write};
use crate::process;
use crate::tally::Tally;
use crate::wait::{let_pass, millis, secs, wait_for};

const BACKENDS: [&str; 5] = ["a", "b", "c", "d", "e"];
/// The back-off of a worker that keeps dying is capped at 30 s; the rest is for its start.
const RECOVERY: Duration = secs(60);

/// Runs the daemon for `length` under random faults and counts the checks at the end.
///
/// # Errors
///
/// When the daemon cannot be started; what chaos breaks is counted, not an error.
pub(crate) fn chaos(binary: &Path, length: Duration, seed: Option<u64>) -> Result<Tally> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = seed.unwrap_or_else(|| u64::from(now.subsec_nanos()) ^ now.as_secs());
    println!("chaos for {} s with seed {seed}", length.as_secs());
    let root = tempfile::Builder::new().prefix("cinder-chaos-").tempdir()?;
    let scene = Scene::new(binary, root.path(), "chaos")?;
    let config = scene.config(&BACKENDS).set("DEFAULT", "debug", "false");
    let daemon = scene.start(&config)?;
    daemon.wait_up(BACKENDS.len())?;
    let descriptors = process::descriptors(daemon.pid())?.len();
    let mut storm = Storm { scene: &scene, daemon: &daemon, config, dice: Dice::new(seed) };
    let faults = storm.rage(length);
    let mut tally = Tally::default();
    let mut check = |name: &str, result: Result<()>| {
        tally += match &result {
            Ok(()) => Tally::passed(),
            Err(_) => Tally::failed(),
        };
        match result {
            Ok(()) => println!("ok      {name}"),
            Err(failure) => println!("FAILED  {name}\n  {failure:#}"),
        }
    };
    check("the daemon survives", faults.map(|counts| println!("faults: {counts}")));
    check("every worker is back", workers_back(&daemon));
    check("every row has one heartbeat after the other", beating(&daemon));
    check("no zombie", no_zombie(&daemon));
    check("the parent has as many descriptors as at the start", same(&daemon, descriptors));
    check("nothing but the parent and its workers runs", no_orphan(&scene, &daemon));
    check("a TERM is a clean stop", daemon.end_with(Signal::SIGTERM, 0));
    check("nothing is left", scene.wait_empty(secs(1)));
    if tally.failed > 0 {
        println!("{}", scene.log_tails());
        drop(daemon);
        drop(scene);
        println!("the directory of this run is kept in {}", root.keep().display());
    }
    Ok(tally)
}

struct Storm<'a> {
    scene: &'a Scene,
    daemon: &'a Daemon,
    config: Config,
    dice: Dice,
}

impl Storm<'_> {
    /// Injects faults until the time is over; says how many of which kind.
    fn rage(&mut self, length: Duration) -> Result<String> {
        let end = Instant::now() + length;
        let (mut kills, mut stops, mut hups, mut locks, mut rows) = (0, 0, 0, 0, 0);
        while Instant::now() < end {
            ensure!(process::lives(self.daemon.pid()), "the parent has ended");
            match self.dice.below(20) {
                0..=7 => kills += self.kill_a_worker(),
                8..=9 => stops += self.freeze_a_worker(),
                10..=14 => hups += self.hang_up()?,
                15..=16 => locks += self.lock_the_database(),
                _ => rows += self.remove_a_row()?,
            }
            let_pass(millis(self.dice.below(700)));
        }
        Ok(format!(
            "{kills} workers killed, {stops} frozen, {hups} HUPs, {locks} locks, {rows} rows removed"
        ))
    }

    fn kill_a_worker(&mut self) -> u32 {
        const WAYS: [Signal; 5] =
            [Signal::SIGKILL, Signal::SIGTERM, Signal::SIGINT, Signal::SIGSEGV, Signal::SIGABRT];
        let way = self.dice.one_of(&WAYS).unwrap_or(Signal::SIGKILL);
        let victim = self.dice.one_of(&self.daemon.workers());
        victim.map_or(0, |pid| u32::from(process::signal(pid, way).is_ok()))
    }

    fn freeze_a_worker(&mut self) -> u32 {
        let Some(victim) = self.dice.one_of(&self.daemon.workers()) else { return 0 };
        let _ = process::signal(victim, Signal::SIGSTOP);
        let_pass(millis(self.dice.below(1500)));
        u32::from(process::signal(victim, Signal::SIGCONT).is_ok())
    }

    /// With a changed, a broken or a missing file.
    fn hang_up(&mut self) -> Result<u32> {
        let text = match self.dice.below(4) {
            0 => "[DEFAULT\nbroken".to_owned(),
            1 => self.config.clone().set("DEFAULT", "debug", "true").text(),
            2 => self.config.clone().set("DEFAULT", "debug", "neither").text(),
            _ => self.config.text(),
        };
        self.scene.write("cinder.conf", &text)?;
        self.daemon.signal(Signal::SIGHUP)?;
        Ok(1)
    }

    fn lock_the_database(&mut self) -> u32 {
        let Ok(lock) = Lock::take(&self.scene.database()) else { return 0 };
        let_pass(millis(500 + self.dice.below(4000)));
        drop(lock);
        1
    }

    fn remove_a_row(&mut self) -> Result<u32> {
        let Some(name) = self.dice.one_of(&BACKENDS) else { bail!("no back ends") };
        let sql = match self.dice.below(2) {
            0 => format!("DELETE FROM services WHERE host = 'e2e@{name}'"),
            _ => format!("UPDATE services SET deleted = 1 WHERE host = 'e2e@{name}'"),
        };
        write(&self.scene.database(), &sql)?;
        Ok(1)
    }
}

fn workers_back(daemon: &Daemon) -> Result<()> {
    daemon.wait_workers(&[], BACKENDS.len(), RECOVERY).map(drop)
}

fn beating(daemon: &Daemon) -> Result<()> {
    wait_for("one live row per back end", RECOVERY, || {
        for name in BACKENDS {
            ensure!(daemon.row(&format!("e2e@{name}"))?.report_count > 0, "{name} has no beat");
        }
        Ok(())
    })?;
    daemon.wait_beats(3)
}

fn no_zombie(daemon: &Daemon) -> Result<()> {
    wait_for("every dead child to be reaped", secs(2), || {
        let children = process::children(daemon.pid());
        ensure!(!children.iter().any(process::Entry::is_zombie), "{children:?}");
        Ok(())
    })
}

fn same(daemon: &Daemon, before: usize) -> Result<()> {
    let now = process::descriptors(daemon.pid())?;
    ensure!(now.len() == before, "{before} at first, now {now:?}");
    Ok(())
}

fn no_orphan(scene: &Scene, daemon: &Daemon) -> Result<()> {
    let mut expected = daemon.workers();
    expected.push(daemon.pid());
    expected.sort_unstable();
    let mut all = scene.processes();
    all.sort_unstable();
    ensure!(all == expected, "expected {expected:?}, found {all:?}");
    Ok(())
}
