//! Services that misbehave on demand, for this crate's process tests.
//!
//! Arguments are `NAME=BEHAVIOUR` (see `Fault`), options `--spawn`, `--drain-limit SECONDS`,
//! `--watchdog SECONDS`, `--stop-on-hup` (uses a stop handle in the HUP hook), `--thread` (has a
//! second thread), `--foreign` (has a child of its own), `--wait-hook COUNT` (every process wants so
//! many short waits); and `--one NAME=BEHAVIOUR` runs a single one in-process under a parent on
//! standard input.
//! Prints one line per thing that a test wants to see.

#![expect(clippy::print_stdout, reason = "the tests read what is printed")]
#![expect(clippy::disallowed_methods, reason = "a program reads its arguments")]

use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use oslo_launcher::{
    Hooks, InProcessLauncher, Launcher, LauncherOptions, Limits, ProcessLauncher, ReloadRefused,
    Scoreboard, Service, StartError, StopHandle, SubprocessLauncher, Supervision, WorkerHandle,
};

struct Fault {
    name: String,
    behaviour: String,
    /// `NAME=inline:BEHAVIOUR`: starts without a thread of its own.
    inline: bool,
    stopped: AtomicBool,
}

impl Fault {
    fn parse(word: &str) -> Self {
        let (name, behaviour) = word.split_once('=').unwrap_or((word, "up"));
        let (inline, behaviour) = match behaviour.strip_prefix("inline:") {
            Some(behaviour) => (true, behaviour),
            None => (false, behaviour),
        };
        let (name, behaviour) = (name.into(), behaviour.into());
        Self { name, behaviour, inline, stopped: AtomicBool::new(false) }
    }

    fn word(&self) -> String {
        let inline = if self.inline { "inline:" } else { "" };
        format!("{}={inline}{}", self.name, self.behaviour)
    }
}

impl Service for Fault {
    fn name(&self) -> &str {
        &self.name
    }

    fn needs_thread(&self) -> bool {
        !self.inline
    }

    fn start(&self, worker: &WorkerHandle) -> Result<(), StartError> {
        println!("{} starts as {}", self.name, std::process::id());
        match self.behaviour.as_str() {
            "fail" => return Err(StartError::failed("the array is on fire")),
            "exit7" => return Err(StartError::Exit(7)),
            "panic" => panic!("a bug"),
            "down" => worker.down("driver not initialised"),
            "blocked-start" => loop {
                std::thread::park(); // a driver that hangs in a call and hears nothing
            },
            "slow-start" => {
                while !worker.wait_for_stop(Duration::from_secs(60)) {}
                return Err(StartError::Stopped);
            }
            _ => {}
        }
        Ok(())
    }

    fn stop(&self) {
        println!("{} stops", self.name);
        self.stopped.store(true, Ordering::Release);
    }

    fn wait(&self) {
        while !self.stopped.load(Ordering::Acquire) || self.behaviour == "never-stops" {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        println!("{} has drained", self.name);
    }

    fn reset(&self) {
        println!("{} resets in {}", self.name, std::process::id());
    }
}

struct Print {
    /// How many more short waits this process wants.
    short_waits: u32,
}

static STOP: OnceLock<StopHandle> = OnceLock::new();

impl Hooks for Print {
    fn reload(&mut self) -> Result<(), ReloadRefused> {
        println!("reload in {}", std::process::id());
        if let Some(handle) = STOP.get() {
            handle.stop();
        }
        Ok(())
    }

    fn report(&mut self, scoreboard: &Scoreboard) {
        for worker in scoreboard.snapshot() {
            println!("report: {} is {} {}", worker.name, worker.state.as_str(), worker.reason);
        }
    }

    fn before_wait(&mut self) -> Option<Duration> {
        self.short_waits = self.short_waits.checked_sub(1)?;
        if self.short_waits == 0 {
            println!("no more short waits in {}", std::process::id());
            return None;
        }
        Some(Duration::from_millis(1))
    }
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let filter = tracing_subscriber::filter::LevelFilter::DEBUG;
    tracing_subscriber::fmt().with_max_level(filter).with_ansi(false).init();
    let mut limits = Limits::default();
    let mut faults = Vec::new();
    let (mut spawn, mut one, mut stop_on_hup) = (false, false, false);
    let mut worker_watchdog = None;
    let mut foreign = None;
    let mut short_waits = 0;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--spawn" => spawn = true,
            "--one" => one = true,
            "--stop-on-hup" => stop_on_hup = true,
            "--thread" => {
                std::thread::spawn(|| {
                    loop {
                        std::thread::park();
                    }
                });
            }
            "--foreign" => foreign = Some(Command::new("sh").args(["-c", "exit 5"]).spawn()?),
            "--wait-hook" => short_waits = words.next().ok_or("--wait-hook COUNT")?.parse()?,
            "--watchdog" => {
                let seconds: u64 = words.next().ok_or("--watchdog SECONDS")?.parse()?;
                worker_watchdog = Some(Duration::from_secs(seconds));
            }
            "--drain-limit" => {
                let seconds: u64 = words.next().ok_or("--drain-limit SECONDS")?.parse()?;
                limits.graceful_shutdown = Some(Duration::from_secs(seconds));
            }
            fault => faults.push(Arc::new(Fault::parse(fault))),
        }
    }
    let options = LauncherOptions {
        limits,
        worker_watchdog,
        capacity: faults.len(),
        noun: "services",
        ..Default::default()
    };
    let hooks = Box::new(Print { short_waits });
    let mut launcher: Box<dyn Launcher> = if one {
        Box::new(InProcessLauncher::new(&options, hooks, Supervision::Stdin)?)
    } else if spawn {
        let program = std::env::current_exe()?;
        let words: Vec<(String, String)> =
            faults.iter().map(|fault| (fault.name.clone(), fault.word())).collect();
        let command = move |name: &str| {
            let mut command = Command::new(&program);
            let word = words.iter().find(|(known, _)| known == name);
            let drain = limits.graceful_shutdown.map(|limit| limit.as_secs().to_string());
            command.args(drain.iter().flat_map(|limit| ["--drain-limit", limit]));
            let watchdog = worker_watchdog.map(|limit| limit.as_secs().to_string());
            command.args(watchdog.iter().flat_map(|limit| ["--watchdog", limit]));
            command.args(["--wait-hook", &short_waits.to_string()]);
            command.arg("--one").args(word.map(|(_, word)| word));
            command
        };
        Box::new(SubprocessLauncher::new(options, hooks, Box::new(command))?)
    } else {
        let launcher = ProcessLauncher::new(options, hooks)?;
        if stop_on_hup {
            STOP.set(launcher.stop_handle()).map_err(|_| "set twice")?;
        }
        Box::new(launcher)
    };
    for fault in faults {
        launcher.launch_service(fault, 1)?;
    }
    let status = launcher.wait()?;
    if let Some(mut child) = foreign {
        println!("the foreign child {}", child.wait()?);
    }
    Ok(ExitCode::from(status as u8))
}
