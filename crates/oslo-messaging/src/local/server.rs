//! The loop of a local server: one thread in one `poll(2)` over its sockets and all clients.
//!
//! It reads messages, decodes them one at a time and puts them into the inbox; handlers run on
//! threads of their caller and post what their senders are told. Bounded by numbers: so many
//! clients, so many messages and bytes that wait or are in hand; when they are used up it reads
//! nothing until some are settled, and what is not read stays with its sender. Must not: wait for a
//! client, run a handler.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::frame::{Frame, Kind, LARGEST_BODY};
use super::line::{Line, Parting};
use super::listener::Listener;
use super::place::Place;
use crate::envelope::{Reply, ReplyTo, Request};
use crate::error::ServeError;
use crate::inbox::Inbox;
use crate::incoming::{Incoming, Replies};
use crate::seen::{Delivery, Seen, Verdict};
use crate::target::Target;

/// Clients at a time.
const CLIENTS: usize = 256;
/// Bytes of messages that are read, wait or are in hand, beside one that is being read.
const BYTES: usize = LARGEST_BODY;
/// How long the last replies may take to be read by their callers.
const LAST_REPLIES: Duration = Duration::from_secs(2);

/// Servers of some targets on the local bus.
#[derive(Debug)]
pub struct LocalServer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the loop and the handlers share.
#[derive(Debug)]
struct Shared {
    inbox: Inbox,
    posted: Mutex<Vec<Command>>,
    waker: UnixStream,
    /// Messages and their bytes that are not settled.
    messages: AtomicUsize,
    bytes: AtomicUsize,
}

#[derive(Debug)]
enum Command {
    /// A frame for a client, if it is still there.
    Send(u64, Frame),
    /// A message was settled: there may be room for another one.
    Settled,
    StopConsuming,
    Close,
}

impl LocalServer {
    /// Listens below `directory` for these targets; at most `prefetch` messages wait or are in hand.
    ///
    /// # Errors
    ///
    /// [`ServeError`]; what had been opened is closed again.
    pub fn start(
        directory: &Path,
        targets: &[Target],
        prefetch: usize,
    ) -> Result<Self, ServeError> {
        let place = Place::new(directory);
        let unusable = |source| ServeError::Directory { path: directory.to_owned(), source };
        place.prepare().map_err(unusable)?;
        let listeners: Result<Vec<_>, _> =
            targets.iter().map(|target| Listener::bind(&place.socket(target))).collect();
        let listeners = listeners?;
        let thread_error = |source| ServeError::Thread { source };
        let (wake, waker) = UnixStream::pair().map_err(thread_error)?;
        wake.set_nonblocking(true).map_err(thread_error)?;
        waker.set_nonblocking(true).map_err(thread_error)?;
        let shared = Arc::new(Shared {
            inbox: Inbox::default(),
            posted: Mutex::default(),
            waker,
            messages: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        });
        let turns = Turns {
            shared: Arc::clone(&shared),
            seen: Seen::default(),
            listeners,
            lines: BTreeMap::new(),
            next_line: 0,
            wake,
            prefetch: prefetch.max(1),
        };
        let thread = std::thread::Builder::new().name("messaging".into());
        let thread = thread.spawn(move || turns.run()).map_err(thread_error)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The next request; waits for one until [`LocalServer::stop_consuming`].
    #[must_use]
    pub fn next(&self) -> Option<Incoming> {
        self.shared.inbox.next()
    }

    /// The next request, if one comes in time.
    #[must_use]
    pub fn next_within(&self, limit: Duration) -> Option<Incoming> {
        self.shared.inbox.next_within(limit)
    }

    /// Requests that wait for a thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.inbox.len()
    }

