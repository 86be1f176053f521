//! One client's connection as the server's loop sees it: bytes in, frames out, never waiting.
//!
//! Must not: decide what a frame means. A client that does not take its replies gets none after
//! [`UNSENT`] bytes: what it does not read must not fill our memory.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;

use super::frame::{Frame, FrameError, LARGEST_BODY, Unread};

/// Bytes that wait for a client to read them: the largest reply, and small ones.
pub(super) const UNSENT: usize = LARGEST_BODY + 1024 * 1024;
/// Time for a frame to be complete, from its first byte.
const FRAME_LIMIT: Duration = Duration::from_secs(30);
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
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Line {
    stream: UnixStream,
    unread: Unread,
    /// Since when the frame that is being read has been.
    begun: Option<Instant>,
    unsent: VecDeque<Vec<u8>>,
    /// Bytes of the first of those that are sent.
    sent: usize,
    unsent_bytes: usize,
    last_sign: Instant,
}

impl Line {
    pub(super) fn new(stream: UnixStream, now: Instant) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            unread: Unread::default(),
            begun: None,
            unsent: VecDeque::new(),
            sent: 0,
            unsent_bytes: 0,
            last_sign: now,
        })
    }

    /// Reads what there is, up to a turn's worth, and takes out the frames that are whole.
    pub(super) fn read(&mut self, now: Instant) -> Result<Vec<Frame>, Parting> {
        let mut chunk = [0; 16 * 1024];
        let (mut frames, mut bytes) = (Vec::new(), 0);
        while bytes < TURN {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(Parting::Closed),
                Ok(count) => {
                    bytes += count;
                    self.last_sign = now;
                    self.unread.push(chunk.get(..count).unwrap_or_default());
                    while let Some(frame) = self.unread.next()? {
                        self.begun = None;
                        frames.push(frame);
                    }
                    if self.unread.len() > 0 {
                        self.begun.get_or_insert(now);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(frames)
    }

    /// Puts a frame behind those that wait, and sends what can be sent.
    pub(super) fn send(&mut self, frame: &Frame) -> Result<(), Parting> {
        let bytes = frame.encode();
        self.unsent_bytes += bytes.len();
        self.unsent.push_back(bytes);
        self.write()?;
        if self.unsent_bytes > UNSENT { Err(Parting::NeverReads) } else { Ok(()) }
    }

    /// Sends what can be sent without waiting.
    pub(super) fn write(&mut self) -> Result<(), Parting> {
        while let Some(first) = self.unsent.front() {
            match self.stream.write(first.get(self.sent..).unwrap_or_default()) {
                Ok(count) => {
                    self.sent += count;
                    self.unsent_bytes = self.unsent_bytes.saturating_sub(count);
                    if self.sent >= first.len() {
                        self.unsent.pop_front();
                        self.sent = 0;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// What to wait for; a client whose messages find no room is not read from.
    pub(super) fn interest(&self, room: bool) -> PollFlags {
        let mut interest = PollFlags::empty();
        interest.set(PollFlags::POLLIN, room);
        interest.set(PollFlags::POLLOUT, !self.unsent.is_empty());
        interest
    }

    /// Until when the frame that is being read has to be complete.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.begun.map(|begun| begun + FRAME_LIMIT)
    }

    /// Bytes of half frames and of replies that wait here.
    pub(super) fn held(&self) -> usize {
        self.unread.len() + self.unsent_bytes
    }

    /// When something last came from it.
    pub(super) fn last_sign(&self) -> Instant {
        self.last_sign
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
