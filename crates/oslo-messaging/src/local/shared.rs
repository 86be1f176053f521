//! What the loop of a local server and the threads of its handlers share.
//!
//! Handlers tell senders themselves what became of their messages, as far as that can be done without waiting, and post it
//! for the loop, which remembers what is open. It is woken only for what cannot wait until something comes anyhow. Must not:
//! wait for anybody.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use super::frame::{Frame, Kind, SMALL};
use super::outlet::Outlet;
use crate::envelope::{Reply, ReplyTo};
use crate::incoming::{Replies, written};
use crate::seen::Delivery;

/// See the module's head.
#[derive(Debug)]
pub(super) struct Shared {
    posted: Mutex<Posted>,
    waker: UnixStream,
    /// Messages and their bytes that are not settled.
    messages: AtomicUsize,
    bytes: AtomicUsize,
}

/// What is posted.
#[derive(Debug, Default)]
struct Posted {
    commands: Vec<Command>,
    /// Whether the loop has been woken for them.
    woken: bool,
    /// Whether it wants to be for whatever changes: it waits for room.
    is_eager: bool,
}

/// So many may wait until something comes.
const MOST_QUIET: usize = 256;

/// What a thread wants from the loop.
#[derive(Debug)]
pub(super) enum Command {
    /// A message was settled: there may be room for another one.
    Settled {
        line: u64,
        tag: u64,
        kind: Kind,
        /// Whether its client knows.
        is_told: bool,
    },
    /// Something has been said to a caller, or is to be.
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
    /// Nothing if it has been sent over that line.
    pub(super) body: Option<Vec<u8>>,
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

    /// Something that the loop has to do now.
    pub(super) fn post(&self, command: Command) {
        self.put(command, true);
    }

    /// What is not urgent is known to it before it does anything else.
    fn put(&self, command: Command, is_urgent: bool) {
        let mut posted = self.posted();
        posted.commands.push(command);
        let wanted = is_urgent || posted.is_eager || posted.commands.len() >= MOST_QUIET;
        if wanted && !std::mem::replace(&mut posted.woken, true) {
            // A full buffer is a wake-up as well; a loop that is gone needs none.
            let _ = (&self.waker).write(&[1]);
        }
    }

    fn posted(&self) -> MutexGuard<'_, Posted> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All commands so far.
    pub(super) fn taken(&self) -> Vec<Command> {
        let mut posted = self.posted();
        posted.woken = false;
        std::mem::take(&mut posted.commands)
    }

    /// The loop is about to wait; an eager one is woken by everything. Says whether it may, or has something to do.
    pub(super) fn may_wait(&self, is_eager: bool) -> bool {
        let mut posted = self.posted();
        posted.is_eager = is_eager;
        !is_eager || posted.commands.is_empty()
    }

    pub(super) fn messages(&self) -> usize {
        self.messages.load(Ordering::Relaxed)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

/// One message of a client's, as handlers know it.
#[derive(Clone)]
pub(super) struct Origin {
    pub(super) shared: Arc<Shared>,
    pub(super) line: u64,
    pub(super) tag: u64,
    pub(super) outlet: Weak<Outlet>,
    /// Whether it is a large one: about those the loop says everything, so that nothing overtakes anything, and the next
    /// one is asked for when this one's answer is bounded.
    pub(super) is_large: bool,
}

/// How far a client has been told something.
enum Told {
    /// All of it is on its way.
    Whole,
    /// The rest waits until the client takes it.
    Partly,
    /// Nothing: the loop has to.
    Nothing(Vec<u8>),
}

impl Origin {
    /// Tells the client, without waiting.
    fn tell(&self, kind: Kind, body: Vec<u8>) -> Told {
        let is_small = !self.is_large && body.len() <= SMALL;
        let outlet = if is_small { self.outlet.upgrade() } else { None };
        let Some(outlet) = outlet else { return Told::Nothing(body) };
        // Over a line that breaks just now nothing is owed: the loop finds that out by itself.
        match outlet.send(Frame { kind, tag: self.tag, body }, Instant::now()) {
            Ok(()) if outlet.unsent() > 0 => Told::Partly,
            Ok(()) | Err(_) => Told::Whole,
        }
    }
}

/// The way back of one message, and its place among those that are not settled.
pub(super) struct Ticket {
    origin: Origin,
    bytes: usize,
    gone: Arc<AtomicBool>,
}

impl Ticket {
    pub(super) fn new(origin: Origin, bytes: usize, gone: Arc<AtomicBool>) -> Self {
        origin.shared.messages.fetch_add(1, Ordering::Relaxed);
        origin.shared.bytes.fetch_add(bytes, Ordering::Relaxed);
        Self { origin, bytes, gone }
    }

    fn tell(&self, kind: Kind) {
        let Origin { shared, line, tag, .. } = &self.origin;
        shared.messages.fetch_sub(1, Ordering::Relaxed);
        shared.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        let (is_told, is_urgent) = match self.origin.tell(kind, Vec::new()) {
            Told::Whole => (true, false),
            Told::Partly => (true, true),
            Told::Nothing(_) => (false, true),
        };
        shared.put(Command::Settled { line: *line, tag: *tag, kind, is_told }, is_urgent);
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

/// Where the answers to one message go: over its line, or to the loop, which knows the others.
pub(super) struct Answers(pub(super) Origin);

impl Replies for Answers {
    fn send(&self, _: &ReplyTo, reply: Reply) {
        let (call, is_last) = (reply.id.clone(), reply.is_last);
        let Some(body) = written(reply) else { return };
        let Origin { shared, line, tag, .. } = &self.0;
        let (body, is_urgent) = match self.0.tell(Kind::Reply, body) {
            Told::Whole => (None, false),
            Told::Partly => (None, true),
            Told::Nothing(body) => (Some(body), true),
        };
        shared
            .put(Command::Reply(Answer { line: *line, tag: *tag, call, body, is_last }), is_urgent);
    }
}
