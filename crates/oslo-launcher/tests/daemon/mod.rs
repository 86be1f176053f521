//! Starting the example `fault_workers` and looking at it, for this crate's process tests.
//!
//! Its output goes to a file, because a pipe held open by a child would make this harness look
//! hung.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

pub const LIMIT: Duration = Duration::from_secs(45);

/// The running program.
pub struct Daemon {
    pub process: Child,
    output: PathBuf,
    _dir: tempfile::TempDir,
}

impl Daemon {
    pub fn start(words: &[&str]) -> Self {
        Self::start_example("fault_workers", words)
    }

    pub fn start_example(name: &str, words: &[&str]) -> Self {
        Self::start_with_stdin(name, words, Stdio::null())
    }

    pub fn start_with_stdin(name: &str, words: &[&str], stdin: Stdio) -> Self {
        Self::spawn(Command::new(Self::example(name)).args(words).stdin(stdin))
    }

    /// Any program, which becomes an example.
    pub fn start_program(program: &str, words: &[&str]) -> Self {
        Self::spawn(Command::new(program).args(words).stdin(Stdio::null()))
    }

    pub fn example(name: &str) -> PathBuf {
        // target/debug/deps/processes-… → target/debug/examples/fault_workers
        let test = std::env::current_exe().unwrap();
        test.ancestors().nth(2).unwrap().join("examples").join(name)
    }

    fn spawn(command: &mut Command) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let output = dir.path().join("output");
        let file = File::create(&output).unwrap();
        let process = command.stderr(file.try_clone().unwrap()).stdout(file).spawn().unwrap();
        Self { process, output, _dir: dir }
    }

    pub fn pid(&self) -> i32 {
        self.process.id() as i32
    }

    pub fn children(&self) -> Vec<i32> {
        let pid = self.pid();
        let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        list.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    }

    pub fn output(&self) -> String {
        fs::read_to_string(&self.output).unwrap()
    }

    /// Waits until the output satisfies `probe`, and returns what it found.
    pub fn wait<T>(&self, what: &str, probe: impl Fn(&str) -> Option<T>) -> T {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(found) = probe(&self.output()) {
                return found;
            }
            assert!(Instant::now() < end, "not seen: {what}; output:\n{}", self.output());
            std::thread::yield_now();
        }
    }

    pub fn wait_for(&self, text: &str, times: usize) {
        self.wait(text, |output| (output.matches(text).count() >= times).then_some(()));
    }

    /// The process id of the `nth` life of this service.
    pub fn worker(&self, name: &str, nth: usize) -> i32 {
        let start = format!("{name} starts as ");
        self.wait(&start, |output| {
            let line = output.lines().filter_map(|line| line.strip_prefix(&start)).nth(nth)?;
            line.trim().parse().ok()
        })
    }

    /// Waits until the scoreboard says that this service is up.
    pub fn wait_until_up(&self, name: &str) {
        self.wait("the state on the scoreboard", |output| {
            self.signal(Signal::SIGUSR2);
            output.contains(&format!("report: {name} is up")).then_some(())
        });
    }

    /// Waits until a report says in one go that so many workers of this service are up.
    pub fn wait_until_up_times(&self, name: &str, count: usize) {
        let all = format!("report: {name} is up \n").repeat(count);
        self.wait("all up on the scoreboard", |output| {
            self.signal(Signal::SIGUSR2);
            output.contains(&all).then_some(())
        });
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid()), signal).unwrap();
    }

    /// The parent does not wake up for a second. Workers of the example poll every 5 ms; a parent
    /// that polled as well would be seen at once.
    pub fn assert_sleeps(&self) {
        let switches = || {
            let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
            let line = status.lines().find(|line| line.starts_with("voluntary_ctxt")).unwrap();
            line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
        };
        let end = Instant::now() + LIMIT;
        loop {
            let before = switches();
            std::thread::sleep(Duration::from_secs(1)); // the very thing measured is time
            if switches() == before {
                return;
            }
            assert!(Instant::now() < end, "the parent keeps waking up");
        }
    }

    pub fn has_exited(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    pub fn exit_status(&mut self) -> Option<i32> {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < end, "still runs; output:\n{}", self.output());
            std::thread::yield_now();
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Workers see the end of their pipe. An error means that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn runs(pid: i32) -> bool {
    // A zombie is not running: it waits for an init that may be slow.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

pub fn is_zombie(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'))
}

pub fn is_stopped(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
}

pub fn wait_gone(pid: i32) {
    let end = Instant::now() + LIMIT;
    while runs(pid) {
        assert!(Instant::now() < end, "process {pid} still runs");
        std::thread::yield_now();
    }
}

pub fn kill_worker(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

/// Both launchers must pass the same scenario.
pub fn with_both(words: &[&str], scenario: impl Fn(Daemon)) {
    scenario(Daemon::start(words));
    let spawn: Vec<&str> = std::iter::once("--spawn").chain(words.iter().copied()).collect();
    scenario(Daemon::start(&spawn));
}
