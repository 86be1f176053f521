//! Both ends of the line on which `cinder-volume report` gets its answer.
//!
//! The command listens on a socket whose name holds a random number, and sends that number along
//! with SIGUSR2; the process that makes the report connects and writes. The name is an abstract
//! one (unix(7)): no file exists, so nobody's link can be followed and no directory has to be
//! shared, and it works into a service with a `/tmp` of its own. Who may send the signal is the
//! kernel's decision; beyond that each end asks the kernel who the other one is:
//!
//! * the daemon answers to its own user and to root only, whoever got hold of the name;
//! * the command believes the daemon's user and root only.
//!
//! Must not: be opened by the parent itself, which has no socket. Its reporter has.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::geteuid;

use super::processes::Process;

/// How long an answer may wait for its reader.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longer answers are not ours.
const MAX_BYTES: u64 = 16 << 20;
/// A request may be lost (two signals at once are one), and is then sent again.
const AGAIN: Duration = Duration::from_secs(5);

/// What a process says when it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The process that the report is about.
    pub process: u32,
    /// The back end that it is the worker of; none is the parent.
    pub backend: Option<String>,
    /// All workers, by name and process id.
    pub workers: Vec<(String, i32)>,
    /// The report.
    pub body: String,
}

/// The lowest bit of the number says so.
pub(crate) fn wants_json(number: u64) -> bool {
    number & 1 == 1
}

/// Gives an answer to whoever waits with this number.
///
/// # Errors
///
/// When nobody waits, it is somebody else's process, or it does not read.
pub(crate) fn answer(number: u64, answer: &Answer) -> io::Result<()> {
    let mut stream = UnixStream::connect_addr(&name(number)?)?;
    expect_peer(&stream, geteuid().as_raw())?;
    let text = answer.to_text();
    let end = Instant::now() + PATIENCE;
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_write_timeout(Some(left))?;
        match stream.write(rest) {
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Asks a process and waits for its answer.
pub(crate) struct Question {
    listener: UnixListener,
    number: u64,
}

impl Question {
    /// Listens under a number that nobody can guess.
    ///
    /// # Errors
    ///
    /// When the kernel has no random number or no socket.
    pub(crate) fn new(json: bool) -> io::Result<Self> {
        let mut bytes = [0; 8];
        std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        // Never 0, which asks for no answer.
        let number = (u64::from_ne_bytes(bytes) | 2) & !1 | u64::from(json);
        let listener = UnixListener::bind_addr(&name(number)?)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, number })
    }

    /// The answer of this process, by the user that it runs as and the number that it calls itself; none within `limit`.
    ///
    /// # Errors
    ///
    /// When the process cannot be asked, or the socket fails.
    pub(crate) fn ask(&self, process: &Process, limit: Duration) -> io::Result<Option<Answer>> {
        let &Process { pid, user, inner, .. } = process;
        let end = Instant::now() + limit;
        let mut next = Instant::now();
        loop {
            let now = Instant::now();
            if now >= end {
                return Ok(None);
            }
            if now >= next {
                oslo_launcher::ask_report(pid, self.number)?;
                next = now + AGAIN;
            }
            if !readable(self.listener.as_fd(), next.min(end))? {
                continue;
            }
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            };
            if expect_peer(&stream, user).is_err() {
                continue; // somebody has found the name, and is not believed
            }
            if let Some(answer) = read(stream, end)?.as_deref().and_then(Answer::from_text)
                && i32::try_from(answer.process) == Ok(inner)
            {
                return Ok(Some(answer));
            }
        }
    }
}

/// Reads until the other end is done; none if that takes too long.
fn read(stream: UnixStream, end: Instant) -> io::Result<Option<String>> {
    let left = end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(left))?;
    let mut text = String::new();
    Ok(stream.take(MAX_BYTES).read_to_string(&mut text).is_ok().then_some(text))
}

fn readable(fd: BorrowedFd<'_>, until: Instant) -> io::Result<bool> {
    let left = until.saturating_duration_since(Instant::now());
    // A millisecond more, or the last one would be spent turning.
    let time = PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
    match poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], time) {
        Ok(count) => Ok(count > 0),
        Err(nix::errno::Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

fn name(number: u64) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("cinder-volume/report/{number:016x}"))
}

/// Refuses a peer that is neither root nor `user`.
fn expect_peer(stream: &UnixStream, user: u32) -> io::Result<()> {
    let peer = getsockopt(stream, PeerCredentials)?.uid();
    if peer == 0 || peer == user { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

/// On the line: `process PID`, `backend NAME`, `worker PID NAME` …, an empty line, the body.
impl Answer {
    fn to_text(&self) -> String {
        let mut text = format!("process {}\n", self.process);
        if let Some(name) = &self.backend {
            text.push_str(&format!("backend {name}\n"));
        }
        for (name, pid) in &self.workers {
            text.push_str(&format!("worker {pid} {name}\n"));
        }
        text + "\n" + &self.body
    }

    fn from_text(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\n\n")?;
        let (mut process, mut backend, mut workers) = (None, None, Vec::new());
        for line in head.lines() {
            match line.split_once(' ')? {
                ("process", pid) => process = pid.parse().ok(),
                ("backend", name) => backend = Some(name.to_owned()),
                ("worker", rest) => {
                    let (pid, name) = rest.split_once(' ')?;
                    workers.push((name.to_owned(), pid.parse().ok()?));
                }
                _ => return None,
            }
        }
        Some(Self { process: process?, backend, workers, body: body.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn an_answer() -> Answer {
        Answer {
            process: std::process::id(),
            backend: Some("lvm 1".into()),
            workers: vec![("lvm 1".into(), 7), ("nfs".into(), 0)],
            body: "first\n\nsecond\n".into(),
        }
    }

    #[test]
    fn an_answer_survives_the_line() {
        for sent in [an_answer(), Answer { backend: None, workers: Vec::new(), ..an_answer() }] {
            assert_eq!(Answer::from_text(&sent.to_text()).unwrap(), sent);
        }
        assert_eq!(Answer::from_text("process x\n\nbody"), None);
    }

    #[test]
    fn an_answer_reaches_whoever_waits_for_it() {
        let question = Question::new(true).unwrap();
        assert!(wants_json(question.number) && !wants_json(Question::new(false).unwrap().number));
        let number = question.number;
        let writer = std::thread::spawn(move || answer(number, &an_answer()));
        assert!(readable(question.listener.as_fd(), Instant::now() + PATIENCE).unwrap());
        let (stream, _) = question.listener.accept().unwrap();
        expect_peer(&stream, geteuid().as_raw()).unwrap();
        let text = read(stream, Instant::now() + PATIENCE).unwrap().unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(Answer::from_text(&text).unwrap(), an_answer());
    }

    #[test]
    fn when_nobody_waits_an_answer_is_an_error_at_once() {
        let number = Question::new(false).unwrap().number;
        assert_eq!(
            answer(number, &an_answer()).unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
    }

    #[test]
    fn a_stranger_is_not_believed() {
        let (one, _other) = UnixStream::pair().unwrap();
        let own = geteuid().as_raw();
        expect_peer(&one, own).unwrap();
        assert_eq!(expect_peer(&one, own + 1).is_ok(), own == 0, "root is always believed");
    }
}
