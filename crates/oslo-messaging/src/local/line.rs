//! One client's connection as the server's loop sees it: bytes in, frames out, never waiting.
//!
//! Must not: decide what a frame means. A client that does not take its replies gets none after
//! [`UNSENT`] bytes, or when it has taken nothing for a while: what it does not read must not fill
//! our memory.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::frame::{Frame, FrameError, Unread};
use super::outlet::Outlet;
use crate::envelope::LARGEST_BODY;

/// Bytes that wait for a client to read them: the largest reply, and small ones.
const UNSENT: usize = LARGEST_BODY + 1024 * 1024;
/// Time for a frame to be complete, from its first byte, while it is being read.
const FRAME_LIMIT: Duration = Duration::from_secs(30);
/// Time within which a client takes at least a byte of what waits for it.
const DEAF_LIMIT: Duration = Duration::from_secs(30);
/// Bytes read in one turn, so that those of others are read, too.
const TURN: usize = 256 * 1024;

/// Why a client is let go.
#[derive(Debug, thiserror::Error)]
pub(super) enum Parting {
    #[error("it closed its side")]
    Closed,
    #[error("its frame was not complete after {} s", FRAME_LIMIT.as_secs())]
    HalfAFrame,
    #[error("it does not read its replies")]
    NeverReads,
    #[error("others need its place, and nothing came from it for longest")]
    Idle,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Line {
    /// Handlers write, too. It is closed with this line: they know it weakly.
    outlet: Arc<Outlet>,
    unread: Unread,
    /// Since when the frame that is being read has been.
    begun: Option<Instant>,
    last_sign: Instant,
    /// Set when nobody is at the other end any more.
    gone: Arc<AtomicBool>,
    /// Its messages that it still has to be told something about, with their number if it is a call.
    pub(super) open: BTreeMap<u64, Option<String>>,
}

impl Line {
    pub(super) fn new(stream: UnixStream, now: Instant) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            outlet: Arc::new(Outlet::new(stream)),
            unread: Unread::default(),
            begun: None,
            last_sign: now,
            gone: Arc::default(),
            open: BTreeMap::new(),
        })
    }

    /// Reads what there is, up to a turn's worth.
    pub(super) fn read(&mut self, now: Instant) -> Result<(), Parting> {
        let mut chunk = [0; 16 * 1024];
        let mut bytes = 0;
        while bytes < TURN {
            match self.outlet.stream().read(&mut chunk) {
                Ok(0) => return Err(Parting::Closed),
                Ok(count) => {
                    bytes += count;
                    self.last_sign = now;
                    self.unread.push(chunk.get(..count).unwrap_or_default());
                    if self.unread.is_whole() {
                        self.begun = None;
                        break; // what follows waits until this has been taken
                    }
                    self.begun.get_or_insert(now);
                    if count < chunk.len() {
                        break; // no more there, most likely; another look costs as much as a turn
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(parting(error)),
            }
        }
        Ok(())
    }

    /// The next whole frame of what was read.
    pub(super) fn next(&mut self, now: Instant) -> Result<Option<Frame>, Parting> {
        let frame = self.unread.next()?;
        if frame.is_some() {
            self.begun = (self.unread.len() > 0 && !self.unread.is_whole()).then_some(now);
        }
        Ok(frame)
    }

    /// Puts a frame behind those that wait, and sends what can be sent.
    pub(super) fn send(&mut self, frame: Frame, now: Instant) -> Result<(), Parting> {
        self.outlet.send(frame, now).map_err(parting)
    }

    /// Sends what can be sent without waiting.
    pub(super) fn write(&mut self, now: Instant) -> Result<(), Parting> {
        self.outlet.write(now).map_err(parting)
    }

    /// Whether what waits for it is not too much.
    pub(super) fn bounded(&self) -> Result<(), Parting> {
        if self.unsent() > UNSENT { Err(Parting::NeverReads) } else { Ok(()) }
    }

    /// The way out for whoever has something for it.
    pub(super) fn outlet(&self) -> Weak<Outlet> {
        Arc::downgrade(&self.outlet)
    }

    /// What to wait for; a client whose messages find no room is not read from.
    pub(super) fn interest(&self, room: bool) -> PollFlags {
        let mut interest = PollFlags::empty();
        interest.set(PollFlags::POLLIN, room);
        interest.set(PollFlags::POLLOUT, self.unsent() > 0);
        interest
    }

    /// We do not read from it: the time does not count against it.
    pub(super) fn pause(&mut self, now: Instant) {
        if self.begun.is_some() {
            self.begun = Some(now);
        }
    }

    /// When it has to be let go if nothing changes.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let begun = self.begun.map(|begun| begun + FRAME_LIMIT);
        begun.into_iter().chain(self.outlet.deaf().map(|deaf| deaf + DEAF_LIMIT)).min()
    }

    /// Why it has to be let go now.
    pub(super) fn overdue(&self, now: Instant) -> Option<Parting> {
        if self.outlet.deaf().is_some_and(|deaf| deaf + DEAF_LIMIT <= now) {
            return Some(Parting::NeverReads);
        }
        self.begun.is_some_and(|begun| begun + FRAME_LIMIT <= now).then_some(Parting::HalfAFrame)
    }

    /// Whether the first frame is complete: until it has been taken nothing more is read.
    pub(super) fn has_frame(&self) -> bool {
        self.unread.is_whole()
    }

    /// Bytes that the frame which is being read will have; as far as is known.
    pub(super) fn wanted(&self) -> usize {
        self.unread.wanted()
    }

    /// Since when a frame has been read.
    pub(super) fn begun(&self) -> Option<Instant> {
        self.begun
    }

    /// Bytes that came and were not taken out as frames.
    pub(super) fn held(&self) -> usize {
        self.unread.len()
    }

    /// Bytes that wait to be taken by it.
    pub(super) fn unsent(&self) -> usize {
        self.outlet.unsent()
    }

    /// When something last came from it.
    pub(super) fn last_sign(&self) -> Instant {
        self.last_sign
    }

    /// Whether nothing is under way with it.
    pub(super) fn is_idle(&self) -> bool {
        self.open.is_empty() && self.unsent() == 0
    }

    pub(super) fn gone(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.gone)
    }
}

