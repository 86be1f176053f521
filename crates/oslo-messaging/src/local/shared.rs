//! What the loop of a local server and the threads of its handlers share.
//!
//! Handlers post what their senders are told; the loop tells them. Must not: wait for anybody.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::frame::{Frame, Kind};
use crate::envelope::{Reply, ReplyTo};
use crate::incoming::{Replies, written};
use crate::seen::Delivery;

/// See the module's head.
#[derive(Debug)]
pub(super) struct Shared {
    posted: Mutex<Vec<Command>>,
    waker: UnixStream,
    /// Messages and their bytes that are not settled.
    messages: AtomicUsize,
    bytes: AtomicUsize,
}

/// What a thread wants from the loop.
#[derive(Debug)]
pub(super) enum Command {
    /// A message was settled: its client is told, and there may be room for another one.
    Settled {
        line: u64,
        frame: Frame,
    },
    /// Something for a caller.
    Reply(Answer),
    StopConsuming,
    Close,
}

/// A reply on its way.
#[derive(Debug)]
pub(super) struct Answer {
    /// Over which line the call came first, and as which of its messages.
    pub(super) line: u64,
    pub(super) tag: u64,
    /// The caller's number for it.
    pub(super) call: String,
    pub(super) body: Vec<u8>,
    pub(super) is_last: bool,
}

impl Shared {
    pub(super) fn new() -> io::Result<(Self, UnixStream)> {
        let (wake, waker) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        waker.set_nonblocking(true)?;
        let shared = Self {
            posted: Mutex::default(),
            waker,
            messages: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        };
        Ok((shared, wake))
    }

    pub(super) fn post(&self, command: Command) {
        let mut posted = self.posted();
        posted.push(command);
        // Whoever finds commands there has been woken for the first of them.
        if posted.len() == 1 {
            // A full buffer is a wake-up as well; a loop that is gone needs none.
            let _ = (&self.waker).write(&[1]);
        }
    }

    fn posted(&self) -> MutexGuard<'_, Vec<Command>> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All commands so far.
    pub(super) fn taken(&self) -> Vec<Command> {
        std::mem::take(&mut *self.posted())
    }

    pub(super) fn messages(&self) -> usize {
        self.messages.load(Ordering::Relaxed)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// The way back of one message, and its place among those that are not settled.
pub(super) struct Ticket {
    shared: Arc<Shared>,
    line: u64,
    tag: u64,
    bytes: usize,
    gone: Arc<AtomicBool>,
}

impl Ticket {
    pub(super) fn new(
        shared: Arc<Shared>,
        line: u64,
        tag: u64,
        bytes: usize,
        gone: Arc<AtomicBool>,
    ) -> Self {
        shared.messages.fetch_add(1, Ordering::Relaxed);
        shared.bytes.fetch_add(bytes, Ordering::Relaxed);
        Self { shared, line, tag, bytes, gone }
    }

    fn tell(&self, kind: Kind) {
        self.shared.messages.fetch_sub(1, Ordering::Relaxed);
        self.shared.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        let frame = Frame { kind, tag: self.tag, body: Vec::new() };
        self.shared.post(Command::Settled { line: self.line, frame });
    }
}

impl Delivery for Ticket {
    fn acknowledge(self: Box<Self>) {
        self.tell(Kind::Acknowledged);
    }

    fn give_back(self: Box<Self>) {
        self.tell(Kind::GivenBack);
    }

    fn reject(self: Box<Self>) {
        self.tell(Kind::Rejected);
    }

    fn is_wanted(&self) -> bool {
        !self.gone.load(Ordering::Relaxed)
    }
}

/// Where the answers to one message go: to the loop, which knows the lines.
pub(super) struct Answers {
    pub(super) shared: Arc<Shared>,
    pub(super) line: u64,
    pub(super) tag: u64,
}

impl Replies for Answers {
    fn send(&self, _: &ReplyTo, reply: Reply) {
        let (call, is_last) = (reply.id.clone(), reply.is_last);
        let Some(body) = written(reply) else { return };
        let answer = Answer { line: self.line, tag: self.tag, call, body, is_last };
        self.shared.post(Command::Reply(answer));
    }
}
