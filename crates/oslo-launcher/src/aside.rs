//! A job that may wait for somebody else for long, done beside the process that supervises.
//!
//! That process has one thread, which answers signals and feeds watchdogs, so it must not wait for
//! a server itself. It forks a copy of itself for the job and attends to everything as always
//! until the copy has ended. Order of steps:
//!
//! 1. fork, again and again if there is no room for a process;
//! 2. the copy gives up what is its parent's, does the job, tells what comes of it, ends;
//! 3. the parent passes on what it hears. A stop does not wait for the job: the parent hangs up, and
//!    the copy is killed if it has not ended by itself a moment later.
//!
//! What the copy tells is data of another process: its length is checked here, what it means is
//! for the caller to check. Must not: wait for the copy without limit.

use std::ffi::CStr;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::ended::Ended;
use crate::error::LaunchError;
use crate::line;
use crate::service::Hooks;
use crate::sys::{
    NotForked, Signal, fork_worker, pipe_to_parent, reap_known, rename_process, send, wait_for_end,
};

/// The longest message of a job, in bytes.
pub const MESSAGE: usize = 4096;

/// Something to be done by [`Launcher::run_aside`](crate::Launcher::run_aside).
pub struct Job<'a> {
    /// What its process is called, in `ps` and in the log; at most 15 bytes.
    pub name: &'static CStr,
    /// The work. It may block for as long as it likes. When it is not wanted any more it may end by
    /// itself, once a message cannot be told, and is killed otherwise: it must leave the world as
    /// whoever is killed at any moment has to.
    pub work: &'a dyn Fn(&mut JobTeller<'_>),
}

/// A job's way to tell the process that waits for it.
pub struct JobTeller<'a>(Box<Tell<'a>>);

type Tell<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

