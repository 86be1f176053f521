//! The client of a local bus: connects to the server that is meant, and waits itself.
//!
//! A message is kept until its server says that it is taken care of. A server that is not there,
//! or goes away before it said so, is tried again for [`KEEP_TRYING`]: a worker that restarts is
//! back long before. Must not: start a thread.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use super::frame::{Frame, Kind, LARGEST_BODY, Unread};
use super::place::Place;
use crate::envelope::{Reply, ReplyTo, Request};
use crate::error::CallError;
use crate::target::Destination;

/// How long a message is offered to a server that does not take it.
const KEEP_TRYING: Duration = Duration::from_secs(10);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// Sends messages below one directory.
#[derive(Debug, Clone)]
pub struct LocalClient {
    place: Place,
}

impl LocalClient {
    /// For the bus in this directory; nothing is opened before something is sent.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self { place: Place::new(directory) }
    }

    /// Sends a request and waits for the answer, for at most `limit`.
    ///
    /// # Errors
    ///
    /// [`CallError`]; [`CallError::Failed`] is the method's own.
    pub fn call(
        &self,
        to: &Destination,
        mut request: Request,
        limit: Duration,
    ) -> Result<Box<RawValue>, CallError> {
        let deadline = Instant::now() + limit;
        let id = uuid::Uuid::new_v4().simple().to_string();
        // No queue: the answer comes over the line of the question.
        request.reply_to = Some(ReplyTo { queue: format!("reply_{id}"), id, silence: None });
        let socket = self.one(to)?;
        let body = written(&mut request)?;
        let mut tried = Tried::new(&body);
        loop {
            let asked = tried.ask(&socket, deadline).and_then(|mut line| line.reply(deadline));
            match asked {
                Ok(reply) => return reply.result.map_err(CallError::Failed),
                Err(error) => tried.or_again(error, deadline)?,
            }
        }
    }

    /// Sends a request and waits until it is taken care of; to every server of a topic if it is
    /// meant for all, and there may be none.
    ///
    /// # Errors
    ///
    /// [`CallError`]; with several servers, the first error after all were tried.
    pub fn cast(&self, to: &Destination, mut request: Request) -> Result<(), CallError> {
        request.reply_to = None;
        let sockets = match to {
            Destination::Fanout { .. } => self.sockets(to)?,
            _ => vec![self.one(to)?],
        };
        let body = written(&mut request)?;
        let all: Vec<_> = sockets.iter().map(|socket| cast_to(socket, &body)).collect();
        all.into_iter().collect()
    }

    fn one(&self, to: &Destination) -> Result<PathBuf, CallError> {
        let nobody = || CallError::Nobody { destination: format!("{to:?}") };
        self.sockets(to)?.into_iter().next().ok_or_else(nobody)
    }

    fn sockets(&self, to: &Destination) -> Result<Vec<PathBuf>, CallError> {
        self.place.sockets(to).map_err(|source| CallError::Bus { source })
    }
}

fn written(request: &mut Request) -> Result<Vec<u8>, CallError> {
    request.unique_id.get_or_insert_with(|| uuid::Uuid::new_v4().simple().to_string());
    let body = request.encode().map_err(|source| CallError::Unwritable { source })?;
    match body.len() {
        0..=LARGEST_BODY => Ok(body),
        length => Err(CallError::TooLarge { length, most: LARGEST_BODY }),
    }
}

fn cast_to(socket: &Path, body: &[u8]) -> Result<(), CallError> {
    let deadline = Instant::now() + KEEP_TRYING;
    let mut tried = Tried::new(body);
    loop {
        match tried.ask(socket, deadline) {
            Ok(_) => return Ok(()),
            Err(error) => tried.or_again(error, deadline)?,
        }
    }
}

/// One message, offered until somebody takes it.
struct Tried<'a> {
    body: &'a [u8],
    since: Instant,
    /// Whether a server may have read it already.
    sent: bool,
}

