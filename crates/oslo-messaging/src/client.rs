//! The client: calls, casts, and messages to all; what it sends is kept until somebody has it.
//!
//! A server that is not there, or goes away before it said that it takes care of a message, is tried
//! again for [`KEEP_TRYING`]: a worker that restarts is back long before. Whoever calls waits
//! himself; there is no thread. Must not: know a transport.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::context::Context;
use crate::envelope::{LARGEST_BODY, Reply, ReplyTo, Request};
use crate::error::CallError;
use crate::target::Destination;

/// How long a message is offered to servers that do not take it.
const KEEP_TRYING: Duration = Duration::from_secs(10);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a server that has a cast may take to take care of it.
const UNCONFIRMED: Duration = Duration::from_secs(60);
/// Messages of one client that are under way at a time.
const UNDER_WAY: usize = 1_000;

/// Whom a message can be offered to.
pub(crate) trait Road: Send + Sync {
    /// Those that serve a destination now, or may in a moment; in any order.
    fn ways(&self, to: &Destination) -> Result<Vec<Box<dyn Way>>, CallError>;
    /// The queue that all answers come to, where there is such a thing.
    fn reply_queue(&self) -> Result<Option<String>, CallError> {
        Ok(None)
    }
    /// Between two tries to reach somebody who is not there.
    fn pause(&self) -> Duration {
        PAUSE
    }
}

/// A message to be offered.
pub(crate) struct Letter<'a> {
    pub(crate) body: &'a [u8],
    /// Of a call, its number.
    pub(crate) call: Option<&'a str>,
}

/// One server.
pub(crate) trait Way {
    /// Hands a message over.
    fn offer(
        &self,
        letter: &Letter<'_>,
        again: bool,
        deadline: Instant,
    ) -> Result<Box<dyn Lane>, Offer>;
}

/// What comes back about one message.
pub(crate) trait Lane {
    /// The next news.
    fn hear(&mut self, deadline: Instant) -> Result<Heard, Offer>;
    /// All has been heard: whatever was needed for it may serve the next one.
    fn over(self: Box<Self>) {}
}

/// News about a message.
#[derive(Debug)]
pub(crate) enum Heard {
    /// It need not be kept.
    Acknowledged,
    /// It was not carried out.
    GivenBack,
    /// Nobody can carry it out.
    Rejected,
    /// A reply.
    Reply(Vec<u8>),
}

/// Why an offer came to nothing.
#[derive(Debug)]
pub(crate) enum Offer {
    /// The server is not there, or went away.
    Lost(io::Error),
    /// The server had no use for it now.
    GivenBack,
    /// The time was over.
    Late,
    /// Another try would end in the same way.
    Final(CallError),
}

/// Sends messages over one bus; cloned, it counts what is under way together.
#[derive(Clone)]
pub struct Client {
    road: Arc<dyn Road>,
    under_way: Arc<AtomicUsize>,
}

impl Client {
    pub(crate) fn new(road: Arc<dyn Road>) -> Self {
        Self { road, under_way: Arc::default() }
    }

