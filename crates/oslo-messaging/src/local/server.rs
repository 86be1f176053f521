//! A local server: what its loop and the threads of the handlers share.
//!
//! Must not: wait for a client. Handlers post what their senders are told; the loop
//! ([`super::turns`]) tells them.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::frame::{Frame, Kind};
use super::listener::Listener;
use super::place::Place;
use super::turns::Turns;
use crate::client::LARGEST_BODY;
use crate::envelope::{Reply, ReplyTo};
use crate::error::ServeError;
use crate::failure::Failure;
use crate::incoming::Replies;
use crate::reception::Reception;
use crate::seen::Delivery;
use crate::server::{Carrier, Server, ServerOptions};
use crate::target::Target;

/// Listens below `directory` for these targets.
///
/// # Errors
///
/// [`ServeError`]; what had been opened is closed again.
pub(crate) fn serve(
    directory: &Path,
    targets: &[Target],
    options: ServerOptions,
) -> Result<Server, ServeError> {
    let place = Place::new(directory);
    let unusable = |source| ServeError::Directory { path: directory.to_owned(), source };
    place.prepare().map_err(unusable)?;
    let listeners: Result<Vec<_>, _> =
        targets.iter().map(|target| Listener::bind(&place.socket(target))).collect();
    let listeners = listeners?;
    let prefetch = options.prefetch();
    let reception = Arc::new(Reception::new(options.words));
    let thread_error = |source| ServeError::Thread { source };
    let (shared, wake) = Shared::new().map_err(thread_error)?;
    let shared = Arc::new(shared);
    let turns = Turns::new(Arc::clone(&shared), Arc::clone(&reception), listeners, wake, prefetch);
    let thread = std::thread::Builder::new().name("messaging".into());
    let thread = thread.spawn(move || turns.run()).map_err(thread_error)?;
    Ok(Server::new(Box::new(Local { shared, thread: Mutex::new(Some(thread)) }), reception))
}

/// The loop, from outside.
struct Local {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Carrier for Local {
    fn stop_consuming(&self) {
        self.shared.post(Command::StopConsuming);
    }

    fn close(&self) {
        self.shared.post(Command::Close);
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A panic of that thread has been reported by its hook.
            let _ = thread.join();
        }
    }
}

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
    /// Something for whoever called under this number.
    Reply {
        call: String,
        body: Vec<u8>,
        is_last: bool,
    },
    StopConsuming,
    Close,
}

impl Shared {
    fn new() -> io::Result<(Self, UnixStream)> {
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

    fn post(&self, command: Command) {
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

/// Where the answers go: to the loop, which knows over which line a call came last.
pub(super) struct Answers(pub(super) Arc<Shared>);

impl Replies for Answers {
    fn send(&self, _: &ReplyTo, reply: Reply) {
        let is_last = reply.is_last;
        let call = reply.id.clone();
        let Some(body) = written(reply) else { return };
        self.0.post(Command::Reply { call, body, is_last });
    }
}

/// The body of a reply; one that cannot be sent becomes a failure that can.
pub(crate) fn written(reply: Reply) -> Option<Vec<u8>> {
    let unique_id = uuid::Uuid::new_v4().simple().to_string();
    let reason = match reply.encode(&unique_id) {
        Ok(body) if body.len() <= LARGEST_BODY => return Some(body),
        Ok(body) => format!("a result of {} bytes; {LARGEST_BODY} are the most", body.len()),
        Err(error) => format!("the result cannot be written: {error}"),
    };
    tracing::error!(target: "oslo_messaging.server", "A call fails at its end: {reason}");
    let failure = Box::new(Failure::runtime_error(reason));
    Reply { result: Err(failure), ..reply }.encode(&unique_id).ok()
}
