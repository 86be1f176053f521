//! `cargo xtask bench launcher`: what supervising costs when the workers do nothing.
//!
//! The subject is an example of the launcher's crate, built in release and looked at from outside:
//! its `READY=1`, `/proc`, its exit.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::Signal;

use super::figures::{Figures, READY, TOTAL, median};
use super::{Outputs, ms, perf};
use crate::cargo;
use crate::process::{self, Memory, Usage};
use crate::wait::{let_pass, millis, secs, wait_with_pause};

const SUBJECT: &str = "trivial workers";
const LIMIT: Duration = secs(120);
/// After readiness: whatever still runs because of the start ends within this.
const SETTLE: Duration = secs(1);

/// What the command line asked for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) binary: Option<PathBuf>,
    pub(crate) sizes: Vec<usize>,
    pub(crate) runs: u64,
    pub(crate) idle: Duration,
    pub(crate) outputs: Outputs,
}

#[derive(Clone, Debug, Default)]
struct Sample {
    ready_ms: f64,
    /// Processor time of the parent until it was ready.
    cpu_ms: f64,
    parent: Memory,
    /// Medians over the workers.
    worker_dirty_kib: f64,
    worker_pss_kib: f64,
    total_pss_kib: f64,
    idle: Option<Idle>,
    stop_ms: f64,
}

/// What happened in the idle window, in total.
#[derive(Clone, Copy, Debug)]
struct Idle {
    parent_wakeups: f64,
    /// Context switches of the parent as `perf stat` counts them, where it may.
    parent_switches: Option<f64>,
    /// Of all workers together.
    worker_wakeups: f64,
}

/// Measures every size, prints the table, writes what else was asked for.
///
/// # Errors
///
/// When the subject cannot be built or started, or never becomes ready.
pub(crate) fn run(plan: &Plan) -> Result<()> {
    let binary = match &plan.binary {
        Some(given) => given.canonicalize()?,
        None => cargo::build_example("oslo-launcher", "trivial_workers")?,
    };
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); plan.sizes.len()];
    for turn in 0..plan.runs {
        for (&size, samples) in plan.sizes.iter().zip(&mut samples) {
            eprintln!("{SUBJECT}: {size}, start {} of {}", turn + 1, plan.runs);
            let idle = (turn == 0).then_some(plan.idle);
            samples.push(one(&binary, size, idle).with_context(|| format!("{size} workers"))?);
        }
    }
    let mut all: Vec<_> =
        plan.sizes.iter().zip(&samples).map(|(&size, samples)| figures(size, samples)).collect();
    growth(&mut all);
    plan.outputs.write(&all, plan.runs, plan.idle)
}

/// The subject while it is measured; a failure on the way must leave nothing behind.
struct Running(Child);

impl Running {
    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).expect("a pid is a small positive number")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            // Its workers see the end of their parent and follow.
            let _ = self.0.kill().and_then(|()| self.0.wait());
        }
    }
}

fn one(binary: &Path, size: usize, idle: Option<Duration>) -> Result<Sample> {
    let dir = tempfile::Builder::new().prefix("launcher-bench-").tempdir()?;
    let path = dir.path().join("notify");
    let manager = UnixDatagram::bind(&path)?;
    manager.set_read_timeout(Some(LIMIT))?;
    let mut command = Command::new(binary);
    command.arg(size.to_string()).env("NOTIFY_SOCKET", &path).current_dir(dir.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let mut running = Running(command.spawn().context("cannot start the subject")?);
    await_ready(&manager)?;
    let mut sample = Sample { ready_ms: ms(start), ..Sample::default() };
    let pid = running.pid();
    sample.cpu_ms = process::usage(pid).cpu_ns as f64 / 1e6;
    let_pass(SETTLE);
    let workers = process::living_children(pid);
    ensure!(workers.len() == size, "{} workers instead of {size}", workers.len());
    memory(pid, &workers, &mut sample)?;
    sample.idle = idle.map(|window| idle_window(pid, &workers, window));
    let stop = Instant::now();
    process::signal(pid, Signal::SIGTERM)?;
    let status = wait_with_pause("the end", LIMIT, millis(1), || {
        running.0.try_wait()?.context("it still runs")
    })?;
    sample.stop_ms = ms(stop);
    ensure!(status.success(), "the subject ended with {status}");
    Ok(sample)
}

/// Reads on, whatever else is said: a full socket would swallow the word that is waited for.
fn await_ready(manager: &UnixDatagram) -> Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let length = manager.recv(&mut buffer).context("waited for READY=1")?;
        if buffer.get(..length) == Some(b"READY=1") {
            return Ok(());
        }
    }
}

