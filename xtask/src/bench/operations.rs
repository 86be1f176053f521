//! `cargo xtask bench operations`: what volumes cost, beside the same statements and file calls without us.
//!
//! On SQLite with files on the disk of the temporary directory. Requests go over the local bus from this process; over
//! RabbitMQ from the original's own library, where `CINDER_PYTHON` names it. Ours and the floor take turns, so that
//! both meet the same machine in the same minutes.

mod floor;
mod local;
mod rabbit;
mod rows;

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use self::floor::Floor;
use self::local::Bus;
use self::rows::Rows;
use super::figures::median;
use super::ms;
use crate::cargo;
use crate::e2e::{Config, Daemon, Scene};
use crate::process;
use crate::wait::{let_pass, millis, secs, wait_with_pause};

/// The back end.
const DISK: &str = "disk";
/// Turns of ours and the floor.
const TURNS: usize = 5;

/// What the command line asked for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) binary: Option<PathBuf>,
    /// Creates per turn.
    pub(crate) count: usize,
    /// Operations over which memory is looked at.
    pub(crate) many: usize,
    /// Volumes that a daemon finds at its start.
    pub(crate) volumes: usize,
}

/// Measures everything and prints the table line by line, as it comes.
///
/// # Errors
///
/// When a program cannot be started, or an operation fails.
pub(crate) fn run(plan: &Plan) -> Result<()> {
    let binary = match &plan.binary {
        Some(given) => given.canonicalize()?,
        None => cargo::build_daemon(&cargo::database_features())?,
    };
    let root = tempfile::Builder::new().prefix("cinder-bench-").tempdir()?;
    println!("| figure | measured | target |\n|---|---:|---:|");
    let scene = Scene::new(&binary, root.path(), "local")?;
    let stand = Stand::new(&scene, &config(&scene))?;
    let bus = Bus::of(&scene, DISK);
    creates(&stand, plan, "local bus", &|method, arguments| bus.call(method, arguments))?;
    others(&stand, plan, &bus)?;
    growth(&stand, plan, &bus)?;
    copies(&stand, &bus)?;
    stand.daemon.end_with(Signal::SIGTERM, 0)?;
    starts(&Scene::new(&binary, root.path(), "many")?, plan)?;
    rabbit::run(&Scene::new(&binary, root.path(), "rabbit")?, plan)
}

fn config(scene: &Scene) -> Config {
    scene.config(&[DISK]).set(DISK, "volume_driver", "local").set(
        "DEFAULT",
        "report_interval",
        "10",
    )
}

/// A daemon, its rows, and a volume after whose pattern others are made.
struct Stand<'a> {
    scene: &'a Scene,
    daemon: Daemon,
    pattern: String,
}

impl<'a> Stand<'a> {
    fn new(scene: &'a Scene, config: &Config) -> Result<Self> {
        let daemon = scene.start(config)?;
        daemon.wait_up(1)?;
        let pattern = volume(scene, &["create", "--size", "1", "--wait"])?;
        Ok(Self { scene, daemon, pattern })
    }

    fn worker(&self) -> Result<i32> {
        self.daemon.workers().first().copied().context("no worker")
    }

    fn cpu_ms(&self) -> Result<f64> {
        Ok(process::usage(self.worker()?).cpu_ns as f64 / 1e6)
    }

    fn rows(&self, first: u64) -> Result<Rows> {
        Rows::starting(&self.scene.database(), first)
    }

    fn file(&self, id: &str) -> PathBuf {
        self.scene.path("volumes").join(DISK).join(format!("volume-{id}"))
    }
}

/// What the client prints of a volume: its id.
fn volume(scene: &Scene, words: &[&str]) -> Result<String> {
    let file = scene.path("cinder.conf").to_string_lossy().into_owned();
    let mut command = scene.cinder_volume(&["volume"]);
    command.args(words).args(["--json", "--config-file", &file]);
    let outcome = scene.finish(&mut command, secs(300))?;
    let value: Value =
        serde_json::from_str(&outcome.out).with_context(|| format!("{outcome:?}"))?;
    ensure!(outcome.code == Some(0), "{outcome:?}");
    Ok(value["id"].as_str().context("no id")?.to_owned())
}

type Call<'a> = dyn Fn(&str, &Value) -> Result<Value> + Sync + 'a;

