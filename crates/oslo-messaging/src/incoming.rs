//! A request in the hands of a handler: its way back to the sender and to the broker.
//!
//! The order that keeps work from being lost: take, record, [`Incoming::recorded`], carry out,
//! [`Incoming::answer`]. Dropped before it was recorded or answered, the message is given back and
//! delivered again. Must not: know a transport, or what a method does.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::envelope::{LARGEST_BODY, Reply, ReplyTo, Request};
use crate::failure::Failure;
use crate::seen::InHand;

/// Takes replies; never waits for whoever gets them.
pub(crate) trait Replies: Send + Sync {
    /// Sends a reply, or keeps it for as long as it can be of use.
    fn send(&self, to: &ReplyTo, reply: Reply);
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

/// A request that has been taken.
pub struct Incoming {
    /// What is wanted.
    pub request: Request,
    in_hand: InHand,
    replies: Arc<dyn Replies>,
    arrived: Instant,
    answered: bool,
}

impl Incoming {
    pub(crate) fn new(
        request: Request,
        in_hand: InHand,
        replies: Arc<dyn Replies>,
        arrived: Instant,
    ) -> Self {
        Self { request, in_hand, replies, arrived, answered: false }
    }

    /// What is wanted stands where it survives this process: the sender need not keep it.
    pub fn recorded(&mut self) {
        self.in_hand.acknowledge();
    }

    /// Whether [`Incoming::recorded`] was called.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.in_hand.is_settled()
    }

    /// How long ago it came.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.arrived.elapsed()
    }

    /// Whether somebody waits for an answer.
    #[must_use]
    pub fn is_call(&self) -> bool {
        self.request.reply_to.is_some()
    }

    /// What tells the caller that this goes on, if it asked for that.
    #[must_use]
    pub fn pulse(&self) -> Option<Pulse> {
        let to = self.request.reply_to.clone()?;
        let every = Duration::from_secs(to.silence?) / 2;
        Some(Pulse { to, every, replies: Arc::clone(&self.replies) })
    }

    /// The arguments as a type of the method's.
    ///
    /// # Errors
    ///
    /// A `TypeError` for whoever asked.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T, Box<Failure>> {
        serde_json::from_str(self.request.args.get()).map_err(|error| {
            // It quotes what it does not like, however large.
            let reason: String = error.to_string().chars().take(200).collect();
            Failure::type_error(format!("{}: {reason}", self.request.method)).into()
        })
    }

    /// Ends it: the message is acknowledged, a caller told the result.
    pub fn answer(mut self, result: Result<Box<RawValue>, Box<Failure>>) {
        // First its memory: once it is settled another large one may be read.
        self.request.args = nothing();
        // Then the message: a caller that has its answer may see at once that nothing is queued.
        self.in_hand.acknowledge();
        self.answered = true;
        self.send(result);
    }

    /// Ends it for everybody: it cannot be carried out, here or elsewhere, and nobody waits.
    pub fn reject(mut self) {
        self.in_hand.reject();
        self.answered = true;
    }

    fn send(&self, result: Result<Box<RawValue>, Box<Failure>>) {
        if let Some(to) = &self.request.reply_to {
            self.replies.send(to, Reply { id: to.id.clone(), result, is_last: true });
        }
    }

    pub(crate) fn arrived(&self) -> Instant {
        self.arrived
    }

    /// Whether anybody still waits for it to be carried out.
    pub(crate) fn is_wanted(&self) -> bool {
        self.in_hand.is_wanted()
    }
}

fn nothing() -> Box<RawValue> {
    RawValue::from_string("null".to_owned()).expect("null is JSON")
}

/// Tells a caller that its call goes on, while somebody else carries it out.
#[derive(Clone)]
pub struct Pulse {
    to: ReplyTo,
    every: Duration,
    replies: Arc<dyn Replies>,
}

impl Pulse {
    /// How often: half of the silence that the caller bears.
    #[must_use]
    pub fn every(&self) -> Duration {
        self.every
    }

    /// Tells it once.
    pub fn beat(&self) {
        let reply = Reply { id: self.to.id.clone(), result: Ok(nothing()), is_last: false };
        self.replies.send(&self.to, reply);
    }
}

impl fmt::Debug for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pulse").field("every", &self.every).finish_non_exhaustive()
    }
}

/// A handler that died leaves its caller without an answer for a minute; this tells it at once.
impl Drop for Incoming {
    fn drop(&mut self) {
        // What was not recorded goes back and is answered by whoever takes it then.
        if !self.answered && self.in_hand.is_settled() {
            let failure = Failure::runtime_error("the method ended without a result");
            self.send(Err(Box::new(failure)));
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("method", &self.request.method)
            .field("context", &self.request.context)
            .field("recorded", &self.in_hand.is_settled())
            .finish_non_exhaustive()
    }
}
