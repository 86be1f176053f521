//! A pre-fork supervisor: one worker process per service, kept alive and stopped cleanly.
//!
//! It follows oslo.service's contract (`spec/launcher.md`): fork throttle, respawn, signals,
//! graceful stop; without its polling, its races and its orphans. It knows nothing of Cinder or
//! of configuration; everything comes in through [`LauncherOptions`], [`Service`] and [`Hooks`].
//!
//! ```no_run
//! use std::sync::Arc;
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
//!         while !worker.wait_for_stop(std::time::Duration::from_secs(3600)) {}
//!         Ok(())
//!     }
//!     fn stop(&self) {}
//!     fn wait(&self) {}
//!     fn reset(&self) {}
//! }
//!
//! let options = LauncherOptions { capacity: 2, noun: "services", ..Default::default() };
//! let mut launcher = ProcessLauncher::new(options, Box::new(NoHooks))?;
//! launcher.launch_service(Arc::new(Echo), 2)?;
//! let status = launcher.wait()?;
//! # Ok::<(), LaunchError>(())
//! ```
//!
//! * Forked workers on Unix: [`ProcessLauncher`].
//! * One subprocess per service, for platforms without fork: [`SubprocessLauncher`].
//! * The one service in this very process: [`InProcessLauncher`].
//!
//! Linux is what this is tested on: signals are read from a `signalfd(2)`.

mod bridge;
mod error;
mod handle;
mod in_process;
mod launcher;
mod ledger;
mod life;
mod line;
mod manager;
mod notify;
mod patience;
#[cfg(unix)]
mod process;
mod report;
mod roster;
pub mod scoreboard;
mod service;
pub mod state;
mod stop_flag;
mod subprocess;
mod sys;
mod throttle;
mod vocabulary;
mod watchdog;
#[cfg(unix)]
mod worker;
#[cfg(not(unix))]
#[path = "worker_portable.rs"]
mod worker;

pub use error::{LaunchError, StartError};
pub use handle::{LauncherHandle, StopHandle};
pub use in_process::{InProcessLauncher, Supervision};
pub use launcher::{Launcher, LauncherOptions};
pub use ledger::ServiceReport;
pub use line::{Ended, Line};
pub use notify::Notifier;
#[cfg(unix)]
pub use process::ProcessLauncher;
pub use scoreboard::{Scoreboard, WorkerState, WorkerStatus};
pub use service::{Hooks, NoHooks, ReloadRefused, Service, WorkerHandle};
pub use state::{Limits, RestartMethod};
pub use subprocess::SubprocessLauncher;