fn memory(parent: i32, workers: &[i32], sample: &mut Sample) -> Result<()> {
    sample.parent = process::memory(parent).context("the parent has no memory")?;
    let each: Vec<Memory> = workers.iter().filter_map(|&pid| process::memory(pid)).collect();
    let of = |pick: fn(&Memory) -> u64| {
        median(each.iter().map(|one| pick(one) as f64).collect()).unwrap_or(0.0)
    };
    sample.worker_dirty_kib = of(|one| one.dirty_kib);
    sample.worker_pss_kib = of(|one| one.pss_kib);
    let total = sample.parent.pss_kib + each.iter().map(|one| one.pss_kib).sum::<u64>();
    sample.total_pss_kib = total as f64;
    Ok(())
}

fn idle_window(parent: i32, workers: &[i32], window: Duration) -> Idle {
    let usage = || {
        let sleeps = |pid: &i32| process::usage(*pid).sleeps;
        (process::usage(parent), workers.iter().map(sleeps).sum::<u64>())
    };
    let (before, workers_before): (Usage, u64) = usage();
    let parent_switches = perf::context_switches(parent, window);
    let (after, workers_after) = usage();
    Idle {
        parent_wakeups: (after.sleeps - before.sleeps) as f64,
        parent_switches,
        worker_wakeups: (workers_after - workers_before) as f64,
    }
}

fn figures(size: usize, samples: &[Sample]) -> Figures {
    let over = |pick: &dyn Fn(&Sample) -> f64| median(samples.iter().map(pick).collect());
    let idle = |pick: &dyn Fn(&Idle) -> Option<f64>| {
        median(samples.iter().filter_map(|one| pick(one.idle.as_ref()?)).collect())
    };
    let each = |ms: f64| ms * 1000.0 / size as f64;
    let values = vec![
        (READY, over(&|one| one.ready_ms)),
        ("… per worker, µs", over(&|one| each(one.ready_ms))),
        ("parent CPU until ready, ms", over(&|one| one.cpu_ms)),
        ("… CPU per worker, µs", over(&|one| each(one.cpu_ms))),
        (RSS, over(&|one| one.parent.rss_kib as f64)),
        ("parent PSS, KiB", over(&|one| one.parent.pss_kib as f64)),
        (PRIVATE, over(&|one| one.parent.private_kib as f64)),
        ("worker private dirty, KiB", over(&|one| one.worker_dirty_kib)),
        ("worker PSS, KiB", over(&|one| one.worker_pss_kib)),
        (TOTAL, over(&|one| one.total_pss_kib)),
        ("idle parent wake-ups", idle(&|one| Some(one.parent_wakeups))),
        ("idle parent switches (perf)", idle(&|one| one.parent_switches)),
        ("idle wake-ups of all workers", idle(&|one| Some(one.worker_wakeups))),
        ("TERM to exit, ms", over(&|one| one.stop_ms)),
        ("… exit per worker, µs", over(&|one| each(one.stop_ms))),
    ];
    Figures::new(SUBJECT, size, values)
}

const RSS: &str = "parent RSS, KiB";
const PRIVATE: &str = "parent private, KiB";

/// What one more worker costs the parent, seen from the smallest size.
fn growth(all: &mut [Figures]) {
    let Some(first) = all.iter().min_by_key(|one| one.size()).cloned() else { return };
    for (name, of) in
        [("… RSS per further worker, KiB", RSS), ("… private per further worker, KiB", PRIVATE)]
    {
        for one in &mut *all {
            let further = (one.size() - first.size()) as f64;
            let grown = one.value(of).zip(first.value(of)).map(|(now, then)| now - then);
            one.add(name, grown.filter(|_| further > 0.0).map(|kib| kib / further));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(ready_ms: f64, rss_kib: u64) -> Sample {
        let parent = Memory { rss_kib, ..Memory::default() };
        Sample { ready_ms, parent, ..Sample::default() }
    }

    #[test]
    fn figures_per_worker_are_microseconds() {
        let one = figures(10, &[sample(5.0, 0), sample(6.0, 0), sample(9.0, 0)]);
        assert_eq!(one.value(READY), Some(6.0));
        assert_eq!(one.value("… per worker, µs"), Some(600.0));
        assert_eq!(one.value("idle parent wake-ups"), None);
    }

    #[test]
    fn growth_is_counted_from_the_smallest_size() {
        let mut all = [figures(101, &[sample(1.0, 1300)]), figures(1, &[sample(1.0, 1000)])];
        growth(&mut all);
        assert_eq!(all[0].value("… RSS per further worker, KiB"), Some(3.0));
        assert_eq!(all[1].value("… RSS per further worker, KiB"), None);
    }
}
