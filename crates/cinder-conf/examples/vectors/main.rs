//! Runs a file of configuration cases against the library and prints one line per case that differs:
//! `cargo run -p cinder-conf --example vectors -- FILE.json`.

mod declare;
mod runner;

use std::process::ExitCode;

#[expect(clippy::disallowed_methods, reason = "an example is a program of its own")]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "an example is a program of its own")]
fn main() -> ExitCode {
    let Some(file) = std::env::args().nth(1) else {
        eprintln!("usage: vectors FILE.json");
        return ExitCode::from(2);
    };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{file}: {error}");
            return ExitCode::from(2);
        }
    };
    let outcome = match runner::run(&text) {
        Ok(outcome) => outcome,
        Err(error) => {
            eprintln!("{file}: {error}");
            return ExitCode::from(2);
        }
    };
    for failure in &outcome.failures {
        println!("{failure}");
    }
    println!("{} passed, {} failed", outcome.passed, outcome.failures.len());
    if outcome.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