fn object(name: &str, version: &str, id: &str, status: &str) -> Value {
    json!({
        "versioned_object.name": name,
        "versioned_object.namespace": "cinder",
        "versioned_object.version": version,
        "versioned_object.data": { "id": id, "status": status },
    })
}

fn volume_of(id: &str, status: &str) -> Value {
    json!({ "volume": object("Volume", "1.9", id, status) })
}

/// Does something with each of these, so many at once; each one's milliseconds.
fn at_once(
    ids: &[String],
    width: usize,
    deed: &(dyn Fn(&str) -> Result<()> + Sync),
) -> Result<Vec<f64>> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<f64>> {
        let mut times = Vec::new();
        while let Some(id) = ids.get(next.fetch_add(1, Ordering::Relaxed)) {
            let begun = Instant::now();
            deed(id)?;
            times.push(ms(begun));
        }
        Ok(times)
    };
    thread::scope(|scope| {
        let all: Vec<_> = (0..width).map(|_| scope.spawn(work)).collect();
        let mut times = Vec::new();
        for one in all {
            times.extend(one.join().map_err(|_| anyhow!("a panic"))??);
        }
        Ok(times)
    })
}

fn percentile(mut times: Vec<f64>, part: f64) -> f64 {
    times.sort_by(f64::total_cmp);
    let at = ((times.len() as f64 * part) as usize).min(times.len().saturating_sub(1));
    times.get(at).copied().unwrap_or(0.0)
}

/// Creates with 1 and 16 in flight, beside the floor.
fn creates(stand: &Stand<'_>, plan: &Plan, over: &str, call: &Call<'_>) -> Result<()> {
    let mut rows = stand.rows(1)?;
    for width in [1, 16] {
        let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let (mut latencies, mut cpu) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            let mut new = || -> Result<Vec<String>> {
                let ids = rows.more("volumes", &stand.pattern, plan.count, "creating")?;
                rows.announce("Volume", &ids, "creating")?;
                Ok(ids)
            };
            let (mine, its) = (new()?, new()?);
            let (before, begun) = (stand.cpu_ms()?, Instant::now());
            let create = |id: &str| call("create_volume", &volume_of(id, "creating")).map(drop);
            latencies.extend(at_once(&mine, width, &create)?);
            let time = ms(begun);
            cpu.push((stand.cpu_ms()? - before) / plan.count as f64);
            let bare = bare(stand.scene, &its, width)?;
            ours.push(plan.count as f64 / time * 1e3);
            theirs.push(plan.count as f64 / bare * 1e3);
            ratios.push(time / bare);
        }
        let of = |values| median(values).context("no figure");
        println!("| creates/s, {width} in flight, {over} | {:.0} | |", of(ours)?);
        println!("| the same statements and file calls alone | {:.0} | |", of(theirs)?);
        println!(
            "| time in terms of that, {width} in flight, {over} | {:.2} | ≤ 1.5 |",
            of(ratios)?
        );
        println!(
            "| processor time per create, {width} in flight, {over} | {:.2} ms | ≤ 2 ms |",
            of(cpu)?
        );
        let (half, worst) = (percentile(latencies.clone(), 0.5), percentile(latencies, 0.99));
        println!(
            "| message to `available`, median and p99, {width} in flight, {over} | {half:.1}, {worst:.1} ms | |"
        );
    }
    Ok(())
}

/// The floor with so many at once; milliseconds.
fn bare(scene: &Scene, ids: &[String], width: usize) -> Result<f64> {
    let (database, directory) = (scene.database(), scene.path("floor"));
    let begun = Instant::now();
    let portion = ids.len().div_ceil(width);
    let work = |ids: &[String]| Floor::new(&database, &directory)?.create(ids);
    let work = &work;
    thread::scope(|scope| {
        let all: Vec<_> = ids.chunks(portion).map(|ids| scope.spawn(move || work(ids))).collect();
        all.into_iter().try_for_each(|one| one.join().map_err(|_| anyhow!("a panic"))?)
    })?;
    Ok(ms(begun))
}

