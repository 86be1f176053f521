//! Examples as processes that a test starts and ends.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use oslo_messaging::{Bus, CallError, Client};
use serde_json::{Value, json};

use super::{eventually, request, server_of};
#[cfg(feature = "rabbit")]
use crate::broker::Host;

/// A process that a test started; it does not outlive the test.
pub struct Process {
    pub child: Child,
    output: PathBuf,
}

impl Process {
    /// Starts an example and waits until it says that it is ready.
    pub fn start(name: &str, words: &[&str], output: &Path) -> Self {
        let mut process = Self::spawn(name, words, output);
        eventually(&format!("{name} is ready"), || {
            let ended = process.child.try_wait().expect("a child").is_some();
            assert!(!ended, "{name} ended: {}", process.said());
            process.said().ends_with("ready\n")
        });
        process
    }

    pub fn spawn(name: &str, words: &[&str], output: &Path) -> Self {
        // target/debug/deps/processes-… → target/debug/examples/NAME
        let test = std::env::current_exe().expect("a path");
        let program = test.ancestors().nth(2).expect("two above").join("examples").join(name);
        let out = File::create(output).expect("a file");
        let err = File::options().create(true).append(true).open(output.with_extension("err"));
        let child = Command::new(program)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(out)
            .stderr(err.expect("a file"))
            .spawn()
            .expect("a process");
        Self { child, output: output.to_owned() }
    }

    pub fn said(&self) -> String {
        fs::read_to_string(&self.output).expect("its output")
    }

    /// How often each of its threads with such a name has gone to sleep.
    pub fn sleeps(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it runs");
        let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
        let wanted = |path: &PathBuf| is_wanted(read(path.join("comm")).trim());
        let counted = |path: PathBuf| {
            let status = read(path.join("status"));
            let of_its_own = status.lines().find(|line| line.starts_with("voluntary"))?;
            Some(format!("{} {of_its_own}", read(path.join("comm")).trim()))
        };
        tasks.flatten().map(|task| task.path()).filter(wanted).filter_map(counted).collect()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a pid");
        nix::sys::signal::kill(Pid::from_raw(pid), signal).expect("it runs");
    }

    pub fn kill(mut self) {
        self.child.kill().expect("ours");
        self.child.wait().expect("ours");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The service of `examples/recorder.rs`, started again whenever it ends.
pub struct Recorder {
    pub directory: PathBuf,
    pub client: Client,
    pub process: Option<Process>,
    /// The broker, if it is on one.
    url: Option<String>,
}

impl Recorder {
    pub fn start(directory: &Path) -> Self {
        let client = Bus::local(&directory.join("rpc")).client();
        Self::of(directory, client, None)
    }

    /// The same over a broker.
    #[cfg(feature = "rabbit")]
    pub fn start_at(directory: &Path, host: &Host) -> Self {
        // What is to survive a restart of the service alone need not be durable.
        let url = host.url("?heartbeat_timeout_threshold=5");
        Self::of(directory, host.bus("").client(), Some(url))
    }

    fn of(directory: &Path, client: Client, url: Option<String>) -> Self {
        let mut this = Self { directory: directory.to_owned(), client, process: None, url };
        this.restart();
        this
    }

    pub fn restart(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
        let output = self.directory.join("out");
        let mut words = vec![text(&self.directory)];
        words.extend(self.url.as_deref());
        self.process = Some(Process::start("recorder", &words, &output));
    }

    /// The same without waiting: it may die before it is ready.
    pub fn try_restart(&mut self) {
        let output = self.directory.join("out");
        let mut words = vec![text(&self.directory)];
        words.extend(self.url.as_deref());
        self.process = Some(Process::spawn("recorder", &words, &output));
    }

    pub fn names(&self, kind: &str) -> Vec<String> {
        let entries = fs::read_dir(self.directory.join(kind)).expect("a directory");
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("one").file_name();
        let mut names: Vec<_> =
            entries.map(|entry| name(entry).into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }

    /// The whole lines of its log: the last one may be half written.
    pub fn log(&self) -> String {
        let log = fs::read(self.directory.join("out.err")).expect("its log");
        let mut log = String::from_utf8_lossy(&log).into_owned();
        log.truncate(log.rfind('\n').map_or(0, |end| end + 1));
        log
    }

    pub fn cast(client: &Client, args: &Value) -> Result<(), CallError> {
        client.cast(&server_of("server"), request("record", args))
    }
}

/// A message as a client writes it.
pub fn frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&7_u64.to_be_bytes());
    bytes.extend_from_slice(&u32::try_from(body.len()).expect("small").to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// Kills the service every 300 ms while 200 casts are sent.
pub fn kill_again_and_again(service: &mut Recorder) {
    const SENDERS: usize = 4;
    const EACH: usize = 50;
    let left = AtomicBool::new(true);
    let mut kills = 0;
    thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let client = service.client.clone();
                scope.spawn(move || {
                    for number in 0..EACH {
                        let id = format!("{sender}-{number:02}");
                        let args = json!({"id": id, "milliseconds": 15});
                        Recorder::cast(&client, &args).unwrap_or_else(|e| panic!("{id}: {e}"));
                    }
                })
            })
            .collect();
        let left = &left;
        scope.spawn(move || {
            let _ = senders.into_iter().map(thread::ScopedJoinHandle::join).count();
            left.store(false, Ordering::Relaxed);
        });
        while left.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(300));
            service.restart();
            kills += 1;
        }
    });
    // A broker takes them faster than they are carried out.
    while service.names("done").len() < SENDERS * EACH && kills < 60 {
        thread::sleep(Duration::from_millis(300));
        service.restart();
        kills += 1;
    }
    assert!(kills >= 3, "{kills} are no test");
    eventually("the last are done", || service.names("done").len() >= SENDERS * EACH);
    assert_eq!(service.names("done").len(), SENDERS * EACH);
    assert_eq!(service.names("twice"), [""; 0]);
    assert_eq!(service.names("recorded"), [""; 0]);
}
