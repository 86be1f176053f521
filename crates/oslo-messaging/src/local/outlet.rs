//! What goes out to one client: written by whoever has something for it, without waiting.
//!
//! The thread of a handler writes an answer itself instead of waking the loop for it: a change of thread less. What the
//! client does not take at once is kept here, and the loop writes the rest. Must not: know what is said, or wait.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::frame::{Frame, SMALL};

/// See the module's head.
#[derive(Debug)]
pub(super) struct Outlet {
    stream: UnixStream,
    out: Mutex<Out>,
}

#[derive(Debug, Default)]
struct Out {
    unsent: VecDeque<Vec<u8>>,
    /// Bytes of the first of those that are sent.
    sent: usize,
    bytes: usize,
    /// Since when it has taken nothing of them.
    deaf: Option<Instant>,
}

impl Outlet {
    /// Over a stream that waits for nothing.
    pub(super) fn new(stream: UnixStream) -> Self {
        Self { stream, out: Mutex::default() }
    }

    pub(super) fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Puts a frame behind those that wait, and sends what can be sent.
    ///
    /// # Errors
    ///
    /// The client cannot be written to any more.
    pub(super) fn send(&self, frame: Frame, now: Instant) -> io::Result<()> {
        let head = Frame::head(frame.kind, frame.tag, &frame.body);
        let mut out = self.out();
        out.bytes += head.len() + frame.body.len();
        // A small body goes with its head: one write less; a large one is not copied for that.
        if frame.body.len() <= SMALL {
            out.unsent.push_back([&head, frame.body.as_slice()].concat());
        } else {
            out.unsent.extend([head.to_vec(), frame.body]);
        }
        self.flush(&mut out, now)
    }

    /// Sends what can be sent without waiting.
    ///
    /// # Errors
    ///
    /// As there.
    pub(super) fn write(&self, now: Instant) -> io::Result<()> {
        self.flush(&mut self.out(), now)
    }

    fn flush(&self, out: &mut Out, now: Instant) -> io::Result<()> {
        while let Some(first) = out.unsent.front() {
            match (&self.stream).write(first.get(out.sent..).unwrap_or_default()) {
                Ok(count) => {
                    out.deaf = None;
                    out.sent += count;
                    out.bytes = out.bytes.saturating_sub(count);
                    if out.sent >= first.len() {
                        out.unsent.pop_front();
                        out.sent = 0;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    out.deaf.get_or_insert(now);
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Bytes that wait to be taken.
    pub(super) fn unsent(&self) -> usize {
        self.out().bytes
    }

    /// Since when nothing of them has been taken.
    pub(super) fn deaf(&self) -> Option<Instant> {
        self.out().deaf
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        // Nothing in here panics between two changes that belong together.
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
