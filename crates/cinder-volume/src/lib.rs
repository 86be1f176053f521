//! The volume daemon as a library, so that `main.rs` and tests are thin.
//!
//! It wires the other crates together. What it does itself is to say in which order things happen:
//! of a start (`startup`), of a worker's parts (`worker`), and of a back end's claim and row
//! (`claims`, `registering`); and it shows what is going on (`commands`, `report`, `health`,
//! `metrics`):
//!
//! ```text
//! first steps → surroundings → cli → configure → logging → wire
//!             → startup (claim, register, launch, supervise)
//! ```
//!
//! ```no_run
//! let first = oslo_launcher::FirstSteps::take();
//! let status = cinder_volume::run(first, &cinder_volume::Surroundings::of_this_process());
//! ```

#![forbid(unsafe_code)]
#![warn(unreachable_pub)]

mod bus;
mod claims;
mod cli;
mod commands;
mod configure;
mod daemon;
mod exit;
mod health;
mod hooks;
mod liveness;
mod logging;
mod metrics;
mod notifications;
mod progress;
mod registering;
mod reloading;
mod report;
mod rootwrap;
mod startup;
mod surroundings;
mod wire;
mod worker;

use std::process::ExitCode;

use oslo_launcher::FirstSteps;

pub use surroundings::Surroundings;

/// Does what the command line says; returns the exit status of the process.
///
/// What signals mean depends on the command line, so that is read first, and nothing else.
pub fn run(first: FirstSteps, surroundings: &Surroundings) -> ExitCode {
    let ended = match cli::parse(surroundings) {
        Ok(line) if matches!(line.task, cli::Task::Run { .. }) => {
            daemon::run(surroundings, &line, first.into_daemon())
        }
        parsed => {
            first.into_command();
            parsed.and_then(|line| commands::run(surroundings, &line))
        }
    };
    let status = ended.unwrap_or_else(|failure| failure.print(&surroundings.name));
    logging::finish();
    exit::code(status)
}
