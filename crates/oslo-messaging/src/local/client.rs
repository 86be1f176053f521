//! The way to a server on a local socket: one connection per message.
//!
//! Must not: start a thread, or wait longer than it is told: a server that is stopped accepts
//! connections until its backlog is full, and then nothing.

use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};

use super::frame::{Frame, Kind, SMALL, Unread};
use super::place::Place;
use crate::client::{Heard, Lane, Letter, Offer, Road, Way};
use crate::error::CallError;
use crate::target::Destination;

/// The number of the only message on a connection.
const TAG: u64 = 1;

impl Road for Place {
    fn ways(&self, to: &Destination) -> Result<Vec<Box<dyn Way>>, CallError> {
        let sockets = self.sockets(to).map_err(|source| CallError::Bus { source })?;
        Ok(sockets.into_iter().map(|path| Box::new(Socket(path)) as Box<dyn Way>).collect())
    }
}

/// Where a server listens.
struct Socket(PathBuf);

impl Way for Socket {
    fn offer(
        &self,
        letter: &Letter<'_>,
        again: bool,
        deadline: Instant,
    ) -> Result<Box<dyn Lane>, Offer> {
        let body = letter.body;
        let stream = self.connect().map_err(Offer::Lost)?;
        let mut line = Line { stream, unread: Unread::default() };
        let kind = if again { Kind::MessageAgain } else { Kind::Message };
        let head = Frame::head(kind, TAG, body);
        if body.len() <= SMALL {
            // In one piece: the head alone would wake the server for nothing.
            line.write(&[&head, body].concat(), deadline)?;
        } else {
            line.write(&head, deadline)?;
            line.write(body, deadline)?;
        }
        Ok(Box::new(line))
    }
}

impl Socket {
    /// Connects without waiting: in a full backlog `connect(2)` would wait for ever.
    fn connect(&self) -> io::Result<UnixStream> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
        let address = UnixAddr::new(&self.0)?;
        match connect(socket.as_raw_fd(), &address) {
            Ok(()) => {}
            Err(Errno::EAGAIN) => return Err(io::Error::other("too many clients wait there")),
            Err(errno) => return Err(errno.into()),
        }
        let stream = UnixStream::from(socket);
        stream.set_nonblocking(false)?;
        Ok(stream)
    }
}

/// A connection over which one message went.
struct Line {
    stream: UnixStream,
    unread: Unread,
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

impl Lane for Line {
    fn hear(&mut self, deadline: Instant) -> Result<Heard, Offer> {
        let mut chunk = [0; 16 * 1024];
        loop {
            let next =
                self.unread.next().map_err(|source| Offer::Lost(io::Error::other(source)))?;
            if let Some(frame) = next {
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
