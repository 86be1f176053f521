//! What can happen to a supervisor and what it can do: the words of [`state`](crate::state).
//!
//! Both lists are closed, so everything that a launcher may ever meet or do can be read here.

use std::time::Duration;

use crate::ended::Ended;
use crate::line::Line;

/// Number of a worker: its place in launch order, and its slot on the scoreboard.
pub type WorkerId = usize;

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Time has passed. Answered for one worker at most; see
    /// [`next_deadline`](crate::state::Supervisor::next_deadline) for more.
    Tick,
    /// Everything that belongs to the start has been launched: READY may be told from now on.
    Launched,
    /// The process asked for by [`Action::Fork`] could not be made.
    ForkFailed(WorkerId),
    /// A worker tells that its service serves.
    Ready(WorkerId),
    /// A worker tells that it runs, but that its service cannot serve.
    Down(WorkerId),
    /// A worker's process has ended, whatever its status.
    Exited(WorkerId),
    /// A worker's process runs but has given no sign of life for too long.
    Stalled(WorkerId),
    /// A graceful stop is asked for, by the named signal.
    Stop(&'static str),
    /// SIGHUP in a daemon: read the configuration again.
    Hangup,
    /// SIGUSR1: replace all workers, one after the other.
    Roll,
    /// The new configuration is in force.
    Reloaded,
    /// The new configuration was refused.
    ReloadRefused,
    /// SIGINT: end at once.
    Interrupt,
    /// SIGALRM: end at once, as if the time for a graceful stop were over.
    Alarm,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Start a process for this worker.
    Fork(WorkerId),
    /// Send SIGTERM to this worker.
    Terminate(WorkerId),
    /// Send SIGKILL to this worker.
    Kill(WorkerId),
    /// Send SIGHUP to this worker.
    Hangup(WorkerId),
    /// Read the configuration again; answer with [`Event::Reloaded`] or
    /// [`Event::ReloadRefused`].
    Reload,
    /// Write a log line.
    Log(Line),
    /// Tell the service manager.
    Notify(Notice),
    /// End the supervisor with this exit status; no action follows.
    Exit(i32),
}

/// What the service manager (systemd) is told; `sd_notify(3)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Every worker has told that it is up, or down for a reason; or a reload is over.
    Ready,
    /// A reload begins.
    Reloading,
    /// A graceful stop begins.
    Stopping,
    /// The start or the stop takes longer; this much more time is asked for.
    Extend(Duration),
}

/// Why a worker is replaced. The numbers are places on the scoreboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It ended by itself, with any status.
    Exit = 0,
    /// A signal ended it.
    Signal = 1,
    /// It gave no sign of life: its end counts as an early death.
    Watchdog = 2,
    /// Somebody asked for a new one: its end says nothing against it.
    Asked = 3,
}

impl From<Ended> for Cause {
    fn from(end: Ended) -> Self {
        match end {
            Ended::Signalled(_) => Self::Signal,
            Ended::Exited(_) | Ended::Unknown => Self::Exit,
        }
    }
}

/// The supervisor's limits.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time for a graceful stop; `None` waits for ever (`graceful_shutdown_timeout = 0`).
    pub graceful_shutdown: Option<Duration>,
    /// Longest pause between two starts of a worker that keeps dying.
    pub respawn_backoff_max: Duration,
    /// A worker that lived this long did not die early.
    pub stable_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            graceful_shutdown: Some(Duration::from_secs(60)), // spec/launcher.md §1
            respawn_backoff_max: Duration::from_secs(30),
            stable_after: Duration::from_secs(60),
        }
    }
}
