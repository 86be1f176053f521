//! What can go wrong while launching, as values that a caller can tell apart.

use std::io;

/// Why a worker or the supervisor itself could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// A second thread was alive when a worker was about to be forked.
    ///
    /// Never the operator's fault: some step before the fork used a library that starts threads.
    #[error("cannot fork worker {worker}: {threads} threads are running instead of one")]
    MultiThreaded {
        /// Name of the service whose worker was to be forked.
        worker: String,
        /// Threads counted; 0 when the kernel would not say.
        threads: usize,
    },

    /// The kernel refused a new process, most often at a process or memory limit.
    #[error("cannot start a process for worker {worker}")]
    Spawn {
        /// Name of the service whose worker was to be started.
        worker: String,
        /// The kernel's reason.
        source: io::Error,
    },

    /// A pipe, signal descriptor or shared page that the supervisor needs was refused.
    #[error("cannot set up {what}")]
    Setup {
        /// The thing that was asked for.
        what: &'static str,
        /// The kernel's reason.
        source: io::Error,
    },

    /// More workers were launched than the scoreboard was made for.
    #[error("no scoreboard slot left for service {service}: made for {capacity} workers")]
    ScoreboardFull {
        /// Name of the service that found no slot.
        service: String,
        /// How many workers the launcher was made for.
        capacity: usize,
    },
}

impl LaunchError {
    pub(crate) fn setup(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Setup { what, source }
    }

    /// Which limits to look at, for the end of a line about a process that could not be made.
    pub(crate) fn limit(&self) -> &'static str {
        match self {
            // fork(2), EAGAIN: the kernel has no other word for all of them.
            Self::Spawn { source, .. } if source.kind() == io::ErrorKind::WouldBlock => {
                " (is RLIMIT_NPROC or the control group's pids.max reached?)"
            }
            _ => "",
        }
    }
}

/// Why a service did not start; decides the worker's exit status (`spec/launcher.md` §4).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The start failed: the worker logs the cause and exits 1, the supervisor tries again.
    #[error("service did not start")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// The service wants its process to end with this status at once.
    #[error("service asked to exit with status {0}")]
    Exit(i32),

    /// A stop was asked for while the service was starting; not a failure.
    #[error("stopped while starting")]
    Stopped,
}

impl StartError {
    /// Wraps any error as a failed start.
    pub fn failed(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Failed(cause.into())
    }
}
