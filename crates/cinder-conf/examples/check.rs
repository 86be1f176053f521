//! Checks `cinder.conf` files and prints every problem: `cargo run --example check -- FILE…`.

use std::{process::ExitCode, time::Instant};

use cinder_conf::{Item, Request, cinder};

#[expect(clippy::disallowed_methods, reason = "an example is a program of its own")]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "an example is a program of its own")]
fn main() -> ExitCode {
    let mut request = Request::new("cinder", "cinder-volume", "/");
    if let Ok(here) = std::env::current_dir() {
        request.cwd = here;
    }
    request.items = std::env::args().skip(1).map(Item::File).collect();
    request.host_name = "this-host".to_owned();
    let start = Instant::now();
    let report = cinder::check(request);
    eprintln!("checked in {:?}", start.elapsed());
    println!("{report}");
    if report.passes(false) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
