//! Services that misbehave on demand, for this crate's process tests.
//!
//! Arguments are `NAME=BEHAVIOUR` (see `Fault`) or `NAME*WORKERS=BEHAVIOUR`, and:
//!
//! * `--spawn`: one subprocess per service; `--one NAME=BEHAVIOUR`: a single one, in-process, under
//!   a parent on standard input; `--alone`: in-process under nobody;
//! * `--drain-limit SECONDS`, `--watchdog SECONDS`;
//! * `--notify PATH`: a service manager's socket; `--manager-watchdog MILLISECONDS`: its watchdog;
//! * `--pause SECONDS`: waits before anything is launched;
//! * `--no-back-off`: only the throttle delays a restart;
//! * `--stop-on-hup`: asks for a stop in the HUP hook; `--panic-on-hup`: the hook panics;
//!   `--slow-hup`: the hook takes its time;
//! * `--report-until FILE`: a report takes until the file exists;
//! * `--read FILE`: a HUP reads the file as soon as it exists; `die…` in it aborts whoever reads,
//!   `bad…` is refused;
//! * `--panic-on-line TEXT`: whoever writes a log line with this text panics, once;
//! * `--aside JOB`: does a job beside itself before anything is launched: `tells`, `waits`, `panics`
//!   or `babbles`;
//! * `--first-steps`: takes them; `--decide FIFO`: reads that to its end before it is a daemon;
//!   `--settings FIFO`: and that before it has a launcher; `--command`: is no daemon, and waits;
//! * `--thread`: has a second thread; `--foreign`: has a child of its own, `--foreign-sleeps`: which lives for long;
//! * `--wait-hook COUNT`: every process wants so many short waits.
//!
//! Prints one line per thing that a test wants to see.

#![expect(clippy::print_stdout, reason = "the tests read what is printed")]
#![expect(clippy::disallowed_methods, reason = "a program reads its arguments")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use oslo_launcher::{
    FirstSteps, Hooks, InProcessLauncher, Inherited, Job, JobEnd, JobTeller, LaunchError, Launcher,
    LauncherOptions, Limits, Notifier, ProcessLauncher, ReadWork, ReloadRefused, ReportRequest,
    ReportWork, Scoreboard, Service, StartError, StopHandle, SubprocessLauncher, Supervision,
    WorkerHandle,
};

struct Fault {
    name: String,
    behaviour: String,
    /// `NAME=inline:BEHAVIOUR`: starts without a thread of its own.
    inline: bool,
    workers: usize,
    stopped: AtomicBool,
}

