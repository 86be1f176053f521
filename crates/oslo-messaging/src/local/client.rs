//! The way to a server on a local socket: one message at a time on a connection.
//!
//! A call that has been answered leaves its connection for the next one to that server. Casts and fan-outs have one of
//! their own: of a connection that breaks just then nobody could tell whether the message was taken. Must not: start a
//! thread, or wait longer than it is told: a server that is stopped accepts connections until its backlog is full, and
//! then nothing.

use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, socket,
};

use super::frame::{Frame, Kind, SMALL, Unread};
use super::place::Place;
use crate::client::{Heard, Lane, Letter, Offer, Road, Way};
use crate::error::CallError;
use crate::target::Destination;

/// Connections that are kept at a time, of all servers together.
const MOST_KEPT: usize = 16;

/// The sockets of a bus, and what is kept of the way to them.
pub(crate) struct Streets {
    place: Place,
    kept: Arc<Kept>,
}

impl Streets {
    pub(super) fn new(place: Place) -> Self {
        Self { place, kept: Arc::default() }
    }
}

impl Road for Streets {
    fn ways(&self, to: &Destination) -> Result<Vec<Box<dyn Way>>, CallError> {
        let sockets = self.place.sockets(to).map_err(|source| CallError::Bus { source })?;
        let way = |path| Box::new(Socket { path, kept: Arc::clone(&self.kept) }) as Box<dyn Way>;
        Ok(sockets.into_iter().map(way).collect())
    }
}

/// Connections over which nothing is under way.
#[derive(Default)]
struct Kept(Mutex<Vec<Line>>);

impl Kept {
    /// One to this socket over which nothing has come meanwhile, not even its end.
    fn take(&self, path: &Path) -> Option<Line> {
        let mut lines = self.lines();
        // A forked copy would take what is said to the other process.
        lines.retain(|line| line.opener == std::process::id());
        while let Some(at) = lines.iter().position(|line| line.path == path) {
            let line = lines.swap_remove(at);
            if line.is_quiet() {
                return Some(line);
            }
        }
        None
    }

    fn put(&self, line: Line) {
        let mut lines = self.lines();
        if lines.len() == MOST_KEPT {
            lines.remove(0);
        }
        lines.push(line);
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a server listens.
struct Socket {
    path: PathBuf,
    kept: Arc<Kept>,
}

impl Way for Socket {
    fn offer(
        &self,
        letter: &Letter<'_>,
        again: bool,
        deadline: Instant,
    ) -> Result<Box<dyn Lane>, Offer> {
        let body = letter.body;
        let kept = letter.call.and_then(|_| self.kept.take(&self.path));
        let mut line = match kept {
            Some(line) => line,
            None => self.connect().map_err(Offer::Lost)?,
        };
        line.tag += 1;
        let kind = if again { Kind::MessageAgain } else { Kind::Message };
        let head = Frame::head(kind, line.tag, body);
        if body.len() <= SMALL {
            // In one piece: the head alone would wake the server for nothing.
            line.write(&[&head, body].concat(), deadline)?;
        } else {
            line.write(&head, deadline)?;
            line.write(body, deadline)?;
        }
        Ok(Box::new(Lent { line, kept: Arc::clone(&self.kept) }))
    }
}

impl Socket {
    /// Connects without waiting: in a full backlog `connect(2)` would wait for ever.
    fn connect(&self) -> io::Result<Line> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
        let address = UnixAddr::new(&self.path)?;
        match connect(socket.as_raw_fd(), &address) {
            Ok(()) => {}
            Err(Errno::EAGAIN) => return Err(io::Error::other("too many clients wait there")),
            Err(errno) => return Err(errno.into()),
        }
        let stream = UnixStream::from(socket);
        stream.set_nonblocking(false)?;
        let (path, opener) = (self.path.clone(), std::process::id());
        Ok(Line { stream, unread: Unread::default(), tag: 0, path, opener })
    }
}

/// A connection to a server.
struct Line {
    stream: UnixStream,
    unread: Unread,
    /// Of the message that went last.
    tag: u64,
    path: PathBuf,
    /// The process that opened it.
    opener: u32,
}

impl Line {
    fn write(&mut self, mut bytes: &[u8], deadline: Instant) -> Result<(), Offer> {
        while !bytes.is_empty() {
            self.stream.set_write_timeout(Some(left(deadline)?)).map_err(Offer::Lost)?;
            match self.stream.write(bytes) {
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if is_pause(&error) => {}
                Err(error) => return Err(Offer::Lost(error)),
            }
        }
        Ok(())
    }
}

impl Line {
    /// Whether there is nothing to be read, and somebody at the other end.
    fn is_quiet(&self) -> bool {
        let look = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        self.unread.len() == 0
            && recv(self.stream.as_raw_fd(), &mut [0], look) == Err(Errno::EAGAIN)
    }

    fn hear(&mut self, deadline: Instant) -> Result<Heard, Offer> {
        let mut chunk = [0; 16 * 1024];
        loop {
            let next =
                self.unread.next().map_err(|source| Offer::Lost(io::Error::other(source)))?;
            if let Some(frame) = next {
                if frame.tag != self.tag {
                    continue; // about one that is over
                }
                match frame.kind {
                    Kind::Acknowledged => return Ok(Heard::Acknowledged),
                    Kind::GivenBack => return Ok(Heard::GivenBack),
                    Kind::Rejected => return Ok(Heard::Rejected),
                    Kind::Reply => return Ok(Heard::Reply(frame.body)),
                    Kind::Message | Kind::MessageAgain => continue, // no server says that
                }
            }
            self.stream.set_read_timeout(Some(left(deadline)?)).map_err(Offer::Lost)?;
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(Offer::Lost(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => self.unread.push(chunk.get(..count).unwrap_or_default()),
                Err(error) if is_pause(&error) => {}
                Err(error) => return Err(Offer::Lost(error)),
            }
        }
    }
}

/// A connection while a message is under way on it.
struct Lent {
    line: Line,
    kept: Arc<Kept>,
}

impl Lane for Lent {
    fn hear(&mut self, deadline: Instant) -> Result<Heard, Offer> {
        self.line.hear(deadline)
    }