    /// Sends a request and waits for the answer, for at most `limit`. A request that nobody has taken
    /// by then is not carried out.
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
        let _counted = self.count()?;
        let deadline = Instant::now() + limit;
        let id = uuid::Uuid::new_v4().simple().to_string();
        // Where it goes nobody asks on a bus of one machine: it comes the way the question went.
        let queue = self.road.reply_queue()?.unwrap_or_else(|| format!("reply_{id}"));
        let silence = request.reply_to.take().and_then(|to| to.silence);
        request.reply_to = Some(ReplyTo { queue, id: id.clone(), silence });
        let silence = silence.map(Duration::from_secs);
        let body = written(&mut request)?;
        let patience = Patience { deadline, silence };
        let letter = Letter { body: &body, call: Some(&id) };
        let mut tried = Tried::new(to, letter, Instant::now() + KEEP_TRYING);
        loop {
            let asked = tried.ask(&*self.road, patience);
            match asked.and_then(|(lane, early)| answer(lane, early, patience)) {
                Ok(reply) => return reply.result.map_err(CallError::Failed),
                Err(Offer::Late) => return Err(CallError::TimedOut),
                Err(offer) => tried.or_again(offer, deadline, self.road.pause())?,
            }
        }
    }

    /// Sends a request to one server and waits until that takes care of it.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub fn cast(&self, to: &Destination, mut request: Request) -> Result<(), CallError> {
        let _counted = self.count()?;
        request.reply_to = None;
        let body = written(&mut request)?;
        let letter = Letter { body: &body, call: None };
        if matches!(to, Destination::Fanout { .. }) {
            return self.fanout(to, &letter);
        }
        let mut tried = Tried::new(to, letter, Instant::now() + KEEP_TRYING);
        loop {
            let deadline = Instant::now() + UNCONFIRMED;
            match tried.ask(&*self.road, Patience { deadline, silence: None }) {
                Ok(_) => return Ok(()),
                Err(Offer::Late) => return Err(CallError::Unconfirmed),
                Err(offer) => tried.or_again(offer, deadline, self.road.pause())?,
            }
        }
    }

    /// Sends a request to one server of those that are there now: that there is none, or that it goes
    /// away, is no error, and nothing is sent again.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub fn tell(&self, to: &Destination, mut request: Request) -> Result<(), CallError> {
        let _counted = self.count()?;
        request.reply_to = None;
        let body = written(&mut request)?;
        let letter = Letter { body: &body, call: None };
        let deadline = Instant::now() + KEEP_TRYING;
        let mut tried = Tried::new(to, letter, deadline);
        match tried.ask(&*self.road, Patience { deadline, silence: None }) {
            Ok(_) | Err(Offer::Lost(_) | Offer::GivenBack) => Ok(()),
            Err(Offer::Late) => Err(CallError::Unconfirmed),
            Err(Offer::Final(error)) => Err(error),
        }
    }

    /// To every server that is there; one that is not, as after a KILL, or is about to go, misses it
    /// as it would on a broker, whose queue for it ends with it.
    fn fanout(&self, to: &Destination, letter: &Letter<'_>) -> Result<(), CallError> {
        let deadline = Instant::now() + KEEP_TRYING;
        let ways = self.road.ways(to)?;
        let patience = Patience { deadline, silence: None };
        // First all are told, then all are listened to: a slow one delays no other.
        let lanes: Vec<_> = ways.iter().map(|way| way.offer(letter, false, deadline)).collect();
        let told = lanes.into_iter().map(|lane| taken(&mut *lane?, patience).map(drop));
        let errors = told.filter_map(|told| match told {
            Ok(()) | Err(Offer::Lost(_) | Offer::GivenBack) => None,
            Err(Offer::Late) => Some(CallError::Unconfirmed),
            Err(Offer::Final(error)) => Some(error),
        });
        let errors: Vec<_> = errors.collect();
        errors.into_iter().next().map_or(Ok(()), Err)
    }

    fn count(&self) -> Result<Counted, CallError> {
        let counted = Counted(Arc::clone(&self.under_way));
        if self.under_way.fetch_add(1, Ordering::Relaxed) >= UNDER_WAY {
            return Err(CallError::Full { most: UNDER_WAY }); // dropping it counts it off again
        }
        Ok(counted)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let under_way = self.under_way.load(Ordering::Relaxed);
        f.debug_struct("Client").field("under_way", &under_way).finish_non_exhaustive()
    }
}

/// One message that is under way.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Request {
    /// A request of ours, to be called or cast.
    ///
    /// # Errors
    ///
    /// [`CallError::Unwritable`].
    pub fn new<T: Serialize + ?Sized>(
        method: &str,
        version: &str,
        args: &T,
        context: Context,
    ) -> Result<Self, CallError> {
        Ok(Self {
            method: method.to_owned(),
            version: version.to_owned(),
            has_namespace: false,
            args: to_raw_value(args).map_err(|source| CallError::Unwritable { source })?,
            context,
            unique_id: None,
            reply_to: None,
            oddity: None,
        })
    }

    /// To be called with signs of life: the caller gives up after so many seconds without one.
    #[must_use]
    pub fn with_signs_of_life(mut self, seconds: u64) -> Self {
        // Queue and number are those of the call.
        let to = ReplyTo { queue: String::new(), id: String::new(), silence: Some(seconds.max(2)) };
        self.reply_to = Some(to);
        self
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

/// One message, offered until somebody takes it.
struct Tried<'a> {
    to: &'a Destination,
    letter: Letter<'a>,
    until: Instant,
    /// Whether a server may have read it already.
    sent: bool,
    /// Whether nobody was there the last time.
    nobody: bool,
    /// Which of the servers is asked next; the first is anybody's guess, so that all have their share.
    next: usize,
}