/// Snapshots, their deletion, the deletion of volumes.
fn others(stand: &Stand<'_>, plan: &Plan, bus: &Bus) -> Result<()> {
    let mut rows = stand.rows(1_000_000)?;
    let small = volume(stand.scene, &["create", "--size", "1", "--wait"])?;
    let pattern = volume(stand.scene, &["snapshot", "create", &small, "--wait"])?;
    let snapshots = rows.more("snapshots", &pattern, plan.count, "creating")?;
    rows.announce("Snapshot", &snapshots, "creating")?;
    let volumes = rows.more("volumes", &stand.pattern, plan.count, "creating")?;
    rows.announce("Volume", &volumes, "creating")?;
    let snapshot = |id: &str, status| json!({ "snapshot": object("Snapshot", "1.6", id, status) });
    let measure = |what: &str, ids: &[String], deed: &(dyn Fn(&str) -> Result<()> + Sync)| {
        let (before, begun) = (stand.cpu_ms()?, Instant::now());
        let times = at_once(ids, 1, deed)?;
        let each = (stand.cpu_ms()? - before) / ids.len() as f64;
        let rate = ids.len() as f64 / ms(begun) * 1e3;
        let worst = percentile(times, 0.99);
        println!(
            "| {what}/s, processor time of each, p99 | {rate:.0}, {each:.2} ms, {worst:.1} ms | |"
        );
        anyhow::Ok(())
    };
    let create = |id: &str| bus.call("create_volume", &volume_of(id, "creating")).map(drop);
    at_once(&volumes, 4, &create)?;
    measure("snapshots of an empty volume", &snapshots, &|id| {
        bus.call("create_snapshot", &snapshot(id, "creating")).map(drop)
    })?;
    rows.announce("Volume", &volumes, "deleting")?;
    measure("deletions of a volume", &volumes, &|id| {
        bus.call("delete_volume", &volume_of(id, "deleting")).map(drop)
    })
}

/// Memory over many operations.
fn growth(stand: &Stand<'_>, plan: &Plan, bus: &Bus) -> Result<()> {
    let mut rows = stand.rows(2_000_000)?;
    let worker = stand.worker()?;
    let kib = || process::memory(worker).map(|one| one.anonymous_kib).context("no memory");
    let mut work = |operations: usize| -> Result<u64> {
        for _ in 0..operations.div_ceil(1000) {
            let ids = rows.more("volumes", &stand.pattern, 500, "creating")?;
            rows.announce("Volume", &ids, "creating")?;
            let create = |id: &str| bus.call("create_volume", &volume_of(id, "creating")).map(drop);
            at_once(&ids, 16, &create)?;
            rows.announce("Volume", &ids, "deleting")?;
            let delete = |id: &str| bus.call("delete_volume", &volume_of(id, "deleting")).map(drop);
            at_once(&ids, 16, &delete)?;
        }
        kib()
    };
    // In the first of these threads, connections and caches come to their size.
    let marks = [work(1000)?, work(plan.many)?, work(plan.many)?];
    for (ends, which) in marks.windows(2).zip(["the first", "the next"]) {
        let (before, grown) = (ends[0], ends[1] as f64 - ends[0] as f64);
        let target = if which == "the next" { "< 2048 KiB" } else { "" };
        println!(
            "| memory more after {which} {} operations, of {before} KiB | {grown:.0} KiB | {target} |",
            plan.many
        );
    }
    Ok(())
}

const MIB: usize = 1 << 20;

fn fill(path: &Path, mib: usize) -> Result<()> {
    let mut file = fs::File::options().write(true).open(path)?;
    file.seek(SeekFrom::Start(512 << 20))?;
    let piece: Vec<u8> = (0..MIB).map(|at| (at % 251) as u8 + 1).collect();
    for _ in 0..mib {
        file.write_all(&piece)?;
    }
    Ok(file.sync_all()?)
}