/// A client that goes away with replies unread has closed its side, too.
fn parting(error: io::Error) -> Parting {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Parting::Closed,
        _ => Parting::Io(error),
    }
}

/// Whoever holds one of its messages is to know that nobody waits there.
impl Drop for Line {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Relaxed);
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.outlet.stream().as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::local::frame::Kind;

    fn line(now: Instant) -> (Line, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        (Line::new(ours, now).expect("a line"), theirs)
    }

    #[test]
    fn a_frame_has_thirty_seconds_that_count_only_while_it_is_read() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let (mut line, mut client) = line(now);
        assert_eq!(line.deadline(), None);
        client.write_all(&Frame::head(Kind::Message, 1, b"{}")).expect("written");
        line.read(now).expect("read");
        assert_eq!(line.deadline(), Some(after(30)));
        assert!(line.overdue(after(29)).is_none());
        assert!(matches!(line.overdue(after(30)), Some(Parting::HalfAFrame)));
        line.pause(after(20));
        assert!(line.overdue(after(49)).is_none() && line.overdue(after(50)).is_some());
        // More of it buys no more time; all of it ends the matter.
        client.write_all(b"{").expect("written");
        line.read(after(40)).expect("read");
        assert!(line.overdue(after(50)).is_some());
        client.write_all(b"}").expect("written");
        line.read(after(41)).expect("read");
        assert_eq!(line.deadline(), None);
        assert_eq!(line.next(after(41)).expect("a frame").expect("a frame").body, b"{}");
    }

    #[test]
    fn a_client_that_takes_nothing_for_thirty_seconds_or_too_much_waits_is_let_go() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let (mut line, mut client) = line(now);
        let frame = |bytes| Frame { kind: Kind::Reply, tag: 1, body: vec![b'x'; bytes] };
        line.send(frame(1024 * 1024), now).expect("it waits");
        assert!(!line.is_idle());
        assert!(matches!(line.overdue(after(30)), Some(Parting::NeverReads)));
        // It reads some: its time begins again.
        client.read_exact(&mut [0; 64 * 1024]).expect("read");
        line.write(after(20)).expect("more of it");
        assert!(line.overdue(after(49)).is_none() && line.overdue(after(50)).is_some());
        assert!(line.bounded().is_ok());
        line.send(frame(UNSENT), after(20)).expect("it waits");
        let error = line.bounded().expect_err("too much");
        assert!(matches!(error, Parting::NeverReads));
    }

    #[test]
    fn whoever_holds_a_message_knows_when_its_sender_is_gone() {
        let (line, _client) = line(Instant::now());
        let gone = line.gone();
        assert!(!gone.load(Ordering::Relaxed));
        drop(line);
        assert!(gone.load(Ordering::Relaxed));
    }
}
