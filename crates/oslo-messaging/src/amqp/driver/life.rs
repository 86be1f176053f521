//! What is done while both connections are open, and when they are not any more.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lapin::Channel;
use lapin::message::Delivery;
use lapin::types::AMQPValue;
use tokio::sync::mpsc;

use super::lane::{self, Published};
use super::link::Links;
use super::{Alive, Chore, Driver, Happening, LANES, REPLIES, Source, serving};
use crate::amqp::back::{Answers, Ticket};
use crate::amqp::commands::Settled;
use crate::amqp::outbox::Way;
use crate::amqp::room::LARGE;
use crate::amqp::session::{Event, Life, Place, Trouble};
use crate::amqp::state::Purpose;
use crate::amqp::topology::Offset;
use crate::body::Body;
use crate::client::Heard;
use crate::envelope::Reply;
use crate::excerpt::excerpt;

/// Beginning of what the library says of a frame above what was agreed. A broker splits bodies, and
/// cannot split headers.
const TOO_LARGE: &str = "frame too large";

impl Driver {
    pub(super) fn connected(&mut self, life: Life, links: Links) {
        if !self.session.awaits(life) {
            return; // nobody waits for them any more
        }
        let (chores, todo) = mpsc::unbounded_channel();
        self.mute = false;
        self.of_life.push(self.tasks.spawn(serving::settle(todo, self.happenings.clone())));
        for link in [&links.consuming, &links.publishing] {
            let watch = link.watch(life, self.happenings.clone());
            self.of_life.push(self.tasks.spawn(watch));
        }
        self.alive = Some(Alive {
            life,
            links,
            broken: Arc::new(AtomicBool::new(false)),
            lanes: Vec::new(),
            exchanges: HashSet::new(),
            keepers: HashSet::new(),
            busy: 0,
            chores,
        });
        self.step(Event::Connected(life));
    }

    pub(super) fn established(
        &mut self,
        life: Life,
        place: Place,
        channel: Channel,
        own: Vec<String>,
    ) {
        let Some(alive) = self.alive.as_ref().filter(|alive| alive.life == life) else { return };
        let Some(seat) = self.seats.get_mut(&place) else {
            // Its server has ended meanwhile.
            let _ = alive.chores.send(Chore::End { place, channel, own });
            return;
        };
        seat.channel = Some(channel);
        if std::mem::take(&mut seat.stopped) {
            self.stop(place); // it was asked to while it was established
        }
        self.step(Event::Serving(life, place));
    }

    pub(super) fn lose(&mut self, life: Life, trouble: Trouble) {
        if trouble.reason.starts_with(TOO_LARGE) && !self.roomy {
            self.roomy = true;
            tracing::warn!(
                target: "oslo_messaging.connection",
                "A message has more in its headers than we have room for; from now on there is"
            );
        }
        if !self.ending {
            self.step(Event::Lost(life, trouble));
        }
    }

    pub(super) fn block(&mut self, purpose: Purpose, reason: Option<String>) {
        self.has_news = true;
        let place = match purpose {
            Purpose::Consuming => &mut self.blocked[0],
            Purpose::Publishing => &mut self.blocked[1],
        };
        let was = place.is_some();
        if let Some((_, since)) = place.take()
            && purpose == Purpose::Publishing
        {
            self.blocked_before += since.elapsed();
        }
        match reason {
            Some(reason) => {
                if !was {
                    tracing::warn!(
                        target: "oslo_messaging.connection",
                        "The broker takes no messages: {reason}; what is to be sent waits"
                    );
                }
                *place = Some((reason, Instant::now()));
            }
            None if was => tracing::info!(
                target: "oslo_messaging.connection", "The broker takes messages again"
            ),
            None => {}
        }
    }

    /// Lets go of everything of this life. What was not settled on it comes again.
    pub(super) fn abandon(&mut self) {
        for task in self.of_life.drain(..) {
            task.abort();
        }
        if let Some(alive) = self.alive.take() {
            alive.broken.store(true, Ordering::Relaxed);
        }
        self.tickets.clear();
        self.room.clear();
        self.abandon_ends();
        for seat in self.seats.values_mut() {
            seat.channel = None;
        }
        self.outbox.lost();
        self.block(Purpose::Consuming, None);
        self.block(Purpose::Publishing, None);
    }

    pub(super) fn establish(&mut self, life: Life, place: Place) {
        let (Some(seat), Some(alive)) = (self.seats.get_mut(&place), &self.alive) else { return };
        seat.channel = None;
        let order = serving::Order {
            life,
            place,
            connection: alive.links.consuming.connection(),
            plan: seat.plan.clone(),
            prefetch: seat.prefetch,
            arguments: self.topology.consumer_arguments().clone(),
            offset: seat.offset,
            happenings: self.happenings.clone(),
        };
        self.of_life.push(self.tasks.spawn(order.carry_out()));
    }

    /// Streams are read from their ends again: one that a consumer of was cancelled may have been made anew,
    /// and counts from 0 then.
    pub(super) fn begin_anew(&mut self, life: Life) {
        if self.alive.as_ref().is_none_or(|alive| alive.life != life) {
            return;
        }
        for seat in self.seats.values_mut() {
            if let (Some(stream), Offset::At(offset)) = (&seat.plan.stream, seat.offset) {
                tracing::warn!(
                    target: "oslo_messaging.connection",
                    "A consumer was cancelled; {stream} is read from its end again, and not from {offset}"
                );
                seat.offset = Offset::Last;
            }
        }
    }

