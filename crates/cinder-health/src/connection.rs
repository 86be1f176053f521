//! One client: reads its request, writes the answer, lets it go. Never waits for it.
//!
//! reading → writing → parting. Each phase has a limit for the whole of it, not for each byte, so
//! a client that sends one byte a second is gone as soon as one that sends nothing.

use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use crate::listener::Stream;
use crate::request::{HEAD_BYTES, Method, Reading, Request, read};
use crate::response::Response;

/// Time for a request to be complete.
const READ_LIMIT: Duration = Duration::from_secs(5);
/// Time for an answer to be taken.
const WRITE_LIMIT: Duration = Duration::from_secs(5);
/// Time for a client to close its side. Closing ours while its bytes are still unread would make
/// the kernel send a reset, which can overtake the answer.
const PART_LIMIT: Duration = Duration::from_secs(1);

/// How far a client has come.
#[derive(Debug)]
enum Phase {
    Reading { input: Vec<u8> },
    Writing { head: Vec<u8>, response: Response, sent: usize },
    Parting,
    Gone,
}

/// One client; see the module's head.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: Stream,
    phase: Phase,
    deadline: Instant,
}

impl Connection {
    pub(crate) fn new(stream: Stream, now: Instant) -> Self {
        // An idle client has no buffer.
        let phase = Phase::Reading { input: Vec::new() };
        Self { stream, phase, deadline: now + READ_LIMIT }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    pub(crate) fn is_writing(&self) -> bool {
        matches!(self.phase, Phase::Writing { .. })
    }

    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.phase, Phase::Gone)
    }

    /// What to wait for.
    pub(crate) fn interest(&self) -> PollFlags {
        if self.is_writing() { PollFlags::POLLOUT } else { PollFlags::POLLIN }
    }

    /// Lets a client go whose time is over, or for whom there is no room.
    pub(crate) fn end(&mut self) {
        self.phase = Phase::Gone;
    }

    /// Does what can be done without waiting.
    pub(crate) fn advance(&mut self, now: Instant, answer: &mut dyn FnMut(&Request) -> Response) {
        let done = loop {
            let step = match &self.phase {
                Phase::Reading { .. } => self.read(now, answer),
                Phase::Writing { .. } => self.write(now),
                Phase::Parting => self.part(),
                Phase::Gone => break Ok(()),
            };
            match step {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        match done {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.phase = Phase::Gone,
            Ok(()) => {}
        }
    }

    /// Reads on; whether there is more to do at once.
    fn read(
        &mut self,
        now: Instant,
        answer: &mut dyn FnMut(&Request) -> Response,
    ) -> io::Result<bool> {
        let Phase::Reading { input } = &mut self.phase else { return Ok(false) };
        let mut chunk = [0; 2048];
        let room = chunk.len().min(HEAD_BYTES - input.len());
        let count = self.stream.read(&mut chunk[..room])?;
        if count == 0 {
            self.phase = Phase::Gone;
            return Ok(false);
        }
        let first = input.is_empty();
        input.extend_from_slice(&chunk[..count]);
        // A head ends with a line. Looking at each byte that somebody sends alone would cost more
        // than it costs to send it.
        let worth_a_look = first || chunk[..count].contains(&b'\n') || input.len() == HEAD_BYTES;
        let reading = if worth_a_look { read(input) } else { Reading::More };
        let (head_only, response) = match reading {
            Reading::More => return Ok(true),
            Reading::Bad(status) => (false, Response::plain(status)),
            Reading::Done(request) if request.method == Method::Other => {
                (false, Response::plain(405))
            }
            Reading::Done(request) => (request.method == Method::Head, answer(&request)),
        };
        let head = response.head();
        let body = if head_only { Vec::new().into() } else { response.body };
        let response = Response { body, ..response };
        self.phase = Phase::Writing { head, response, sent: 0 };
        self.deadline = now + WRITE_LIMIT;
        Ok(true)
    }

    fn write(&mut self, now: Instant) -> io::Result<bool> {
        let Phase::Writing { head, response, sent } = &mut self.phase else { return Ok(false) };
        let body = &response.body;
        let rest_of_head = head.get(*sent..).unwrap_or_default();
        let rest_of_body = body.get(sent.saturating_sub(head.len())..).unwrap_or_default();
        if rest_of_head.is_empty() && rest_of_body.is_empty() {
            self.stream.finish()?;
            self.phase = Phase::Parting;
            self.deadline = now + PART_LIMIT;
            return Ok(true);
        }
        let parts = [IoSlice::new(rest_of_head), IoSlice::new(rest_of_body)];
        let count = self.stream.write_vectored(&parts)?;
        *sent += count;
        if count == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(true) }
    }

    /// Throws away what the client still sends, until it closes its side. One piece at a time: a
    /// client that never stops sending must not keep us here.
    fn part(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 2048];
        if self.stream.read(&mut chunk)? == 0 {
            self.phase = Phase::Gone;
        }
        Ok(false)
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
