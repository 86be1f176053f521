//! `[supervisor]`, and what the service manager wants, as `oslo-launcher` wants it.

use cinder_conf::cinder::Conf;
use oslo_launcher::{LauncherOptions, Limits, Notifier};
use tracing::debug;

use super::seconds;
use crate::bus::board;
use crate::metrics;
use crate::surroundings::Surroundings;
use crate::worker::{Candidate, EVIDENCE_WORDS};

/// The launcher's options for so many workers.
pub(super) fn options(
    conf: &Conf,
    capacity: usize,
    candidates: &[Candidate],
    surroundings: &Surroundings,
) -> LauncherOptions {
    let watchdog = seconds(conf.supervisor.worker_watchdog);
    LauncherOptions {
        limits: limits(conf),
        capacity,
        program_words: metrics::WORDS + board::WORDS + EVIDENCE_WORDS,
        operations: operations(candidates),
        notifier: notifier(surroundings),
        worker_watchdog: Some(watchdog).filter(|limit| !limit.is_zero()),
        noun: "back ends",
        ..LauncherOptions::default()
    }
}

/// How many running operations are shown of each back end: as many as the largest pool has threads,
/// and some that are not in it.
fn operations(candidates: &[Candidate]) -> usize {
    const BESIDES: usize = 16;
    let plans = candidates.iter().filter_map(|candidate| candidate.plan.as_ref().ok());
    plans.map(|plan| plan.operation_threads).max().unwrap_or(0) + BESIDES
}

fn limits(conf: &Conf) -> Limits {
    let supervisor = &conf.supervisor;
    let graceful = seconds(conf.service.graceful_shutdown_timeout);
    Limits {
        graceful_shutdown: Some(graceful).filter(|time| !time.is_zero()),
        respawn_backoff_max: seconds(supervisor.respawn_backoff_max),
        stable_after: seconds(supervisor.stable_after),
    }
}

fn notifier(surroundings: &Surroundings) -> Notifier {
    let Some(path) = surroundings.variable("NOTIFY_SOCKET") else { return Notifier::default() };
    Notifier::connect(path, surroundings.watchdog()).unwrap_or_else(|cause| {
        debug!(target: "oslo_service.systemd", "Systemd notification failed: {cause}");
        Notifier::default()
    })
}