impl Fault {
    fn parse(word: &str) -> Self {
        let (name, behaviour) = word.split_once('=').unwrap_or((word, "up"));
        let (inline, behaviour) = match behaviour.strip_prefix("inline:") {
            Some(behaviour) => (true, behaviour),
            None => (false, behaviour),
        };
        let (name, workers) = name.split_once('*').unwrap_or((name, "1"));
        let (name, behaviour) = (name.into(), behaviour.into());
        let workers = workers.parse().expect("NAME*WORKERS");
        Self { name, behaviour, inline, workers, stopped: AtomicBool::new(false) }
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
            // dies-until:FILE
            word if word
                .strip_prefix("dies-until:")
                .is_some_and(|file| !Path::new(file).exists()) =>
            {
                return Err(StartError::Exit(7));
            }
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
    stop_on_hup: bool,
    panic_on_hup: bool,
    slow_hup: bool,
    /// A report takes until this file exists.
    report_until: Option<PathBuf>,
    /// What a HUP reads, and waits for.
    read: Option<PathBuf>,
}

static STOP: OnceLock<StopHandle> = OnceLock::new();

impl Print {
    fn new(plan: &Plan) -> Self {
        Self {
            short_waits: plan.short_waits,
            stop_on_hup: plan.stop_on_hup,
            panic_on_hup: plan.panic_on_hup,
            slow_hup: plan.slow_hup,
            report_until: plan.report_until.clone(),
            read: plan.read.clone(),
        }
    }
}

/// No longer than a test may take: one that fails never makes the file.
fn wait_for(file: &Path) {
    let end = Instant::now() + Duration::from_secs(60);
    while !file.exists() && Instant::now() < end {
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

impl Hooks for Print {
    fn read_again(&mut self) -> Option<ReadWork> {
        let file = self.read.clone()?;
        Some(Box::new(move || {
            println!("reading in {}", std::process::id());
            wait_for(&file);
            let text = std::fs::read(file).unwrap_or_default();
            if text.starts_with(b"die") { std::process::abort() } else { text }
        }))
    }

    fn reload(&mut self, read: &[u8]) -> Result<Vec<u8>, ReloadRefused> {
        println!("reload in {}", std::process::id());
        let text = String::from_utf8_lossy(read);
        println!("{} has read {:?}", std::process::id(), &text[..text.len().min(20)]);
        if read.starts_with(b"bad") {
            return Err(ReloadRefused);
        }
        assert!(!self.panic_on_hup, "a bug in the hook");
        if self.slow_hup {
            std::thread::park_timeout(Duration::from_millis(300));
        }
        if let Some(handle) = STOP.get().filter(|_| self.stop_on_hup) {
            handle.stop();
        }
        Ok(read.to_vec())
    }

    fn report(&mut self, request: ReportRequest, scoreboard: &Scoreboard) -> Option<ReportWork> {
        for worker in scoreboard.snapshot() {
            println!("report: {} is {} {}", worker.name, worker.state.as_str(), worker.reason);
        }
        let (until, process) = (self.report_until.clone()?, request.process);
        Some(Box::new(move |_| {
            println!("report on {process} begins: {:?}", request.answers);
            wait_for(&until);
            println!("report on {process} ends");
        }))
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

/// What the command line says.
#[derive(Default)]
struct Plan {
    faults: Vec<Arc<Fault>>,
    spawn: bool,
    one: bool,
    alone: bool,
    stop_on_hup: bool,
    panic_on_hup: bool,
    slow_hup: bool,
    foreign: Option<&'static str>,
    report_until: Option<PathBuf>,
    read: Option<PathBuf>,
    limits: Limits,
    worker_watchdog: Option<Duration>,
    notify: Option<String>,
    manager_watchdog: Option<Duration>,
    pause: Option<Duration>,
    short_waits: u32,
    job: Option<String>,
    decide: Option<PathBuf>,
    settings: Option<PathBuf>,
    command: bool,
    panic_on_line: Option<String>,
}

type Failure = Box<dyn std::error::Error>;

impl Plan {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut plan = Self::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} wants a value"));
            let seconds = |value: String| value.parse().map(Duration::from_secs);
            match word.as_str() {
                "--spawn" => plan.spawn = true,
                "--one" => plan.one = true,
                "--alone" => plan.alone = true,
                "--stop-on-hup" => plan.stop_on_hup = true,
                "--panic-on-hup" => plan.panic_on_hup = true,
                "--slow-hup" => plan.slow_hup = true,
                "--foreign" => plan.foreign = Some("exit 5"),
                "--foreign-sleeps" => plan.foreign = Some("exec sleep 60"),
                "--no-back-off" => plan.limits.respawn_backoff_max = Duration::ZERO,
                "--first-steps" => {} // were taken already
                "--aside" => plan.job = Some(value()?),
                "--decide" => plan.decide = Some(value()?.into()),
                "--settings" => plan.settings = Some(value()?.into()),
                "--command" => plan.command = true,
                "--thread" => {
                    std::thread::spawn(|| {
                        loop {
                            std::thread::park();
                        }
                    });
                }
                "--report-until" => plan.report_until = Some(value()?.into()),
                "--read" => plan.read = Some(value()?.into()),
                "--panic-on-line" => plan.panic_on_line = Some(value()?),
                "--wait-hook" => plan.short_waits = value()?.parse()?,
                "--watchdog" => plan.worker_watchdog = Some(seconds(value()?)?),
                "--drain-limit" => plan.limits.graceful_shutdown = Some(seconds(value()?)?),
                "--pause" => plan.pause = Some(seconds(value()?)?),
                "--notify" => plan.notify = Some(value()?),
                "--manager-watchdog" => {
                    plan.manager_watchdog = Some(Duration::from_millis(value()?.parse()?));
                }
                fault => plan.faults.push(Arc::new(Fault::parse(fault))),
            }
        }
        Ok(plan)
    }

    /// The command line of the subprocess for one service.
    fn command(&self, program: &Path, name: &str) -> Command {
        let mut command = Command::new(program);
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs().to_string());
        if let Some(limit) = seconds(self.limits.graceful_shutdown) {
            command.args(["--drain-limit", &limit]);
        }
        if let Some(limit) = seconds(self.worker_watchdog) {
            command.args(["--watchdog", &limit]);
        }
        if let Some(file) = &self.report_until {
            command.arg("--report-until").arg(file);
        }
        if let Some(file) = &self.read {
            command.arg("--read").arg(file);
        }
        command.args(["--wait-hook", &self.short_waits.to_string()]).arg("--one");
        let fault = self.faults.iter().find(|fault| fault.name == name);
        command.args(fault.map(|fault| fault.word()));
        command
    }

    fn launcher(self: &Arc<Self>, inherited: Inherited) -> Result<Box<dyn Launcher>, Failure> {
        let notifier = match &self.notify {
            Some(path) => Notifier::connect(path, self.manager_watchdog)?,
            None => Notifier::default(),
        };
        let options = LauncherOptions {
            own_words: 0,
            limits: self.limits,
            worker_watchdog: self.worker_watchdog,
            capacity: self.faults.iter().map(|fault| fault.workers).sum(),
            noun: "services",
            notifier,
            inherited,
            kept: Vec::new(),
        };
        let hooks = Box::new(Print::new(self));
        if self.one || self.alone {
            let supervision = if self.one { Supervision::Stdin } else { Supervision::None };
            return Ok(Box::new(InProcessLauncher::new(options, hooks, supervision)?));
        }
        if self.spawn {
            let (plan, program) = (Arc::clone(self), std::env::current_exe()?);
            let command = Box::new(move |name: &str| plan.command(&program, name));
            return Ok(Box::new(SubprocessLauncher::new(options, hooks, command)?));
        }
        Ok(Box::new(ProcessLauncher::new(options, hooks)?))
    }
}

/// Where log lines go.
struct Output {
    trap: Option<String>,
}

static SPRUNG: AtomicBool = AtomicBool::new(false);

impl Write for Output {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        if let Some(text) = &self.trap
            && String::from_utf8_lossy(line).contains(text.as_str())
        {
            assert!(SPRUNG.swap(true, Ordering::AcqRel), "a bug in the log");
        }
        std::io::stdout().write(line)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stdout().flush()
    }
}

