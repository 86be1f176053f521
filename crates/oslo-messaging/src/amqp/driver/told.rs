//! What senders are told of their messages, and operators of the broker: one line per change.

use std::io;

use super::Driver;
use crate::amqp::outbox::{Outcome, Word};
use crate::amqp::session::{News, Place};
use crate::client::{Heard, Offer};
use crate::error::CallError;

impl Driver {
    /// Tells senders and operators what became of messages.
    pub(super) fn say(&mut self, words: Vec<Word>) {
        for word in words {
            match word {
                Word::Letter(number, outcome) => {
                    let Some(to) = self.letters.remove(&number) else { continue };
                    let told = match outcome {
                        Outcome::Confirmed => Ok(Heard::Acknowledged),
                        Outcome::Returned => Err(Offer::Lost(io::ErrorKind::NotFound.into())),
                        Outcome::Refused | Outcome::Again => Err(Offer::GivenBack),
                        Outcome::Never(reason) => {
                            Err(Offer::Final(CallError::Bus { source: io::Error::other(reason) }))
                        }
                    };
                    let _ = to.send(told);
                }
                Word::Overflow { queue } => tracing::warn!(
                    target: "oslo_messaging.server",
                    "A reply to {queue} is dropped: too many wait for the broker"
                ),
                Word::Dead { queue, dropped } => tracing::warn!(
                    target: "oslo_messaging.server",
                    "{dropped} replies to {queue} are dropped, and more for a minute: nobody has it"
                ),
                Word::Failed { queue, reason } => tracing::warn!(
                    target: "oslo_messaging.server", "A reply to {queue} is dropped: {reason}"
                ),
            }
        }
    }

    pub(super) fn tell(&self, news: &News) {
        // All that is told of a host is told of the one of the last connect.
        let host = &self.at;
        let queues = |place: Place| match self.seats.get(&place) {
            Some(seat) => {
                let names: Vec<_> =
                    seat.plan.consumers.iter().map(|(name, _)| name.as_str()).collect();
                names.join(", ")
            }
            None => String::new(),
        };
        match news {
            News::Connected { away: None, .. } => tracing::info!(
                target: "oslo_messaging.connection", "The message broker is {host}"
            ),
            News::Connected { away: Some(away), tries, .. } => tracing::info!(
                target: "oslo_messaging.connection",
                "The message broker is there again after {:.1} s: {host}, {tries} tries",
                away.as_secs_f64()
            ),
            News::Away { reason, .. } => tracing::warn!(
                target: "oslo_messaging.connection",
                "The message broker {host} is away, and is tried again: {reason}"
            ),
            News::Serving(place) => tracing::info!(
                target: "oslo_messaging.connection", "Messages are taken again: {}", queues(*place)
            ),
            News::Refused(place, reason) => tracing::error!(
                target: "oslo_messaging.connection",
                "No messages are taken from {}: {reason}", queues(*place)
            ),
        }
    }
}
