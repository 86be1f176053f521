//! The volume daemon as a library, so that `main.rs` and tests are thin.
//!
//! It wires the other crates together and has no behaviour of its own:
//!
//! ```text
//! surroundings → cli → configure → logging → wire → startup (register, launch, supervise)
//! ```
//!
//! ```no_run
//! let status = cinder_volume::run(&cinder_volume::Surroundings::of_this_process());
//! ```

#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod asker;
mod cli;
mod commands;
mod configure;
mod daemon;
mod exit;
mod guru;
mod health;
mod hooks;
mod logging;
mod progress;
mod rootwrap;
#[cfg(target_os = "linux")]
mod running;
mod startup;
mod surroundings;
mod tally;
mod watched;
mod wire;
mod worker;

use std::process::ExitCode;

pub use surroundings::Surroundings;

/// Does what the command line says; returns the exit status of the process.
pub fn run(surroundings: &Surroundings) -> ExitCode {
    let ended = cli::parse(surroundings).and_then(|line| match line.task {
        cli::Task::Run { .. } => daemon::run(surroundings, &line),
        _ => commands::run(surroundings, &line),
    });
    let status = ended.unwrap_or_else(|failure| failure.report(&surroundings.name));
    logging::finish();
    exit::code(status)
}