impl<'a> Tried<'a> {
    fn new(body: &'a [u8]) -> Self {
        Self { body, since: Instant::now(), sent: false }
    }

    /// Offers it once; comes back when it is taken care of.
    fn ask(&mut self, socket: &Path, deadline: Instant) -> Result<Asked, Offer> {
        let mut line = Asked::connect(socket).map_err(Offer::Lost)?;
        let kind = if self.sent { Kind::MessageAgain } else { Kind::Message };
        self.sent = true;
        let frame = Frame { kind, tag: 1, body: self.body.to_vec() };
        line.stream.write_all(&frame.encode()).map_err(Offer::Lost)?;
        line.taken(deadline)?;
        Ok(line)
    }

    /// Waits for the next try, if there is time for one.
    fn or_again(&self, offer: Offer, deadline: Instant) -> Result<(), CallError> {
        let error = match offer {
            Offer::Lost(source) => CallError::Bus { source },
            Offer::GivenBack => CallError::GivenBack,
            Offer::Final(error) => return Err(error),
        };
        let now = Instant::now();
        if now >= deadline {
            return Err(CallError::TimedOut);
        }
        if now.duration_since(self.since) >= KEEP_TRYING {
            return Err(error);
        }
        std::thread::sleep(PAUSE.min(deadline - now));
        Ok(())
    }
}

/// Why an offer came to nothing.
enum Offer {
    /// The server is not there, or went away.
    Lost(io::Error),
    /// The server had no use for it now.
    GivenBack,
    /// Another try would end in the same way.
    Final(CallError),
}

/// A connection over which a message went.
struct Asked {
    stream: UnixStream,
    unread: Unread,
    /// Replies that came before the message was acknowledged.
    early: Option<Reply>,
}

impl Asked {
    fn connect(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        Ok(Self { stream, unread: Unread::default(), early: None })
    }

    /// Reads until the message is taken care of.
    fn taken(&mut self, deadline: Instant) -> Result<(), Offer> {
        loop {
            let frame = self.frame(deadline)?;
            match frame.kind {
                Kind::Acknowledged => return Ok(()),
                Kind::GivenBack => return Err(Offer::GivenBack),
                Kind::Rejected => return Err(Offer::Final(CallError::Rejected)),
                Kind::Reply => self.early = last(&frame)?.or(self.early.take()),
                Kind::Message | Kind::MessageAgain => {}
            }
        }
    }

    /// Reads until the last reply; signs of life are only heard.
    fn reply(&mut self, deadline: Instant) -> Result<Reply, Offer> {
        if let Some(reply) = self.early.take() {
            return Ok(reply);
        }
        loop {
            // Once acknowledged the method may have run: asking again would run it twice.
            let frame = self.frame(deadline).map_err(|offer| match offer {
                Offer::Lost(source) => Offer::Final(CallError::Unanswered { source }),
                other => other,
            })?;
            if frame.kind == Kind::Reply
                && let Some(reply) = last(&frame)?
            {
                return Ok(reply);
            }
        }
    }

    fn frame(&mut self, deadline: Instant) -> Result<Frame, Offer> {
        let mut chunk = [0; 16 * 1024];
        loop {
            let next = self.unread.next().map_err(|source| Offer::Lost(io::Error::other(source)))?;
            if let Some(frame) = next {
                return Ok(frame);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Offer::Final(CallError::TimedOut));
            }
            self.stream.set_read_timeout(Some(left)).map_err(Offer::Lost)?;
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(Offer::Lost(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => self.unread.push(chunk.get(..count).unwrap_or_default()),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {}
                    io::ErrorKind::Interrupted => {}
                    _ => return Err(Offer::Lost(error)),
                },
            }
        }
    }
}

/// The reply in a frame, if it is the last one.
fn last(frame: &Frame) -> Result<Option<Reply>, Offer> {
    let reply = Reply::decode(&frame.body);
    let reply = reply.map_err(|source| Offer::Final(CallError::Unreadable { source }))?;
    Ok(Some(reply).filter(|reply| reply.is_last))
}