/// What a job does, in its own process.
fn work(job: &str, line: &mut JobTeller<'_>) {
    println!("the job runs as {}", std::process::id());
    match job {
        "waits" => loop {
            std::thread::park();
        },
        "panics" => panic!("a bug in a job"),
        "babbles" => loop {
            if line.tell(b"on and on").is_err() {
                println!("nobody listens to the job");
                return;
            }
        },
        _ => {
            for message in ["one", "", "three"] {
                line.tell(message.as_bytes()).expect("somebody listens");
            }
        }
    }
}

/// Does the job; the exit status of this process if it was stopped meanwhile.
fn do_job(launcher: &mut dyn Launcher, job: &str) -> Result<Option<i32>, LaunchError> {
    let mut babble = 0_u64;
    let work: &dyn Fn(&mut JobTeller<'_>) = &|line| work(job, line);
    let end =
        launcher.run_aside(&Job { name: c"the-job", work }, &mut |message| match message {
            b"on and on" => babble += 1,
            _ => println!("the job told {:?}", String::from_utf8_lossy(message)),
        })?;
    println!("the job: {end:?}");
    Ok(match end {
        JobEnd::Stopped(status) => Some(status),
        _ => None,
    })
}

fn main() -> Result<ExitCode, Failure> {
    let first = std::env::args().any(|word| word == "--first-steps").then(FirstSteps::take);
    let plan = Arc::new(Plan::parse(std::env::args().skip(1))?);
    let filter = tracing_subscriber::filter::LevelFilter::DEBUG;
    let trap = plan.panic_on_line.clone();
    let log = tracing_subscriber::fmt().with_max_level(filter).with_ansi(false);
    log.with_writer(move || Output { trap: trap.clone() }).init();
    if let Some(file) = &plan.decide {
        println!("first steps taken");
        std::fs::read(file)?;
    }
    let mut inherited = Inherited::default();
    match first {
        Some(first) if plan.command => first.into_command(),
        Some(first) => inherited = first.into_daemon(),
        None => {}
    }
    if plan.command {
        println!("a command");
        std::thread::park_timeout(Duration::from_secs(60));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(file) = &plan.settings {
        println!("a daemon");
        std::fs::read(file)?;
    }
    let mut foreign = match plan.foreign {
        Some(script) => {
            let child = Command::new("sh").args(["-c", script]).spawn()?;
            println!("the foreign child is {}", child.id());
            Some(child)
        }
        None => None,
    };
    let mut launcher = plan.launcher(inherited)?;
    STOP.set(launcher.stop_handle()).map_err(|_| "set twice")?;
    if let Some(job) = &plan.job
        && let Some(status) = do_job(&mut *launcher, job)?
    {
        return Ok(ExitCode::from(status as u8));
    }
    if let Some(status) = plan.pause.and_then(|time| launcher.pause(time)) {
        return Ok(ExitCode::from(status as u8));
    }
    for fault in &plan.faults {
        launcher.launch_service(fault.clone(), fault.workers)?;
    }
    let status = launcher.wait()?;
    if let Some(child) = &mut foreign {
        println!("the foreign child {}", child.wait()?);
    }
    Ok(ExitCode::from(status as u8))
}
