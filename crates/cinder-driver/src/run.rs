//! Running a program: with limits, in a process group of its own, until a deadline.
//!
//! No shell sees the arguments. Everything that the program starts is killed with it, and what it
//! says is kept up to a bound. Must not: start a thread; one loop waits for its output, its end and
//! our limits. Descriptors of ours are close-on-exec from birth, so it inherits none but its three.

use std::ffi::OsString;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, kill_process_group, pidfd_open, prlimit,
};

use crate::cancel::Limit;
use crate::error::{Again, DriverError};

/// How much of its output is kept, of each kind.
const KEPT: usize = 1 << 20;
/// A cancellation is seen after this time at the latest.
const LOOK: Duration = Duration::from_millis(100);
/// How long a program that was killed may take to be gone, before it counts as stuck in the kernel.
const GONE: Duration = Duration::from_secs(5);

/// A program to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// A path, or a name to be looked up.
    pub program: PathBuf,
    /// What it is told.
    pub arguments: Vec<OsString>,
    /// Set for it, beside our own.
    pub environment: Vec<(OsString, OsString)>,
    /// What it reads.
    pub input: Vec<u8>,
    /// Seconds of a processor that it may use.
    pub cpu_seconds: Option<u64>,
    /// Bytes of memory that it may map.
    pub address_space: Option<u64>,
}

impl Program {
    /// A program without arguments or limits. Its words are English, so that they can be read.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: vec![("LC_ALL".into(), "C".into())],
            input: Vec::new(),
            cpu_seconds: None,
            address_space: None,
        }
    }

    /// The same with one argument more.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    fn name(&self) -> String {
        self.program.display().to_string()
    }
}

/// How a program has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it has written.
    pub output: Vec<u8>,
    /// What it has complained about.
    pub errors: Vec<u8>,
}

impl Finished {
    /// Whether it says that all went well.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }
}

/// Runs a program to its end. That it fails is an answer, not an error.
///
/// # Errors
///
/// [`BackendDown`](DriverError::BackendDown) if it cannot be started;
/// [`Cancelled`](DriverError::Cancelled) if a limit came first, and it is gone;
/// [`Unknown`](DriverError::Unknown) if it was killed and does not go.
pub fn run(program: &Program, limit: &Limit) -> Result<Finished, DriverError> {
    limit.check()?;
    let mut child = spawn(program)?;
    confine(program, &child);
    let result = attend(&mut child, program, limit);
    let result = match result {
        Ok(output) => Ok(output),
        Err(failure) => {
            kill(&child);
            Err(failure)
        }
    };
    let status = wait(&mut child, program)?;
    // What it has started and left behind holds nothing of ours, and is not to outlive it.
    kill(&child);
    let (output, errors) = result?;
    Ok(Finished { code: status.code(), signal: status.signal(), output, errors })
}

fn spawn(program: &Program) -> Result<Child, DriverError> {
    let mut command = Command::new(&program.program);
    command
        .args(&program.arguments)
        .envs(program.environment.iter().map(|(key, value)| (key, value)))
        .process_group(0)
        .stdin(if program.input.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().map_err(|error| match error.kind() {
        ErrorKind::OutOfMemory | ErrorKind::WouldBlock => DriverError::Retry {
            reason: format!("{} cannot be started now", program.name()),
            after: None,
            source: Some(error.into()),
        },
        _ => DriverError::BackendDown {
            reason: format!("{} cannot be started", program.name()),
            source: Some(error.into()),
        },
    })
}

/// Sets its limits from outside: it has run for some microseconds by then, in which it cannot have
/// used up any of them.
fn confine(program: &Program, child: &Child) {
    let limits = [(Resource::Cpu, program.cpu_seconds), (Resource::As, program.address_space)];
    for (resource, value) in limits {
        if let Some(value) = value {
            let limit = Rlimit { current: Some(value), maximum: Some(value) };
            // It may have ended already.
            let _error = prlimit(pid_of(child), resource, limit);
        }
    }
}

fn pid_of(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).ok()?)
}

fn kill(child: &Child) {
    if let Some(pid) = pid_of(child) {
        // None of the group may be left.
        let _error = kill_process_group(pid, Signal::KILL);
    }
}

/// Feeds it and reads what it says until it has closed both or ended.
fn attend(
    child: &mut Child,
    program: &Program,
    limit: &Limit,
) -> Result<(Vec<u8>, Vec<u8>), DriverError> {
    let fault = |error: std::io::Error| DriverError::Bug {
        reason: format!("the output of {} cannot be read", program.name()),
        source: Some(error.into()),
    };
    let pid = pid_of(child).ok_or_else(|| DriverError::bug("a child without a pid"))?;
    let ended = pidfd_open(pid, PidfdFlags::empty()).map_err(|errno| fault(errno.into()))?;
    let (mut stdin, mut stdout, mut stderr) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let pipes = [
        stdin.as_ref().map(AsFd::as_fd),
        stdout.as_ref().map(AsFd::as_fd),
        stderr.as_ref().map(AsFd::as_fd),
    ];
    for fd in pipes.into_iter().flatten() {
        let flags = fcntl_getfl(fd).map_err(|errno| fault(errno.into()))?;
        fcntl_setfl(fd, flags | OFlags::NONBLOCK).map_err(|errno| fault(errno.into()))?;
    }
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let mut input = program.input.as_slice();
    loop {
        limit.check()?;
        let has_ended = ready(&ended, &stdin, &stdout, &stderr, limit).map_err(fault)?;
        if let Some(pipe) = &mut stdin
            && !feed(pipe, &mut input)
        {
            stdin = None;
        }
        if let Some(pipe) = &mut stdout
            && !drain(pipe, &mut output).map_err(fault)?
        {
            stdout = None;
        }
        if let Some(pipe) = &mut stderr
            && !drain(pipe, &mut errors).map_err(fault)?
        {
            stderr = None;
        }
        // Whatever it has started may keep the pipes open; its own end is what counts.
        if has_ended {
            return Ok((output, errors));
        }
    }
}

