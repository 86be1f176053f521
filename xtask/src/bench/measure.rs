//! One start of one subject, measured.
//!
//! Two starts in fact: one with the default heartbeat interval for everything about starting,
//! idling and stopping; and one with an interval of an hour for the kills, so that a heartbeat
//! after a kill can only be the successor's first one.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::figures::{Idle, Sample, median};
use super::setup::{Setup, Subject, limit};
use super::watch::Watch;
use super::{Plan, ms};
use crate::e2e::Daemon;
use crate::process::{self, Memory, Usage};
use crate::wait::{let_pass, millis, wait_with_pause};

/// Seconds between heartbeats unless an operator changes it (spec/startup.md §3).
const DEFAULT_INTERVAL: u32 = 10;
const AN_HOUR: u32 = 3600;
/// Half of this is the error of every time below.
const PAUSE: Duration = millis(1);

/// Measures one start; the idle window only when `with_idle`.
pub(super) fn one(
    plan: &Plan,
    binary: &Path,
    subject: &Subject,
    size: usize,
    with_idle: bool,
) -> Result<Sample> {
    let root = tempfile::Builder::new().prefix("cinder-bench-").tempdir()?;
    let mut sample = Sample::default();
    let setup = Setup::new(binary, root.path(), "start", size, DEFAULT_INTERVAL)?;
    start_and_stop(plan, &setup, subject, size, with_idle, &mut sample)?;
    let setup = Setup::new(binary, root.path(), "kill", size, AN_HOUR)?;
    sample.respawn_ms = respawns(plan, &setup, subject, size)?;
    Ok(sample)
}

fn start_and_stop(
    plan: &Plan,
    setup: &Setup,
    subject: &Subject,
    size: usize,
    with_idle: bool,
    sample: &mut Sample,
) -> Result<()> {
    let start = Instant::now();
    let daemon = setup.scene.start_command(&mut setup.command(subject))?;
    let mut watch = Watch::new(&setup.scene);
    // A figure that is not reached stays empty; the table then shows a dash instead of a lie.
    let _ = wait_with_pause("rows, readiness and heartbeats", limit(size), PAUSE, || {
        let seen = watch.look()?;
        sample.rows = seen.rows;
        if seen.rows >= size {
            sample.rows_ms.get_or_insert_with(|| ms(start));
        }
        if seen.ready() >= size {
            sample.ready_ms.get_or_insert_with(|| ms(start));
        }
        ensure!(seen.beating >= size, "{seen:?}");
        sample.beats_ms = Some(ms(start));
        Ok(())
    });
    memory(&daemon, sample);
    if with_idle {
        sample.idle = Some(idle(&daemon, plan.idle));
    }
    let stop = Instant::now();
    daemon.signal(Signal::SIGTERM)?;
    let ended = wait_with_pause("the end", limit(size), PAUSE, || {
        ensure!(!process::lives(daemon.pid()));
        Ok(())
    });
    sample.stop_ms = ended.is_ok().then(|| ms(stop));
    Ok(())
}

fn memory(daemon: &Daemon, sample: &mut Sample) {
    let kib = |value: u64| value as f64;
    let workers: Vec<Memory> = daemon.workers().into_iter().filter_map(process::memory).collect();
    let parent = process::memory(daemon.pid()).unwrap_or_default();
    let of = |pick: fn(&Memory) -> u64| {
        median(workers.iter().map(|one| kib(pick(one))).collect()).unwrap_or(0.0)
    };
    sample.parent_pss_kib = kib(parent.pss_kib);
    sample.worker_pss_kib = of(|one| one.pss_kib);
    sample.worker_private_kib = of(|one| one.private_kib);
    sample.total_pss_kib = kib(parent.pss_kib + workers.iter().map(|one| one.pss_kib).sum::<u64>());
}

fn idle(daemon: &Daemon, window: Duration) -> Idle {
    let pids = daemon.workers();
    let start = Instant::now();
    let before: Vec<Usage> = pids.iter().map(|&pid| process::usage(pid)).collect();
    let parent_before = process::usage(daemon.pid());
    let_pass(window);
    let parent = process::usage(daemon.pid());
    let after: Vec<Usage> = pids.iter().map(|&pid| process::usage(pid)).collect();
    let seconds = start.elapsed().as_secs_f64();
    let rate = |from: u64, to: u64| to.saturating_sub(from) as f64 / seconds;
    let of = |pick: fn(&Usage) -> u64| {
        let each = before.iter().zip(&after).map(|(from, to)| rate(pick(from), pick(to)));
        median(each.collect()).unwrap_or(0.0)
    };
    Idle {
        parent_cpu_ms: rate(parent_before.cpu_ns, parent.cpu_ns) / 1e6,
        parent_wakeups: rate(parent_before.sleeps, parent.sleeps),
        worker_cpu_ms: of(|one| one.cpu_ns) / 1e6,
        worker_wakeups: of(|one| one.sleeps),
    }
}

/// Kills some workers one after the other, each once, and times their successors.
///
/// A worker is killed only once per start: a supervisor may answer repeated deaths with a pause,
/// and that pause is not what is measured.
fn respawns(plan: &Plan, setup: &Setup, subject: &Subject, size: usize) -> Result<Vec<f64>> {
    let daemon = setup.scene.start_command(&mut setup.command(subject))?;
    let mut watch = Watch::new(&setup.scene);
    let up = wait_with_pause("every back end to be ready", limit(size), PAUSE, || {
        let seen = watch.look()?;
        ensure!(seen.ready() >= size, "{seen:?}");
        Ok(())
    });
    if let Err(reason) = up {
        eprintln!("  {}: kills with what is up: {reason:#}", subject.name);
    }
    let victims = daemon.workers();
    let mut times = Vec::new();
    for &victim in victims.iter().take(usize::try_from(plan.kills)?) {
        let before = watch.look()?;
        let kill = Instant::now();
        process::signal(victim, Signal::SIGKILL)?;
        let ready = wait_with_pause("the successor", limit(1), PAUSE, || {
            let seen = watch.look()?;
            ensure!(
                seen.beats > before.beats || seen.ready_lines > before.ready_lines,
                "{before:?} then {seen:?}"
            );
            Ok(())
        });
        match ready {
            Ok(()) => times.push(ms(kill)),
            Err(reason) => eprintln!("  {}: no successor: {reason:#}", subject.name),
        }
    }
    daemon.signal(Signal::SIGTERM)?;
    daemon.wait_exit(limit(size))?;
    Ok(times)
}
