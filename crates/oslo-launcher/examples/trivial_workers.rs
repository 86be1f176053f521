//! N workers that are ready at once and then do nothing: what the supervisor itself costs.
//!
//! `cargo run --release -p oslo-launcher --example trivial_workers 1000`. Says `READY=1` on
//! `NOTIFY_SOCKET` when all are ready; TERM ends it. `cargo xtask bench launcher` measures it.
//! With `one-thread` as second argument the services do without a thread of their own.

#![expect(clippy::disallowed_methods, reason = "a program reads its arguments and environment")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use oslo_launcher::{
    Launcher, LauncherOptions, NoHooks, Notifier, ProcessLauncher, Service, StartError,
    WorkerHandle,
};

struct Trivial {
    name: String,
    threaded: bool,
}

impl Service for Trivial {
    fn name(&self) -> &str {
        &self.name
    }

    fn needs_thread(&self) -> bool {
        self.threaded
    }

    fn start(&self, worker: &WorkerHandle) -> Result<(), StartError> {
        worker.up();
        while self.threaded && !worker.wait_for_stop(Duration::from_secs(86_400)) {}
        Ok(())
    }

    fn stop(&self) {}
    fn wait(&self) {}
    fn reset(&self) {}
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let workers: usize = std::env::args().nth(1).ok_or("how many workers?")?.parse()?;
    let threaded = std::env::args().nth(2).is_none_or(|word| word != "one-thread");
    let notifier = match std::env::var("NOTIFY_SOCKET") {
        Ok(path) => Notifier::connect(&path, None)?,
        Err(_) => Notifier::default(),
    };
    let options =
        LauncherOptions { capacity: workers, notifier, noun: "workers", ..Default::default() };
    let mut launcher = ProcessLauncher::new(options, Box::new(NoHooks))?;
    let service = |number| Trivial { name: format!("worker{number:04}"), threaded };
    let services: Vec<(Arc<dyn Service>, usize)> =
        (0..workers).map(|number| (Arc::new(service(number)) as _, 1)).collect();
    launcher.launch_services(&services)?;
    let status = launcher.wait()?;
    Ok(ExitCode::from(u8::try_from(status)?))
}
