//! `cargo xtask soak`: a long run under mild faults, watched for what slowly becomes more.
//!
//! Half of the workers are left alone from start to end, so that a leak in a worker's ordinary
//! life shows; the others die, freeze and come back. docs/supervision.md has the rule by which
//! growth is told from noise. Whatever ends xtask ends the daemon with it, see `guard.rs`.

mod samples;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use self::samples::{Sample, Series};
use crate::e2e::{MILD, Scene, Stage, Storm, any_seed, check, closing_checks};
use crate::process::{self, Entry, Usage};
use crate::tally::Tally;
use crate::wait::secs;

/// Time between two samples.
const INTERVAL: Duration = secs(5);
/// The longest pause between two faults.
const PAUSE: Duration = secs(4);

/// What the command line asked for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) binary: PathBuf,
    pub(crate) length: Duration,
    pub(crate) backends: usize,
    pub(crate) seed: Option<u64>,
}

/// Runs the daemon for as long as asked, prints what was seen and counts the checks.
///
/// # Errors
///
/// When the daemon cannot be started; what goes wrong later is counted, not an error.
pub(crate) fn run(plan: &Plan) -> Result<Tally> {
    ensure!(plan.backends >= 2, "half of the back ends are left alone, so at least two are needed");
    let seed = plan.seed.unwrap_or_else(any_seed);
    let (length, count) = (plan.length, plan.backends);
    println!("soak for {} s with {count} back ends and seed {seed}", length.as_secs());
    let root = tempfile::Builder::new().prefix("cinder-soak-").tempdir()?;
    let scene = Scene::new(&plan.binary, root.path(), "soak")?;
    let names: Vec<_> = (1..=count).map(|number| format!("b{number:03}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let config = scene.config(&names).set("DEFAULT", "debug", "false");
    let stage = Stage::set(&scene, config, count)?;
    let before = stage.warm_up(count)?;
    let mut spared = stage.daemon.workers();
    spared.truncate(count / 2);
    let mut storm = Storm::new(&stage, &names, seed);
    storm.spare(&spared);
    let (series, raged) = watch(&stage, &mut storm, &spared, length);
    println!("faults: {}\n\n{}", storm.tally(), series.table());
    let mut tally = Tally::default();
    for (what, result) in series.verdicts() {
        tally += check(what, result);
    }
    tally += check("the workers that were left alone still run", still_run(&spared));
    tally += closing_checks(&stage, &names, raged, &before);
    if tally.failed > 0 {
        println!("{}", scene.log_tails());
        drop(stage);
        drop(scene);
        println!("the directory of this run is kept in {}", root.keep().display());
    }
    Ok(tally)
}

fn watch(
    stage: &Stage<'_>,
    storm: &mut Storm<'_>,
    spared: &[i32],
    length: Duration,
) -> (Series, Result<()>) {
    let start = Instant::now();
    let mut watcher = Watcher::new(stage.daemon.pid(), spared, start);
    let mut series = Series::default();
    while start.elapsed() < length {
        let raged = storm.rage(&MILD, INTERVAL, PAUSE);
        if raged.is_err() {
            return (series, raged);
        }
        series.push(watcher.sample());
    }
    (series, Ok(()))
}

fn still_run(spared: &[i32]) -> Result<()> {
    let gone: Vec<_> = spared.iter().filter(|&&pid| !process::lives(pid)).collect();
    ensure!(gone.is_empty(), "gone: {gone:?} of {spared:?}");
    Ok(())
}

/// Looks at the processes and remembers what has to be compared with the last look.
struct Watcher<'a> {
    parent: i32,
    spared: &'a [i32],
    start: Instant,
    last: Instant,
    parent_usage: Usage,
    spared_usage: Vec<Usage>,
    dead: Vec<i32>,
}

impl<'a> Watcher<'a> {
    fn new(parent: i32, spared: &'a [i32], start: Instant) -> Self {
        let spared_usage = spared.iter().map(|&pid| process::usage(pid)).collect();
        let parent_usage = process::usage(parent);
        let dead = Vec::new();
        Self { parent, spared, start, last: start, parent_usage, spared_usage, dead }
    }

    fn sample(&mut self) -> Sample {
        let now = Instant::now();
        let seconds = now.duration_since(self.last).as_secs_f64();
        let children = process::children(self.parent);
        let dead: Vec<_> =
            children.iter().filter(|one| one.is_zombie()).map(|one| one.pid).collect();
        let usage = process::usage(self.parent);
        let spared: Vec<_> = self.spared.iter().map(|&pid| process::usage(pid)).collect();
        let rate =
            |from: &Usage, to: &Usage| to.sleeps.saturating_sub(from.sleeps) as f64 / seconds;
        let rates = self.spared_usage.iter().zip(&spared).map(|(from, to)| rate(from, to));
        let worker_wakeups = rates.fold(0.0, f64::max);
        let of_spared = |pick: &dyn Fn(i32) -> u64| {
            self.spared.iter().map(|&pid| pick(pid)).max().unwrap_or(0) as f64
        };
        let anonymous = |pid| process::memory(pid).map_or(0, |memory| memory.anonymous_kib);
        let descriptors = |pid| process::descriptors(pid).map_or(0, |open| open.len() as u64);
        let sample = Sample {
            seconds: now.duration_since(self.start).as_secs(),
            parent_kib: anonymous(self.parent) as f64,
            parent_descriptors: descriptors(self.parent) as f64,
            parent_wakeups: rate(&self.parent_usage, &usage),
            worker_kib: of_spared(&anonymous),
            worker_descriptors: of_spared(&descriptors),
            worker_threads: of_spared(&|pid| process::threads(pid) as u64),
            worker_wakeups,
            workers: children.iter().filter(|one: &&Entry| !one.is_zombie()).count(),
            // A dead child is seen now and then before it is reaped; twice in a row is too long.
            zombies: dead.iter().filter(|pid| self.dead.contains(pid)).count(),
        };
        (self.last, self.parent_usage, self.spared_usage, self.dead) = (now, usage, spared, dead);
        sample
    }
}
