//! Three services, one worker process each, that echo lines over TCP with their process id.
//!
//! `cargo run -p oslo-launcher --example echo_workers`, then `nc 127.0.0.1 PORT`. Kill a worker
//! and see it replaced; TERM, INT and HUP the parent.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oslo_launcher::{
    Launcher, LauncherOptions, NoHooks, ProcessLauncher, Service, StartError, WorkerHandle,
};

struct Echo {
    name: String,
    /// Bound in the parent: a plain number survives a fork, and so does a listening socket.
    listener: TcpListener,
    stopping: AtomicBool,
}

impl Echo {
    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut answer = stream.try_clone()?;
        for line in BufReader::new(stream).lines() {
            writeln!(answer, "{} ({}): {}", self.name, std::process::id(), line?)?;
        }
        Ok(())
    }
}

impl Service for Echo {
    fn name(&self) -> &str {
        &self.name
    }

    fn start(&self, worker: &WorkerHandle) -> Result<(), StartError> {
        worker.up();
        Ok(())
    }

    fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        // Wakes the accept below.
        let _ = self.listener.local_addr().and_then(TcpStream::connect);
    }

    fn wait(&self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.stopping.load(Ordering::Acquire) {
                return;
            }
            if let Err(error) = self.serve(stream) {
                println!("{}: a client went away: {error}", self.name);
            }
        }
    }

    fn reset(&self) {}
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init();
    let options = LauncherOptions { capacity: 3, noun: "echo services", ..Default::default() };
    let mut launcher = ProcessLauncher::new(options, Box::new(NoHooks))?;
    for name in ["alpha", "beta", "gamma"] {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        println!("{name} echoes on {}", listener.local_addr()?);
        let stopping = AtomicBool::new(false);
        launcher.launch_service(Arc::new(Echo { name: name.into(), listener, stopping }), 1)?;
    }
    println!("parent is {}", std::process::id());
    let status = launcher.wait()?;
    println!("all workers have ended; status {status}");
    Ok(())
}