impl<'a> Tried<'a> {
    fn new(to: &'a Destination, letter: Letter<'a>, until: Instant) -> Self {
        let next = uuid::Uuid::new_v4().as_fields().1.into();
        Self { to, letter, until, sent: false, nobody: false, next }
    }

    /// The same, and says that nobody is there if that was so before and the time is over meanwhile.
    fn ask(
        &mut self,
        road: &dyn Road,
        patience: Patience,
    ) -> Result<(Box<dyn Lane>, Option<Reply>), Offer> {
        let asked = self.ask_once(road, patience).map_err(|offer| match offer {
            Offer::Late if self.nobody => Offer::Lost(io::ErrorKind::NotFound.into()),
            other => other,
        });
        self.nobody = matches!(&asked, Err(Offer::Lost(source)) if is_nobody(source));
        asked
    }

    /// Offers it once; comes back when it is taken care of, or has been answered already.
    fn ask_once(
        &mut self,
        road: &dyn Road,
        patience: Patience,
    ) -> Result<(Box<dyn Lane>, Option<Reply>), Offer> {
        let ways = road.ways(self.to).map_err(Offer::Final)?;
        self.next = self.next.wrapping_add(1);
        let way = self.next.checked_rem(ways.len()).and_then(|number| ways.get(number));
        let way = way.ok_or_else(|| Offer::Lost(io::ErrorKind::NotFound.into()))?;
        let mut lane = way.offer(&self.letter, self.sent, patience.deadline)?;
        self.sent = true;
        let early = taken(&mut *lane, patience)?;
        Ok((lane, early))
    }

    /// Waits for the next try, if there is time for one.
    fn or_again(&self, offer: Offer, deadline: Instant, pause: Duration) -> Result<(), CallError> {
        let error = match offer {
            Offer::Final(error) => return Err(error),
            Offer::Late => CallError::TimedOut,
            Offer::GivenBack => CallError::GivenBack,
            Offer::Lost(source) if is_nobody(&source) => {
                CallError::Nobody { destination: self.to.to_string() }
            }
            Offer::Lost(source) => CallError::Bus { source },
        };
        let until = self.until.min(deadline);
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(error);
        }
        std::thread::sleep(pause.min(left));
        Ok(())
    }
}

fn is_nobody(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// How long somebody listens: until the end of all time for it, and as long as there are signs of life
/// if some were asked for.
#[derive(Clone, Copy)]
struct Patience {
    deadline: Instant,
    silence: Option<Duration>,
}

impl Patience {
    /// Until when the next news have to come.
    fn now(self) -> Instant {
        self.silence.map_or(self.deadline, |silence| self.deadline.min(Instant::now() + silence))
    }
}

/// Listens until the message is taken care of; a reply may come before that is said.
fn taken(lane: &mut dyn Lane, patience: Patience) -> Result<Option<Reply>, Offer> {
    let mut early = None;
    loop {
        match lane.hear(patience.now())? {
            Heard::Acknowledged => return Ok(early),
            Heard::GivenBack => return Err(Offer::GivenBack),
            Heard::Rejected => return Err(Offer::Final(CallError::Rejected)),
            Heard::Reply(body) => early = last(&body)?.or(early),
        }
    }
}

/// Listens until the last reply.
fn answer(
    mut lane: Box<dyn Lane>,
    early: Option<Reply>,
    patience: Patience,
) -> Result<Reply, Offer> {
    if let Some(reply) = early {
        lane.over();
        return Ok(reply);
    }
    loop {
        // Once acknowledged the method may have run: asking again would run it twice.
        let heard = lane.hear(patience.now()).map_err(|offer| match offer {
            Offer::Lost(source) => Offer::Final(CallError::Unanswered { source }),
            other => other,
        })?;
        if let Heard::Reply(body) = heard
            && let Some(reply) = last(&body)?
        {
            lane.over();
            return Ok(reply);
        }
    }
}

/// The reply, if it is the last one.
fn last(body: &[u8]) -> Result<Option<Reply>, Offer> {
    let reply = Reply::decode(body);
    let reply = reply.map_err(|source| Offer::Final(CallError::Unreadable { source }))?;
    Ok(Some(reply).filter(|reply| reply.is_last))
}
