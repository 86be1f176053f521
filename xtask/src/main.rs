//! `cargo xtask`: end-to-end scenarios, benchmarks, house rules and CI. Only the entry point.
//!
//! Must not depend on any crate of this workspace: everything here looks at the
//! finished programs and the text of the repository from outside.

#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command-line tool prints, and reads its own arguments and environment"
)]

mod bench;
mod budget;
mod cargo;
mod ci;
mod cli;
mod database;
mod e2e;
mod guard;
mod mutants;
mod process;
mod proxy;
mod scheduled;
mod second;
mod servers;
mod soak;
mod suite;
mod tally;
mod tidy;
mod wait;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("xtask: {failure:#}");
            ExitCode::FAILURE
        }
    }
}