impl JobTeller<'_> {
    /// Tells one message of at most [`MESSAGE`] bytes.
    ///
    /// # Errors
    ///
    /// When the message is longer, or nobody listens any more: the job should end.
    pub fn tell(&mut self, message: &[u8]) -> io::Result<()> {
        if message.len() > MESSAGE {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        (self.0)(message)
    }
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnd {
    /// It was done, and all that it told has been passed on.
    Done,
    /// A signal or a request ends this process, with this exit status; the job was ended.
    Stopped(i32),
    /// It ended otherwise: killed by somebody, or a bug.
    Died(Ended),
    /// What it told made no sense; it was killed.
    Garbled,
}

/// Pause between two tries to fork.
const RETRY: Duration = Duration::from_secs(1);
/// How long a copy that is not wanted any more may take to end by itself.
const GRACE: Duration = Duration::from_millis(200);
/// How long to wait for the end of a copy that was killed. One that hangs in the kernel, on a
/// file system that is away, is left to whoever inherits it.
const AFTER_KILL: Duration = Duration::from_millis(300);
/// How much is read at once; signals come in between.
const PORTION: usize = 4 * MESSAGE;
/// Bytes in front of a message that say how long it is.
const HEAD: usize = 2;

/// The process that waits, as any launcher is one.
pub(crate) trait Attendant {
    /// Attends to all that has happened; an exit status if this process is to end.
    fn attend(&mut self) -> Option<i32>;

    /// Sleeps until something happens, `job` can be read or is at its end, or `until`.
    fn rest(&mut self, job: Option<BorrowedFd<'_>>, until: Option<Instant>);

    /// This child is none of the others; somebody else takes its status.
    fn set_aside(&mut self, pid: Option<i32>);

    /// Gives up, in a copy, what is the parent's alone.
    fn in_copy(&mut self);

    fn hooks(&mut self) -> &mut dyn Hooks;

    /// Whether there is nobody who would rather start this process again, later.
    fn waits_for_room(&self) -> bool {
        true
    }
}

/// The copy as its parent sees it.
struct Copy {
    pid: i32,
    /// Until it is at its end.
    pipe: Option<std::fs::File>,
    /// The beginning of a message.
    heard: Vec<u8>,
}

/// Does the job; see the module's head.
pub(crate) fn run(
    parent: &mut dyn Attendant,
    job: &Job<'_>,
    told: &mut dyn FnMut(&[u8]),
) -> Result<JobEnd, LaunchError> {
    let mut copy = loop {
        let refusal = match start(parent, job)? {
            Ok(copy) => break copy,
            Err(refusal) => refusal,
        };
        let name = job.name.to_string_lossy();
        let error = refusal.of(&name);
        if !parent.waits_for_room() {
            return Err(error);
        }
        line::not_started(&name, &error);
        if let Some(status) = pause(parent, Instant::now() + RETRY) {
            return Ok(JobEnd::Stopped(status));
        }
    };
    parent.set_aside(Some(copy.pid));
    let end = attend_to(parent, &mut copy, told);
    parent.set_aside(None);
    Ok(end)
}

/// Attends to everything until then; an exit status if this process is to end.
pub(crate) fn pause(parent: &mut dyn Attendant, until: Instant) -> Option<i32> {
    loop {
        if let Some(status) = parent.attend() {
            return Some(status);
        }
        if Instant::now() >= until {
            return None;
        }
        parent.rest(None, Some(until));
    }
}

fn start(
    parent: &mut dyn Attendant,
    job: &Job<'_>,
) -> Result<Result<Copy, NotForked>, LaunchError> {
    let (ours, theirs) = pipe_to_parent().map_err(LaunchError::setup("the pipe of a job"))?;
    let mut ours = Some(ours);
    let forked = fork_worker(|watch| {
        drop(ours.take());
        rename_process(job.name);
        // KILL, because nothing here reads a signal, and nobody waits for the job any more.
        if !watch.arm(Signal::SIGKILL) {
            return 1;
        }
        parent.in_copy();
        work(job, theirs, parent.hooks())
    });
    let pipe = ours.map(Into::into);
    Ok(forked.map(|pid| Copy { pid, pipe, heard: Vec::new() }))
}

/// All that the copy does; the return value is its exit status.
fn work(job: &Job<'_>, pipe: OwnedFd, hooks: &mut dyn Hooks) -> i32 {
    let mut pipe = std::fs::File::from(pipe);
    let mut to_parent = JobTeller(Box::new(move |message| {
        let mut framed = Vec::with_capacity(HEAD + message.len());
        framed.extend_from_slice(&(message.len() as u16).to_le_bytes());
        framed.extend_from_slice(message);
        pipe.write_all(&framed)
    }));
    let done = catch_unwind(AssertUnwindSafe(|| (job.work)(&mut to_parent)));
    hooks.before_exit(); // its last lines, among them that of a panic
    if done.is_ok() { 0 } else { 2 }
}

fn attend_to(parent: &mut dyn Attendant, copy: &mut Copy, told: &mut dyn FnMut(&[u8])) -> JobEnd {
    loop {
        if let Some(status) = parent.attend() {
            copy.end();
            return JobEnd::Stopped(status);
        }
        if !copy.hear(told) {
            copy.end();
            return JobEnd::Garbled;
        }
        if copy.pipe.is_none()
            && let Some(end) = reap_known(copy.pid)
        {
            return if end == Ended::Exited(0) { JobEnd::Done } else { JobEnd::Died(end) };
        }
        parent.rest(copy.pipe.as_ref().map(AsFd::as_fd), None);
    }
}

impl Copy {
    /// Passes on what has come; false if it makes no sense.
    fn hear(&mut self, told: &mut dyn FnMut(&[u8])) -> bool {
        let Some(pipe) = &mut self.pipe else { return true };
        let mut portion = [0; PORTION];
        match pipe.read(&mut portion) {
            Ok(0) => self.pipe = None,
            Ok(length) => self.heard.extend_from_slice(&portion[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.pipe = None,
        }
        let mut rest = self.heard.as_slice();
        while let Some((head, behind)) = rest.split_first_chunk::<HEAD>() {
            let length = usize::from(u16::from_le_bytes(*head));
            if length > MESSAGE {
                return false;
            }
            let Some((message, behind)) = behind.split_at_checked(length) else { break };
            told(message);
            rest = behind;
        }
        let used = self.heard.len() - rest.len();
        self.heard.drain(..used);
        true
    }

    /// Ends it, if it does not do so itself.
    fn end(&mut self) {
        self.pipe = None;
        if wait_for_end(self.pid, GRACE).is_some() {
            return;
        }
        if let Err(error) = send(self.pid, Signal::SIGKILL) {
            line::not_signalled(self.pid, &error);
        }
        if wait_for_end(self.pid, AFTER_KILL).is_none() {
            line::left_behind(self.pid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is heard of these bytes, and whether they make sense.
    fn heard(portions: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
        let (reader, mut writer) = io::pipe().unwrap();
        let pipe = Some(std::fs::File::from(OwnedFd::from(reader)));
        let mut copy = Copy { pid: 0, pipe, heard: Vec::new() };
        let mut messages = Vec::new();
        for portion in portions {
            writer.write_all(portion).unwrap();
            if !copy.hear(&mut |message| messages.push(message.to_vec())) {
                return (messages, false);
            }
        }
        drop(writer);
        assert!(copy.hear(&mut |message| messages.push(message.to_vec())));
        assert!(copy.pipe.is_none());
        (messages, true)
    }

    #[test]
    fn messages_come_whole_however_they_are_cut() {
        let both: &[u8] = b"\x03\0one\0\0\x03\0two";
        let expected = vec![b"one".to_vec(), Vec::new(), b"two".to_vec()];
        assert_eq!(heard(&[both]), (expected.clone(), true));
        for cut in 1..both.len() {
            assert_eq!(heard(&[&both[..cut], &both[cut..]]), (expected.clone(), true), "{cut}");
        }
    }

    #[test]
    fn half_a_message_is_none_and_too_long_a_one_is_nonsense() {
        assert_eq!(heard(&[b"\x03\0on"]), (Vec::new(), true));
        assert_eq!(heard(&[b"\x01\0x", b"\x01\x10"]), (vec![b"x".to_vec()], false));
        let longest = [&[0x00, 0x10][..], &[7; MESSAGE]].concat();
        assert_eq!(heard(&[&longest]), (vec![vec![7; MESSAGE]], true));
    }

    #[test]
    fn a_message_that_is_too_long_is_not_sent() {
        let mut teller = JobTeller(Box::new(|_| Ok(())));
        assert!(teller.tell(&[0; MESSAGE]).is_ok());
        assert!(teller.tell(&[0; MESSAGE + 1]).is_err());
    }
}
