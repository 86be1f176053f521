//! A real auxiliary worker: it sees, in another process, what a worker counts and does, and a stop
//! ends it last.
//!
//! Without the usual harness: a fork needs a process without other threads.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]
#![allow(clippy::print_stdout, reason = "what the harness would print")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::getppid;
use oslo_launcher::{
    Launcher, LauncherOptions, NoHooks, ProcessLauncher, Scoreboard, Service, StartError,
    WorkerHandle, WorkerState,
};

/// Only a failure waits for it.
const LIMIT: Duration = Duration::from_secs(30);

/// Counts to 42 and carries something out until it is stopped.
struct Busy;

impl Service for Busy {
    fn name(&self) -> &str {
        "busy"
    }

    fn start(&self, worker: &WorkerHandle) -> Result<(), StartError> {
        for _ in 0..42 {
            worker.own_words()[1].fetch_add(1, Ordering::Relaxed);
        }
        let _shown = worker.begin_operation("create_volume", "6f1cbb2e");
        worker.up();
        worker.wait_for_stop(LIMIT);
        Ok(())
    }

    fn stop(&self) {}
    fn wait(&self) {}
    fn reset(&self) {}
}

/// Writes down what it sees of the other, and ends everything.
struct Onlooker(PathBuf);

impl Service for Onlooker {
    fn name(&self) -> &str {
        "onlooker"
    }

    fn auxiliary(&self) -> bool {
        true
    }

    fn start(&self, worker: &WorkerHandle) -> Result<(), StartError> {
        let start = Instant::now();
        let seen = loop {
            match seen(worker.scoreboard()) {
                Some(seen) => break seen,
                None if start.elapsed() > LIMIT => break "nothing".to_owned(),
                None => std::thread::yield_now(),
            }
        };
        std::fs::write(&self.0, seen).unwrap();
        kill(getppid(), Signal::SIGTERM).unwrap();
        worker.wait_for_stop(LIMIT);
        // The stop has come, so the other must be gone.
        let gone = worker.scoreboard().snapshot()[0].state == WorkerState::Gone;
        std::fs::write(self.0.with_extension("last"), gone.to_string()).unwrap();
        Ok(())
    }

    fn stop(&self) {}
    fn wait(&self) {}
    fn reset(&self) {}
}

fn seen(scoreboard: &Scoreboard) -> Option<String> {
    let all = scoreboard.snapshot();
    let busy = all.first().filter(|worker| worker.state == WorkerState::Up)?;
    let operation = busy.operations.first()?;
    let count = scoreboard.own_words(0)[1].load(Ordering::Relaxed);
    Some(format!("{} {} {count} {}", operation.kind, operation.id, all[1].auxiliary))
}

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("seen");
    let options = LauncherOptions { capacity: 2, own_words: 2, ..Default::default() };
    let mut launcher = ProcessLauncher::new(options, Box::new(NoHooks)).unwrap();
    launcher.launch_service(Arc::new(Busy), 1).unwrap();
    launcher.launch_service(Arc::new(Onlooker(file.clone())), 1).unwrap();
    assert_eq!(launcher.wait().unwrap(), 0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "create_volume 6f1cbb2e 42 true");
    assert_eq!(std::fs::read_to_string(file.with_extension("last")).unwrap(), "true");
    for worker in launcher.scoreboard().snapshot() {
        assert_eq!((worker.generation, worker.reason.as_str()), (1, "exited with status 0"));
    }
    println!("an auxiliary worker sees what others do and ends after them: ok");
}
