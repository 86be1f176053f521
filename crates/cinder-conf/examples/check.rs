//! Checks a `cinder.conf` and prints every problem: `cargo run --example check -- FILE`.

use std::process::ExitCode;

use cinder_conf::{Item, Request, cinder};

#[expect(clippy::disallowed_methods, reason = "an example is a program of its own")]
#[expect(clippy::print_stdout, reason = "an example is a program of its own")]
fn main() -> ExitCode {
    let mut request = Request::new("cinder", "cinder-volume", ".");
    request.items = std::env::args().skip(1).map(Item::File).collect();
    request.host_name = "this-host".to_owned();
    match cinder::load(request) {
        Ok(conf) => {
            println!("{}", conf.problems());
            for name in conf.backend_names() {
                match conf.backend(&name) {
                    Ok(backend) => println!("{}: {}", backend.host, backend.options.volume_driver),
                    Err(problems) => println!("{name} does not start:\n{problems}"),
                }
            }
            ExitCode::SUCCESS
        }
        Err(problems) => {
            println!("{problems}");
            ExitCode::FAILURE
        }
    }
}
