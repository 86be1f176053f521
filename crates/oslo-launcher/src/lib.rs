//! A pre-fork supervisor: worker processes per service, kept alive and stopped cleanly.
//!
//! It follows oslo.service's contract (`spec/launcher.md`): fork throttle, respawn, signals,
//! graceful stop; without its polling, its races and its orphans. It knows nothing of Cinder or
//! of configuration; everything comes in through [`LauncherOptions`], [`Service`] and [`Hooks`].
//!
//! ```no_run
//! use std::sync::Arc;
//! use std::time::Duration;
//! use oslo_launcher::*;
//!
//! struct Echo;
//!
//! impl Service for Echo {
//!     fn name(&self) -> &str {
//!         "echo"
//!     }
//!     fn start(&self, worker: &WorkerHandle) -> Result<(), StartError> {
//!         // Open sockets, start threads; then serve until told to stop.
//!         worker.up();
//!         while !worker.wait_for_stop(Duration::from_secs(3600)) {}
//!         Ok(())
//!     }
//!     fn stop(&self) {}
//!     fn wait(&self) {}
//!     fn reset(&self) {}
//! }
//!
//! // Before anything starts a thread or opens what a worker must not have.
//! let options = LauncherOptions { capacity: 4, noun: "services", ..Default::default() };
//! let mut launcher = ProcessLauncher::new(options, Box::new(NoHooks))?;
//! launcher.launch_service(Arc::new(Echo), 3)?; // three workers, replaced one by one
//! let stop = launcher.stop_handle(); // for hooks and signal handlers
//! let status = launcher.wait()?; // until TERM, INT or stop.stop()
//! # let _ = (stop, status);
//! # Ok::<(), LaunchError>(())
//! ```
//!
//! * Forked workers: [`ProcessLauncher`].
//! * One subprocess per worker, for whoever must not fork: [`SubprocessLauncher`].
//! * The one service in this very process: [`InProcessLauncher`].
//! * What all of them decide, without any process: [`state::Supervisor`].
//!
//! TERM stops gracefully, INT at once, HUP reloads, USR1 replaces all workers one after the
//! other, USR2 reports. For Linux on x86-64 and aarch64: signals are read from a `signalfd(2)`.

mod aside;
mod bridge;
mod ended;
mod error;
mod extension;
mod forked;
mod guard;
mod handle;
mod in_process;
mod later;
mod launcher;
mod ledger;
mod life;
mod line;
mod lone;
mod manager;
mod notify;
mod reporting;
mod rereading;
mod roster;
pub mod scoreboard;
mod service;
mod spawned;
pub mod state;
mod state_line;
mod stop_flag;
mod supervising;
mod sys;
mod throttle;
mod vocabulary;
mod watchdog;
mod worker;

pub use aside::{Job, JobEnd, JobTeller, MESSAGE};
pub use ended::Ended;
pub use error::{LaunchError, StartError};
pub use forked::ProcessLauncher;
pub use handle::StopHandle;
pub use in_process::{InProcessLauncher, Supervision};
pub use launcher::{Launcher, LauncherOptions};
pub use line::Line;
pub use lone::LoneWorker;
pub use notify::Notifier;
pub use reporting::{ReportRequest, ReportWork, ask_report};
pub use rereading::{LARGEST_ANSWER, ReadWork};
pub use scoreboard::{
    ENDED, EndedOperation, Ending, MOST, NOTE_BYTES, NOTES, Operation, REASON_BYTES, Restarts,
    RunningOperation, Scoreboard, WorkerState, WorkerStatus,
};
pub use service::{Hooks, NoHooks, ReloadRefused, Service, WorkerHandle};
pub use spawned::SubprocessLauncher;
pub use state::Limits;
pub use sys::{FirstSteps, Inherited};