    fn over(self: Box<Self>) {
        self.kept.put(self.line);
    }
}

fn left(deadline: Instant) -> Result<Duration, Offer> {
    match deadline.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(Offer::Late),
        left => Ok(left),
    }
}

fn is_pause(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;
    use std::thread;

    use super::*;
    use crate::bus::Bus;
    use crate::dispatch::{Dispatcher, Method, Version, returned};
    use crate::pool::Pool;
    use crate::server::ServerOptions;
    use crate::target::Target;
    use crate::{Client, Context, Request};

    const LIMIT: Duration = Duration::from_secs(20);

    fn letter(call: Option<&'static str>) -> Letter<'static> {
        Letter { body: b"{}", call }
    }

    /// Reads one message and acknowledges it; with its number.
    fn take(stream: &mut UnixStream) -> u8 {
        let mut frame = [0; 15];
        stream.read_exact(&mut frame).expect("a message");
        let mut answer = frame;
        answer[0] = 2;
        answer[9..13].fill(0);
        stream.write_all(&answer[..13]).expect("told");
        frame[8]
    }

    #[test]
    fn a_call_goes_over_the_connection_of_the_last_one_that_was_answered_if_that_is_still_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("t,s");
        let listener = UnixListener::bind(&path).expect("bound");
        let socket = Socket { path, kept: Arc::default() };
        let deadline = Instant::now() + LIMIT;
        let offer = |call| socket.offer(&letter(call), false, deadline).expect("offered");
        let over = |mut lane: Box<dyn Lane>| {
            assert!(matches!(lane.hear(deadline), Ok(Heard::Acknowledged)));
            lane.over();
        };
        let first = offer(Some("a"));
        let (mut stream, _) = listener.accept().expect("a client");
        assert_eq!(take(&mut stream), 1);
        over(first);
        let second = offer(Some("b"));
        // What comes late of the first says nothing about the second.
        let late = Frame::head(Kind::Rejected, 1, b"");
        stream.write_all(&late).expect("told");
        assert_eq!(take(&mut stream), 2);
        over(second);
        // A cast has a connection of its own, and so has a call while another is under way.
        let (cast, call) = (offer(None), offer(Some("c")));
        assert_eq!(take(&mut listener.accept().expect("a client").0), 1);
        assert_eq!(take(&mut stream), 3);
        let beside = offer(Some("d"));
        let (mut other, _) = listener.accept().expect("a client");
        assert_eq!(take(&mut other), 1);
        drop((cast, beside));
        over(call);
        // One that has ended meanwhile is not even tried.
        drop(stream);
        let after = offer(Some("e"));
        assert_eq!(take(&mut listener.accept().expect("a client").0), 1);
        drop(after);
        // And a copy of the process has none.
        let last = offer(Some("f"));
        let (mut stream, _) = listener.accept().expect("a client");
        take(&mut stream);
        over(last);
        socket.kept.lines()[0].opener += 1;
        assert!(socket.kept.take(&socket.path).is_none());
        assert!(socket.kept.lines().is_empty());
    }

    #[test]
    fn no_more_connections_are_kept_than_a_few() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("t,s");
        let _listener = UnixListener::bind(&path).expect("bound");
        let socket = Socket { path, kept: Arc::default() };
        let lines: Vec<_> = (0..=MOST_KEPT).map(|_| socket.connect().expect("connected")).collect();
        lines.into_iter().for_each(|line| socket.kept.put(line));
        assert_eq!(socket.kept.lines().len(), MOST_KEPT);
    }

    #[test]
    fn who_has_called_one_server_calls_the_next_of_its_name_when_that_one_stops() {
        let directory = tempfile::tempdir().expect("a directory");
        let bus = Bus::local(directory.path());
        let serve = |name: &'static str| {
            let target = Target::new("openstack", "t", "s").expect("good names");
            let server = bus.serve(&[target], ServerOptions::default()).expect("a server");
            let method = Method::new("who", move |_| returned(name));
            let dispatcher = Dispatcher::default().with(Version { major: 1, minor: 0 }, [method]);
            Pool::start(server, dispatcher, 2).expect("threads")
        };
        let call = |client: &Client| {
            let to = Destination::Server {
                exchange: "openstack".into(),
                topic: "t".into(),
                server: "s".into(),
            };
            let request = Request::new("who", "1.0", &serde_json::json!({}), Context::default());
            client.call(&to, request.expect("JSON"), LIMIT).expect("an answer").get().to_owned()
        };
        let client = bus.client();
        let first = serve("first");
        assert_eq!((call(&client), call(&client)), ("\"first\"".into(), "\"first\"".into()));
        // It has ended what it runs and is not closed yet: what comes to it now goes back.
        assert!(first.finish(LIMIT));
        let deadline = Instant::now() + LIMIT;
        while directory.path().join("t,s").exists() {
            assert!(Instant::now() < deadline, "its socket stays");
            thread::sleep(Duration::from_millis(5));
        }
        let second = serve("second");
        assert_eq!(call(&client), "\"second\"");
        drop((first, second));
    }
}