    /// Takes nothing more; what waits is given back. Replies of what is in hand still go out.
    pub fn stop_consuming(&self) {
        self.shared.post(Command::StopConsuming);
        self.shared.inbox.close();
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        self.stop_consuming();
        self.shared.post(Command::Close);
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been reported by its hook.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn post(&self, command: Command) {
        self.posted().push(command);
        // A full buffer is a wake-up as well; a loop that is gone needs none.
        let _ = (&self.waker).write(&[1]);
    }

    fn posted(&self) -> MutexGuard<'_, Vec<Command>> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way back of one message.
struct Ticket {
    shared: Arc<Shared>,
    line: u64,
    tag: u64,
    bytes: usize,
}

impl Ticket {
    fn tell(&self, kind: Kind) {
        self.shared.messages.fetch_sub(1, Ordering::Relaxed);
        self.shared.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        let frame = Frame { kind, tag: self.tag, body: Vec::new() };
        self.shared.post(Command::Send(self.line, frame));
        self.shared.post(Command::Settled);
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
}

/// Where the answers to one message go: the line it came over.
struct Answers {
    shared: Arc<Shared>,
    line: u64,
    tag: u64,
}

impl Replies for Answers {
    fn send(&self, _: &ReplyTo, reply: Reply) {
        let unique_id = uuid::Uuid::new_v4().simple().to_string();
        let body = match reply.encode(&unique_id) {
            Ok(body) if body.len() <= LARGEST_BODY => body,
            Ok(body) => {
                tracing::error!(
                    target: "oslo_messaging.local",
                    "A reply of {} bytes is dropped; {LARGEST_BODY} are the most", body.len()
                );
                return;
            }
            Err(error) => {
                tracing::error!(target: "oslo_messaging.local", "A reply cannot be written: {error}");
                return;
            }
        };
        let frame = Frame { kind: Kind::Reply, tag: self.tag, body };
        self.shared.post(Command::Send(self.line, frame));
    }
}

/// The state of the loop.
struct Turns {
    shared: Arc<Shared>,
    seen: Seen,
    listeners: Vec<Listener>,
    lines: BTreeMap<u64, Line>,
    next_line: u64,
    wake: UnixStream,
    prefetch: usize,
}

/// What there is to do.
#[derive(Default)]
struct Ready {
    arrivals: Vec<usize>,
    lines: Vec<u64>,
}

impl Turns {
    fn run(mut self) {
        let mut closing: Option<Instant> = None;
        loop {
            // Commands first: what is settled makes room for what is read afterwards.
            for command in std::mem::take(&mut *self.shared.posted()) {
                match command {
                    Command::Send(line, frame) => self.send(line, &frame),
                    Command::Settled => {}
                    Command::StopConsuming => self.listeners.clear(),
                    Command::Close => closing = Some(Instant::now() + LAST_REPLIES),
                }
            }
            if let Some(limit) = closing
                && (Instant::now() >= limit || self.lines.values().all(|line| line.held() == 0))
            {
                return;
            }
            match self.wait(closing) {
                Ok(ready) => self.turn(&ready),
                Err(error) => {
                    // The kernel refuses to wait for descriptors that it gave us: nothing that
                    // another try would change soon, and nothing that may end the service.
                    tracing::error!(target: "oslo_messaging.local", "Cannot wait for clients: {error}");
                    std::thread::sleep(Duration::from_secs(1));
                }
            }
        }
    }

    fn wait(&self, closing: Option<Instant>) -> io::Result<Ready> {
        let room = self.room();
        let ids: Vec<u64> = self.lines.keys().copied().collect();
        let mut watched = vec![PollFd::new(self.wake.as_fd(), PollFlags::POLLIN)];
        watched.extend(self.listeners.iter().map(|one| PollFd::new(one.as_fd(), PollFlags::POLLIN)));
        watched.extend(
            self.lines
                .iter()
                .map(|(id, line)| PollFd::new(line.as_fd(), line.interest(room || self.is_first(*id)))),
        );
        let deadlines = self.lines.values().filter_map(Line::deadline).chain(closing);
        match poll(&mut watched, timeout(deadlines.min())) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let mut hits = watched.iter().map(|one| one.any() == Some(true));
        if hits.next() == Some(true) {
            // Whatever woke us stands among the commands.
            while matches!((&self.wake).read(&mut [0; 64]), Ok(count) if count > 0) {}
        }
        let mut ready = Ready::default();
        ready.arrivals = (0..self.listeners.len()).filter(|_| hits.next() == Some(true)).collect();
        ready.lines = ids.into_iter().filter(|_| hits.next() == Some(true)).collect();
        Ok(ready)
    }

    fn turn(&mut self, ready: &Ready) {
        let now = Instant::now();
        for id in &ready.lines {
            if let Some(line) = self.lines.get_mut(id)
                && let Err(parting) = line.write()
            {
                self.part(*id, &parting);
            }
            if self.room() || self.is_first(*id) {
                self.read(*id, now);
            }
        }
        let late = self.lines.iter().filter(|(_, line)| line.deadline().is_some_and(|at| at <= now));
        let late: Vec<u64> = late.map(|(id, _)| *id).collect();
        for id in late {
            self.part(id, &Parting::HalfAFrame);
        }
        for number in &ready.arrivals {
            self.welcome(*number, now);
        }
    }

    /// Whether another message can be read.
    fn room(&self) -> bool {
        let held: usize = self.lines.values().map(Line::held).sum();
        self.shared.messages.load(Ordering::Relaxed) < self.prefetch
            && self.shared.bytes.load(Ordering::Relaxed) + held < BYTES
    }

    /// Whether this client's frame is the one that may be finished without room: with none at all,
    /// two halves of large frames would keep each other out.
    fn is_first(&self, id: u64) -> bool {
        let begun = self.lines.iter().filter(|(_, line)| line.deadline().is_some());
        self.shared.bytes.load(Ordering::Relaxed) == 0
            && begun.min_by_key(|(_, line)| line.deadline()).is_some_and(|(first, _)| *first == id)
    }

    fn read(&mut self, id: u64, now: Instant) {
        let Some(line) = self.lines.get_mut(&id) else { return };
        match line.read(now) {
            Ok(frames) => frames.into_iter().for_each(|frame| self.take(id, frame)),
            Err(parting) => self.part(id, &parting),
        }
    }

    fn take(&mut self, line: u64, frame: Frame) {
        if !matches!(frame.kind, Kind::Message | Kind::MessageAgain) {
            return; // no client says that; it harms nobody
        }
        let bytes = frame.body.len();
        let ticket = Ticket { shared: Arc::clone(&self.shared), line, tag: frame.tag, bytes };
        self.shared.messages.fetch_add(1, Ordering::Relaxed);
        self.shared.bytes.fetch_add(bytes, Ordering::Relaxed);
        let request = match Request::decode(&frame.body) {
            Ok(request) => request,
            Err(error) => {
                let start = frame.body.get(..frame.body.len().min(200)).unwrap_or_default();
                tracing::warn!(
                    target: "oslo_messaging.local",
                    "A message is dropped: {error}; it begins {:?}", String::from_utf8_lossy(start)
                );
                Box::new(ticket).reject();
                return;
            }
        };
        drop(frame);
        if let Some(oddity) = request.oddity {
            tracing::warn!(target: "oslo_messaging.local", "{} came as {oddity}", request.method);
        }
        let answers = Answers { shared: Arc::clone(&self.shared), line, tag: ticket.tag };
        let id = request.unique_id.clone();
        match self.seen.take(id.as_deref(), Box::new(ticket)) {
            Verdict::Duplicate => {}
            Verdict::New(in_hand) => self.shared.inbox.put(Incoming::new(
                request,
                in_hand,
                Arc::new(answers),
                Instant::now(),
            )),
        }
    }

    fn send(&mut self, id: u64, frame: &Frame) {
        if let Some(line) = self.lines.get_mut(&id)
            && let Err(parting) = line.send(frame)
        {
            self.part(id, &parting);
        }
    }

    fn part(&mut self, id: u64, why: &Parting) {
        if self.lines.remove(&id).is_some() && !matches!(why, Parting::Closed) {
            tracing::warn!(target: "oslo_messaging.local", "A client is let go: {why}");
        }
    }

    fn welcome(&mut self, number: usize, now: Instant) {
        let accepted = match self.listeners.get(number).map(Listener::accept) {
            Some(Ok(Some(stream))) => Line::new(stream, now),
            Some(Err(error)) => Err(error),
            Some(Ok(None)) | None => return,
        };
        match accepted {
            Ok(line) => {
                if self.lines.len() >= CLIENTS {
                    self.make_room();
                }
                self.lines.insert(self.next_line, line);
                self.next_line += 1;
            }
            Err(error) => {
                // Most often no descriptor is left: the idlest client's is taken.
                tracing::warn!(target: "oslo_messaging.local", "A client cannot be taken: {error}");
                self.make_room();
            }
        }
    }

    /// Lets the client go from which nothing has come for longest. One that still waits for a reply
    /// connects again and asks again.
    fn make_room(&mut self) {
        let idlest = self.lines.iter().min_by_key(|(_, line)| line.last_sign());
        if let Some(id) = idlest.map(|(id, _)| *id) {
            self.lines.remove(&id);
        }
    }
}

fn timeout(deadline: Option<Instant>) -> PollTimeout {
    let Some(deadline) = deadline else { return PollTimeout::NONE };
    let left = deadline.saturating_duration_since(Instant::now());
    // Rounded up: waking a moment too early would mean a second turn for nothing.
    PollTimeout::try_from(left + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
}
