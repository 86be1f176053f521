//! The client's way to the broker: a letter is handed to the messaging thread, and answers come back.
//!
//! The broker keeps messages, so a letter is done when the broker has confirmed it; a server of this
//! topic need not be there. One that no queue gets comes back, and is offered again by the client.
//! Must not: wait longer than it is told.

use std::io;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use super::commands::{Command, Commands};
use super::outbox::{Item, Way as Sent};
use super::thread::Rabbit;
use super::topology::Topology;
use crate::client::{Heard, Lane, Letter, Offer, Road, Way};
use crate::error::CallError;
use crate::target::Destination;

/// See the module's head.
pub(crate) struct Post(pub(crate) Arc<Rabbit>);

impl Road for Post {
    fn ways(&self, to: &Destination) -> Result<Vec<Box<dyn Way>>, CallError> {
        let bus = |source| CallError::Bus { source };
        let commands = self.0.commands().map_err(bus)?;
        let named = |error| CallError::Bus { source: io::Error::other(error) };
        let (exchange, key) = to.route().map_err(named)?;
        let exchange = Topology::new(&self.0.broker.options).exchange_of(to, exchange);
        // An exchange of this kind has a queue for everybody who is there; nobody may be.
        let mandatory = !matches!(to, Destination::Fanout { .. });
        let number = self.0.number();
        Ok(vec![Box::new(Slot { commands, exchange, key, mandatory, number })])
    }

    /// Each try goes over the broker and comes back.
    fn pause(&self) -> Duration {
        Duration::from_millis(250)
    }

    fn reply_queue(&self) -> Result<Option<String>, CallError> {
        let failed = |error| CallError::Bus { source: io::Error::other(error) };
        self.0.reply_queue().map(Some).map_err(failed)
    }
}

/// One offer to the broker.
struct Slot {
    commands: Commands,
    exchange: super::topology::Exchange,
    key: String,
    mandatory: bool,
    number: u64,
}

impl Way for Slot {
    fn offer(
        &self,
        letter: &Letter<'_>,
        _: bool,
        deadline: Instant,
    ) -> Result<Box<dyn Lane>, Offer> {
        let (to, from) = mpsc::channel();
        let call = letter.call.map(str::to_owned);
        self.commands.post(Command::Await { letter: self.number, call: call.clone(), to });
        let road = Sent::Letter {
            exchange: self.exchange.clone(),
            key: self.key.clone(),
            keeper: None,
            mandatory: self.mandatory,
            until: deadline,
            is_call: call.is_some(),
        };
        let item = Item { number: self.number, body: letter.body.into(), road };
        let lane =
            Box::new(Answer { commands: self.commands.clone(), letter: self.number, call, from });
        self.commands.post(Command::Publish(item));
        Ok(lane)
    }
}

/// What comes back about one letter.
struct Answer {
    commands: Commands,
    letter: u64,
    call: Option<String>,
    from: mpsc::Receiver<Result<Heard, Offer>>,
}

impl Lane for Answer {
    fn hear(&mut self, deadline: Instant) -> Result<Heard, Offer> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.from.recv_timeout(left) {
            Ok(heard) => heard,
            Err(mpsc::RecvTimeoutError::Timeout) => Err(Offer::Late),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let source = io::Error::other("the messaging thread has ended");
                Err(Offer::Final(CallError::Bus { source }))
            }
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.commands.post(Command::Forget { letter: self.letter, call: self.call.take() });
    }
}