/// Waits until something can be done; whether the program has ended.
fn ready(
    ended: &impl AsFd,
    stdin: &Option<impl AsFd>,
    stdout: &Option<impl AsFd>,
    stderr: &Option<impl AsFd>,
    limit: &Limit,
) -> std::io::Result<bool> {
    let mut fds = vec![PollFd::new(ended, PollFlags::IN)];
    fds.extend(stdin.iter().map(|fd| PollFd::new(fd, PollFlags::OUT)));
    fds.extend(stdout.iter().map(|fd| PollFd::new(fd, PollFlags::IN)));
    fds.extend(stderr.iter().map(|fd| PollFd::new(fd, PollFlags::IN)));
    let left = limit.deadline().map_or(LOOK, |it| it.saturating_duration_since(Instant::now()));
    let nanos = i64::from(left.min(LOOK).subsec_nanos());
    match poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: nanos })) {
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => return Ok(false),
        Err(errno) => return Err(errno.into()),
    }
    Ok(fds.first().is_some_and(|fd| !fd.revents().is_empty()))
}

/// Writes what the pipe takes; whether there is more to come.
fn feed(pipe: &mut impl Write, input: &mut &[u8]) -> bool {
    match pipe.write(input) {
        Ok(written) => {
            *input = input.get(written..).unwrap_or_default();
            !input.is_empty()
        }
        Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
    }
}

/// Reads what is there; whether there may be more. What is beyond the bound is thrown away, so that
/// a program that talks a lot is not stopped by that.
fn drain(pipe: &mut impl Read, into: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) => return Ok(false),
            Ok(read) => {
                let room = KEPT.saturating_sub(into.len()).min(read);
                into.extend_from_slice(buffer.get(..room).unwrap_or_default());
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn wait(child: &mut Child, program: &Program) -> Result<std::process::ExitStatus, DriverError> {
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if begun.elapsed() < GONE => std::thread::sleep(Duration::from_millis(2)),
            Ok(None) => {
                return Err(DriverError::Unknown {
                    reason: format!("{} was killed and does not go", program.name()),
                    again: Again::After(GONE),
                    source: None,
                });
            }
            Err(error) => {
                return Err(DriverError::Bug {
                    reason: format!("{} cannot be waited for", program.name()),
                    source: Some(error.into()),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        Program::new("/bin/sh").arg("-c").arg(script)
    }

    fn minute() -> Limit {
        Limit::default().within(Duration::from_secs(60))
    }

    #[test]
    fn input_output_complaints_and_the_code_go_their_ways() {
        let mut program = shell("cat; echo bad >&2; exit 7");
        program.input = vec![b'x'; 300_000];
        let finished = run(&program, &minute()).expect("it runs");
        assert_eq!((finished.code, finished.output.len()), (Some(7), 300_000));
        assert_eq!(finished.errors, b"bad\n");
        assert!(!finished.is_success());
    }

    #[test]
    fn a_program_that_talks_for_ever_is_kept_within_bounds() {
        let finished =
            run(&shell("head -c 3000000 /dev/zero"), &minute()).expect("it runs to its end");
        assert_eq!((finished.code, finished.output.len()), (Some(0), KEPT));
    }

    #[test]
    fn with_a_program_everything_that_it_started_is_gone_at_the_deadline() {
        let directory = tempfile::tempdir().expect("there is a temporary directory");
        let file = directory.path().join("pid");
        let script = format!("sleep 600 & echo $! >{0}.new; mv {0}.new {0}; wait", file.display());
        let limit = Limit::default();
        let other = std::thread::spawn({
            let limit = limit.clone();
            move || run(&shell(&script), &limit)
        });
        let until = Instant::now() + Duration::from_secs(60);
        while !file.exists() && Instant::now() < until {
            std::thread::yield_now();
        }
        limit.flag().cancel();
        let error = other.join().expect("it does not panic").expect_err("it was cancelled");
        assert_eq!(error.class(), "cancelled");
        let pid = std::fs::read_to_string(&file).expect("it was written");
        let stat = format!("/proc/{}/stat", pid.trim());
        // A process that nobody has reaped yet is gone, too.
        let lives = || {
            let text = std::fs::read_to_string(&stat).unwrap_or_default();
            text.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
        };
        while lives() && Instant::now() < until {
            std::thread::yield_now();
        }
        assert!(!lives());
    }

    #[test]
    fn a_program_that_leaves_another_behind_has_ended_all_the_same() {
        let finished = run(&shell("sleep 600 & echo done"), &minute()).expect("it runs");
        assert_eq!(finished.output, b"done\n");
    }

    #[test]
    fn a_program_that_is_missing_is_a_back_end_that_is_down() {
        let error = run(&Program::new("/nonexistent/tool"), &minute()).expect_err("it is missing");
        assert_eq!(error.class(), "back end down");
    }

    #[test]
    fn a_limit_of_memory_holds() {
        let mut program =
            shell("read x; head -c 1 /dev/zero; dd if=/dev/zero of=/dev/null bs=500M count=1");
        program.input = b"go\n".to_vec();
        program.address_space = Some(100 << 20);
        let finished = run(&program, &minute()).expect("it runs");
        assert!(!finished.is_success(), "{finished:?}");
    }
}
