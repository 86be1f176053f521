//! The supervisor's log lines. Operators grep for them, so most are upstream's, to the letter.
//!
//! Must not: decide anything. Texts and levels: `spec/launcher.md` §2-6; ours are marked.

use std::error::Error as _;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::ended::Ended;
use crate::error::LaunchError;
use crate::ledger::Account;

/// Logger name of upstream's classic supervisor, `spec/launcher.md`'s head.
macro_rules! target {
    () => {
        "oslo_service.backend._eventlet.service"
    };
}

/// A line that follows from a decision of the state machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// The throttle delays a fork.
    ForkingTooFast,
    /// Ours: a worker that keeps dying waits longer.
    BackingOff {
        /// Name of the service.
        name: String,
        /// Early deaths in a row.
        deaths: u32,
        /// Pause before the next start.
        delay: Duration,
    },
    /// Ours: a worker gave no sign of life for too long.
    Stalled {
        /// Name of the service.
        name: String,
    },
    /// Ours: SIGUSR1.
    Rolling {
        /// How many workers there are.
        count: usize,
    },
    /// A graceful stop begins.
    Stopping {
        /// Name of the signal, such as `SIGTERM`.
        signal: &'static str,
    },
    /// The workers are told to end.
    KillingChildren,
    /// The workers have been told.
    WaitingOnChildren {
        /// How many still run.
        count: usize,
    },
    /// SIGINT.
    Interrupted,
    /// The time for a graceful stop is over.
    GracefulTimeout,
}

impl Line {
    pub(crate) fn write(&self) {
        match self {
            Self::ForkingTooFast => info!(target: target!(), "Forking too fast, sleeping"),
            Self::BackingOff { name, deaths, delay } => warn!(
                target: target!(),
                "Worker {name} ended early {deaths} times in a row; next start in {:.1} s",
                delay.as_secs_f64()
            ),
            Self::Stalled { name } => warn!(
                target: target!(),
                "Worker {name} gives no sign of life; replacing it"
            ),
            Self::Rolling { count } => info!(
                target: target!(),
                "Caught SIGUSR1, replacing {count} workers one after the other"
            ),
            Self::Stopping { signal } => {
                info!(target: target!(), "Caught {signal}, stopping children");
                debug!(target: target!(), "Stop services.");
            }
            Self::KillingChildren => debug!(target: target!(), "Killing children."),
            Self::WaitingOnChildren { count } => {
                info!(target: target!(), "Waiting on {count} children to exit");
            }
            Self::Interrupted => {
                info!(target: target!(), "Caught SIGINT signal, instantaneous exiting");
            }
            Self::GracefulTimeout => {
                info!(target: target!(), "Graceful shutdown timeout exceeded, instantaneous exiting");
            }
        }
    }
}

/// A worker has ended.
pub(crate) fn ended(pid: i32, end: Ended) {
    info!(target: target!(), "Child {pid} {end}");
}

pub(crate) fn starting_workers(count: usize) {
    info!(target: target!(), "Starting {count} workers");
}

/// Upstream's line on platforms without fork, `spec/launcher.md` §11.
pub(crate) fn starting_subprocess(command: &std::process::Command) {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    info!(target: target!(), "Starting subprocess: {}", words.join(" "));
}

pub(crate) fn started_child(pid: i32) {
    debug!(target: target!(), "Started child {pid}");
}

/// Ours: what became of a service, when the supervisor ends.
pub(crate) fn account(account: &Account) {
    if account.killed > 0 {
        warn!(target: target!(), "{account}");
    } else if account.is_unusual() {
        info!(target: target!(), "{account}");
    } else {
        debug!(target: target!(), "{account}");
    }
}

/// As PID 1 of a container every orphan ends up here, so it is nothing to warn about.
pub(crate) fn reaped_orphan(pid: i32) {
    debug!(target: target!(), "Reaped process {pid}, which was not ours");
}

pub(crate) fn not_started(name: &str, error: &LaunchError) {
    // Our own error would name the worker once more; what is new is in its cause.
    let cause: &(dyn std::error::Error + 'static) = error.source().unwrap_or(error);
    error!(target: target!(), error = cause, "Cannot start a process for worker {name}{}", error.limit());
}

/// Ours: a killed process that does not end hangs in the kernel.
pub(crate) fn left_behind(pid: i32) {
    warn!(target: target!(), "Process {pid} was killed and does not end; it is left behind");
}

pub(crate) fn not_signalled(pid: i32, error: &(dyn std::error::Error + 'static)) {
    error!(target: target!(), error, "Cannot send a signal to child {pid}");
}

/// Ours: upstream prints its stopping line here although nothing stops.
pub(crate) fn reloading() {
    info!(target: target!(), "Caught SIGHUP, reloading configuration");
}

/// Ours: upstream's supervisor reads files itself, and hangs or dies with them.
pub(crate) fn not_read_again(why: &str) {
    error!(
        target: target!(),
        "The configuration cannot be read again: {why}; the old one stays in force"
    );
}

/// Ours: a worker that has been told to follow its parent finds nothing that makes sense.
pub(crate) fn nothing_to_follow() {
    error!(
        target: target!(),
        "What the parent has read does not make sense; this worker goes on as it was"
    );
}

pub(crate) fn child_reloading() {
    info!(target: target!(), "Child caught SIGHUP, handling");
}

pub(crate) fn child_interrupted() {
    info!(target: target!(), "Caught SIGINT signal, instantaneous exiting");
}

pub(crate) fn parent_died() {
    info!(target: target!(), "Parent process has died unexpectedly, exiting");
}

/// A worker outlived its parent and its own time for a graceful stop.
pub(crate) fn child_timeout() {
    info!(target: target!(), "Graceful shutdown timeout exceeded, instantaneous exiting");
}

pub(crate) fn start_failed(error: &(dyn std::error::Error + 'static)) {
    error!(target: target!(), error, "Error starting thread.");
}

/// The panic itself was reported where it happened; this names the consequence.
pub(crate) fn unhandled(name: &str) {
    error!(target: target!(), "Unhandled exception: the service of worker {name} panicked");
}

/// Ours: a bug in what the supervisor calls is no reason to lose all workers.
pub(crate) fn panicked(what: &str) {
    error!(target: target!(), "Unhandled exception: {what} panicked; the supervisor goes on");
}

pub(crate) fn notify_failed(error: &std::io::Error) {
    debug!(target: target!(), error = error as &(dyn std::error::Error + 'static), "Systemd notification failed");
}
