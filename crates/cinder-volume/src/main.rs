//! Entry point: first steps, then arguments and environment in, exit status out. Does nothing else.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let first = oslo_launcher::FirstSteps::take();
    cinder_volume::run(first, &cinder_volume::Surroundings::of_this_process())
}
