//! Entry point: arguments and environment in, exit status out. Does nothing else.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    cinder_volume::run(&cinder_volume::Surroundings::of_this_process())
}