/// A sparse clone beside the copy of its data, and what a bulk copy does to others.
fn copies(stand: &Stand<'_>, bus: &Bus) -> Result<()> {
    const DATA: usize = 256;
    let sparse = volume(stand.scene, &["create", "--size", "10", "--wait"])?;
    fill(&stand.file(&sparse), DATA)?;
    let begun = Instant::now();
    let copy = stand.scene.path("copy");
    let mut from = fs::File::open(stand.file(&sparse))?;
    from.seek(SeekFrom::Start(512 << 20))?;
    let mut to = fs::File::create(&copy)?;
    let mut piece = vec![0; MIB];
    for _ in 0..DATA {
        from.read_exact(&mut piece)?;
        to.write_all(&piece)?;
    }
    to.sync_all()?;
    let floor = ms(begun);
    fs::remove_file(copy)?;
    let begun = Instant::now();
    let clone = volume(stand.scene, &["clone", &sparse, "--wait"])?;
    println!("| clone of 10 GiB with {DATA} MiB of data | {:.0} ms | |", ms(begun));
    println!("| copying these data alone | {floor:.0} ms | |");
    let (quiet, _) = meanwhile(stand, bus, || {
        let_pass(secs(3));
        Ok(())
    })?;
    fill(&stand.file(&clone), 2048)?;
    let ((call, create), took) =
        meanwhile(stand, bus, || volume(stand.scene, &["clone", &clone, "--wait"]).map(drop))?;
    println!("| a copy of 2 GiB takes | {took:.0} ms | |");
    println!(
        "| the slowest call meanwhile; and without it | {call:.0}, {:.0} ms | ≤ 100 ms more |",
        quiet.0
    );
    println!(
        "| the slowest create meanwhile; and without it | {create:.0}, {:.0} ms | ≤ 200 ms more |",
        quiet.1
    );
    Ok(())
}

/// The slowest call and the slowest create while something else goes on, and how long that took.
fn meanwhile(
    stand: &Stand<'_>,
    bus: &Bus,
    deed: impl FnOnce() -> Result<()>,
) -> Result<((f64, f64), f64)> {
    let mut rows = stand.rows(3_000_000 + u64::from(std::process::id()) % 1000)?;
    let first = rows.number("SELECT count(*) FROM volumes")?;
    rows.skip(u64::try_from(first)?);
    let ids = rows.more("volumes", &stand.pattern, 2_000, "creating")?;
    rows.announce("Volume", &ids, "creating")?;
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let calls = scope.spawn(|| -> Result<f64> {
            let mut worst = 0.0_f64;
            while !is_over.load(Ordering::Acquire) {
                let begun = Instant::now();
                bus.call("get_capabilities", &json!({ "discover": true }))?;
                worst = worst.max(ms(begun));
            }
            Ok(worst)
        });
        let creates = scope.spawn(|| -> Result<f64> {
            let mut worst = 0.0_f64;
            for id in &ids {
                if is_over.load(Ordering::Acquire) {
                    break;
                }
                let begun = Instant::now();
                bus.call("create_volume", &volume_of(id, "creating"))?;
                worst = worst.max(ms(begun));
            }
            Ok(worst)
        });
        let begun = Instant::now();
        let done = deed();
        let took = ms(begun);
        is_over.store(true, Ordering::Release);
        let worst = |one: thread::ScopedJoinHandle<'_, Result<f64>>| {
            one.join().map_err(|_| anyhow!("a panic"))?
        };
        let (call, create) = (worst(calls)?, worst(creates)?);
        done?;
        Ok(((call, create), took))
    })
}

/// A start with very many volumes beside one with a single one.
fn starts(scene: &Scene, plan: &Plan) -> Result<()> {
    let stand = Stand::new(scene, &config(scene))?;
    stand.daemon.end_with(Signal::SIGTERM, 0)?;
    let (few_ms, few_kib) = start(scene)?;
    let mut rows = Rows::starting(&scene.database(), 1)?;
    rows.more("volumes", &stand.pattern, plan.volumes, "available")?;
    let (many_ms, many_kib) = start(scene)?;
    let more = (many_kib as f64 - few_kib as f64) / 1024.0;
    println!("| exec to ready with one volume | {few_ms:.0} ms | |");
    println!("| exec to ready with {} | {many_ms:.0} ms | ≤ 5000 ms |", plan.volumes);
    println!("| memory more with these | {more:.1} MiB | ≤ 20 MiB |");
    Ok(())
}

/// Milliseconds until a request is answered, which needs a driver that is ready, and the worker's KiB two seconds later.
fn start(scene: &Scene) -> Result<(f64, u64)> {
    let begun = Instant::now();
    let daemon = scene.start(&config(scene))?;
    let bus = Bus::of(scene, DISK);
    wait_with_pause("a call to be answered", secs(60), millis(2), || {
        bus.call("get_capabilities", &json!({ "discover": true })).map(drop)
    })?;
    let time = ms(begun);
    let_pass(secs(2));
    let worker = daemon.workers().first().copied().context("no worker")?;
    let kib = process::memory(worker).context("no memory")?.pss_kib;
    daemon.end_with(Signal::SIGTERM, 0)?;
    Ok((time, kib))
}
