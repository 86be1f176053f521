//! A request in the hands of a handler: its way back to the sender and to the broker.
//!
//! The order that keeps work from being lost: take, record, [`Incoming::recorded`], carry out,
//! [`Incoming::answer`]. Dropped before it was recorded or answered, the message is given back and
//! delivered again. Must not: know a transport, or what a method does.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use crate::envelope::{Reply, ReplyTo, Request};
use crate::failure::Failure;
use crate::seen::InHand;

/// Takes replies; never waits for whoever gets them.
pub(crate) trait Replies: Send + Sync {
    /// Sends a reply, or keeps it for as long as it can be of use.
    fn send(&self, to: &ReplyTo, reply: Reply);
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

    /// How often the caller has to be told that this goes on, if it asked for that.
    #[must_use]
    pub fn sign_of_life_every(&self) -> Option<Duration> {
        let silence = self.request.reply_to.as_ref()?.silence?;
        Some(Duration::from_secs(silence) / 2)
    }

    /// Tells the caller that this goes on.
    pub fn sign_of_life(&self) {
        let nothing = || RawValue::from_string("null".to_owned()).expect("null is JSON");
        self.send(Ok(nothing()), false);
    }

    /// Ends it: the message is acknowledged, a caller told the result.
    pub fn answer(mut self, result: Result<Box<RawValue>, Failure>) {
        // First the message: a caller that has its answer may see at once that nothing is queued.
        self.in_hand.acknowledge();
        self.answered = true;
        self.send(result.map_err(Box::new), true);
    }

    /// Ends it for everybody: it cannot be carried out, here or elsewhere, and nobody waits.
    pub fn reject(mut self) {
        self.in_hand.reject();
        self.answered = true;
    }

    fn send(&self, result: Result<Box<RawValue>, Box<Failure>>, is_last: bool) {
        if let Some(to) = &self.request.reply_to {
            self.replies.send(to, Reply { id: to.id.clone(), result, is_last });
        }
    }
}

/// A handler that died leaves its caller without an answer for a minute; this tells it at once.
impl Drop for Incoming {
    fn drop(&mut self) {
        // What was not recorded goes back and is answered by whoever takes it then.
        if !self.answered && self.in_hand.is_settled() {
            let failure = Failure::runtime_error("the method ended without a result");
            self.send(Err(Box::new(failure)), true);
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
