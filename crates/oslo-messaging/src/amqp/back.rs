//! The ways back of one message: to the broker, and to its caller.
//!
//! Handlers call these from their own threads; each posts a command and goes on. Must not: wait for
//! the broker.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::commands::{Command, Commands, Settled};
use super::outbox::{Item, Way};
use super::session::Place;
use crate::envelope::{Reply, ReplyTo};
use crate::incoming::{Replies, written};
use crate::seen::Delivery;
use crate::target::checked;

/// Set when the connection is gone over which a message came.
pub(super) type Broken = Arc<AtomicBool>;

/// The way back of one delivery, under a number that only its connection knows: one that comes too
/// late settles nothing on the next.
pub(super) struct Ticket {
    pub(super) commands: Commands,
    pub(super) number: u64,
    pub(super) broken: Broken,
    /// When its sender does not wait for it any more.
    pub(super) expires: Option<Instant>,
}

impl Ticket {
    fn tell(&self, settled: Settled) {
        self.commands.post(Command::Settle(self.number, settled));
    }
}

impl Delivery for Ticket {
    fn acknowledge(self: Box<Self>) {
        self.tell(Settled::Acknowledged);
    }

    fn give_back(self: Box<Self>) {
        self.tell(Settled::GivenBack);
    }

    fn reject(self: Box<Self>) {
        self.tell(Settled::Rejected);
    }

    fn is_wanted(&self) -> bool {
        // A broker that lost us has given the message to somebody else, or will again to us.
        !self.broken.load(Ordering::Relaxed)
            && self.expires.is_none_or(|expires| Instant::now() < expires)
    }
}

/// The way to the queues of callers.
pub(super) struct Answers {
    pub(super) commands: Commands,
    pub(super) place: Place,
}

impl Replies for Answers {
    fn send(&self, to: &ReplyTo, reply: Reply) {
        // A name that no frame can hold would end more than this reply.
        if checked(&to.queue).is_err() {
            return;
        }
        let is_last = reply.is_last;
        let Some(body) = written(reply) else { return };
        let road = Way::Reply { queue: to.queue.clone(), from: self.place, is_last };
        let number = self.commands.number();
        self.commands.post(Command::Publish(Item { number, body: body.into(), road }));
    }
}