    pub(super) fn delivered(
        &mut self,
        life: Life,
        place: Place,
        delivery: Delivery,
        source: Source,
    ) {
        let Some(alive) = self.alive.as_ref().filter(|alive| alive.life == life) else { return };
        let Some(seat) = self.seats.get_mut(&place) else { return };
        if let Source::Stream(Some(read)) = source {
            seat.offset = seat.offset.behind(read);
        }
        let Some(reception) = seat.reception.clone() else {
            let _ = alive.chores.send(Chore::Settle(delivery.acker, Settled::Acknowledged));
            self.answered(delivery.data);
            return;
        };
        let number = self.commands.number();
        let bytes = delivery.data.len();
        if !self.room.enter(number, bytes) {
            if let (Source::Stream(_), Some(stream)) = (source, &seat.plan.stream) {
                tracing::warn!(
                    target: "oslo_messaging.server",
                    "A message of {bytes} bytes is dropped: there is no room for it, and {stream} takes none back"
                );
                let _ = alive.chores.send(Chore::Settle(delivery.acker, Settled::Acknowledged));
                return;
            }
            self.room.keep_out(bytes, delivery.acker, Instant::now());
            return;
        }
        let properties = &delivery.properties;
        let text = |text: &Option<lapin::types::ShortString>| {
            text.as_ref().map(|text| text.as_str().to_owned())
        };
        let lasts = text(properties.expiration()).and_then(|text| text.parse().ok());
        let expires = lasts.and_then(|ms| Instant::now().checked_add(Duration::from_millis(ms)));
        let body = Body {
            content_type: text(properties.content_type()),
            content_encoding: text(properties.content_encoding()),
            compression: compression(properties.headers().as_ref()),
            bytes: delivery.data,
        };
        let (commands, broken) = (self.commands.clone(), Arc::clone(&alive.broken));
        let ticket = Ticket { commands, number, broken, expires };
        let answers = Answers { commands: self.commands.clone(), place };
        self.tickets.insert(number, (delivery.acker, source));
        let take = move || _ = reception.take(body, Box::new(ticket), Arc::new(answers));
        if bytes > LARGE {
            // While a large one is read, the next ones have to be let go of, not to be kept waiting.
            self.tasks.spawn_blocking(take);
        } else {
            take();
        }
    }

    /// Has a message that found no room sent again, when there is some.
    pub(super) fn let_in(&mut self, now: Instant) {
        if let Some(alive) = &self.alive
            && let Some(acker) = self.room.let_in(now)
        {
            let _ = alive.chores.send(Chore::Settle(acker, Settled::GivenBack));
        }
    }

    /// An answer to a call of ours, or a sign of life.
    pub(super) fn answered(&mut self, body: Vec<u8>) {
        match Reply::decode(&body) {
            Ok(reply) => {
                // Nobody waits any more: it came too late, or twice.
                let Some(to) = self.calls.get(&reply.id) else { return };
                let _ = to.send(Ok(Heard::Reply(body)));
            }
            Err(error) => {
                let start = body.get(..body.len().min(256)).unwrap_or_default();
                tracing::warn!(
                    target: "oslo_messaging.client",
                    "A reply is dropped: {error}; it begins {}", excerpt(start)
                );
            }
        }
    }

    /// Publishes what can be.
    pub(super) fn publish(&mut self, now: Instant) {
        let calls = self.session.is_serving(REPLIES);
        let Some(alive) = &mut self.alive else { return };
        while self.session.is_up() && alive.busy < LANES {
            let Some(item) = self.outbox.next(calls, now) else { break };
            alive.busy += 1;
            let declare = match &item.road {
                Way::Letter { exchange, .. } if !alive.exchanges.contains(&exchange.name) => {
                    Some(exchange.clone())
                }
                _ => None,
            };
            let keeper = match &item.road {
                Way::Letter { keeper: Some(keeper), .. }
                    if !alive.keepers.contains(&keeper.name) =>
                {
                    Some(keeper.clone())
                }
                _ => None,
            };
            let order = lane::Order {
                connection: alive.links.publishing.connection(),
                lane: alive.lanes.pop(),
                declare,
                keeper,
                item,
            };
            let (life, happenings) = (alive.life, self.happenings.clone());
            self.of_life.push(self.tasks.spawn(async move {
                let published = order.carry_out().await;
                let _ = happenings.send(Happening::Published(life, Box::new(published)));
            }));
        }
        // Those that have ended need not be stopped.
        if self.of_life.len() > 4 * LANES {
            self.of_life.retain(|task| !task.is_finished());
        }
    }

    pub(super) fn published(&mut self, life: Life, published: Published) {
        let Some(alive) = self.alive.as_mut().filter(|alive| alive.life == life) else { return };
        alive.busy = alive.busy.saturating_sub(1);
        alive.lanes.extend(published.lane);
        if let Some((exchange, is_there)) = published.exchange {
            if is_there {
                alive.exchanges.insert(exchange);
            } else {
                alive.exchanges.remove(&exchange);
            }
        }
        if let Some((keeper, is_there)) = published.keeper {
            if is_there {
                alive.keepers.insert(keeper);
            } else {
                alive.keepers.remove(&keeper);
            }
        }
        let words = self.outbox.done(published.number, published.outcome, Instant::now());
        self.say(words);
    }
}

/// The header of that name, as text; one of another type is named after it, and so refused.
fn compression(headers: Option<&lapin::types::FieldTable>) -> Option<String> {
    let value = headers?.inner().get("compression")?;
    Some(match value {
        AMQPValue::LongString(text) => String::from_utf8_lossy(text.as_bytes()).into_owned(),
        AMQPValue::ShortString(text) => text.as_str().to_owned(),
        AMQPValue::Void => return None,
        other => format!("{:?}", other.get_type()),
    })
}
