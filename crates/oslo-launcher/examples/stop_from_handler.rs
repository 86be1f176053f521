//! Stops the launcher from a real signal handler, here of SIGWINCH.
//!
//! `cargo run -p oslo-launcher --example stop_from_handler`, then `kill -WINCH PID`. The launcher
//! reads its own signals from a descriptor and needs no handler; a program may have one for
//! reasons of its own, and `StopHandle::stop` may be called there.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use oslo_launcher::{
    Launcher, LauncherOptions, NoHooks, ProcessLauncher, Service, StartError, StopHandle,
    WorkerHandle,
};

static STOP: OnceLock<StopHandle> = OnceLock::new();

extern "C" fn on_winch(_: nix::libc::c_int) {
    // `get` is one atomic load.
    if let Some(stop) = STOP.get() {
        stop.stop();
    }
}

struct Idle;

impl Service for Idle {
    fn name(&self) -> &str {
        "idle"
    }

    fn start(&self, worker: &WorkerHandle) -> Result<(), StartError> {
        println!("idle starts as {}", std::process::id());
        worker.up();
        while !worker.wait_for_stop(Duration::from_secs(3600)) {}
        println!("idle has drained");
        Ok(())
    }

    fn stop(&self) {}
    fn wait(&self) {}
    fn reset(&self) {}
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_ansi(false).init();
    let options = LauncherOptions { capacity: 1, noun: "services", ..Default::default() };
    let mut launcher = ProcessLauncher::new(options, Box::new(NoHooks))?;
    STOP.set(launcher.stop_handle()).map_err(|_| "set twice")?;
    let action = SigAction::new(SigHandler::Handler(on_winch), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler calls nothing but an atomic load and `stop`, which is async-signal-safe
    // and leaves errno as it was.
    unsafe { sigaction(Signal::SIGWINCH, &action)? };
    launcher.launch_service(Arc::new(Idle), 1)?;
    let status = launcher.wait()?;
    println!("stopped with status {status}");
    Ok(ExitCode::from(u8::try_from(status)?))
}
