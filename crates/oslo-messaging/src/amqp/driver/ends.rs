//! The end of servers, and of everything; each step has its limit.
//!
//! Order of a server's end: its consumers are cancelled, its last replies confirmed, what was
//! settled told to the broker, its own queues deleted, its channel closed. What has no time any more
//! is left to the broker, which notices the end of the connection.

use std::sync::{Arc, PoisonError, mpsc as std_mpsc};
use std::time::{Duration, Instant};

use super::{Chore, Driver, Happening, REPLIES, Seated, serving};
use crate::amqp::session::{Event, Place};

/// How long the end of a server may take.
const CLOSING: Duration = Duration::from_secs(2);
/// How long the end of both connections may take.
const ENDING: Duration = Duration::from_millis(800);

/// A server that ends.
pub(super) struct Closing {
    place: Place,
    until: Instant,
    done: std_mpsc::Sender<()>,
    /// Whether nothing is waited for but the broker.
    is_under_way: bool,
}

impl Driver {
    pub(super) fn close(&mut self, place: Place, done: std_mpsc::Sender<()>) {
        self.stop(place);
        let until = Instant::now() + CLOSING;
        self.closing.push(Closing { place, until, done, is_under_way: false });
    }

    /// When somebody has been waited for long enough.
    pub(super) fn closing_due(&self) -> Option<Instant> {
        self.closing.iter().map(|one| one.until).min()
    }

    /// Ends the servers whose replies are all confirmed, or whose time is over.
    pub(super) fn close_what_can_be(&mut self, now: Instant) {
        for mut one in std::mem::take(&mut self.closing) {
            let is_late = one.until <= now || self.mute;
            if is_late {
                // The broker takes its time: nobody else waits as long.
                self.mute |= one.is_under_way || !self.session.is_up();
                self.forget(one.place);
                let _ = one.done.send(());
                continue;
            }
            if !one.is_under_way && self.outbox.replies_from(one.place) == 0 {
                if !self.begin_end_of(one.place) {
                    let _ = one.done.send(());
                    continue;
                }
                one.is_under_way = true;
            }
            self.closing.push(one);
        }
    }

    /// Whether there is anything to be waited for.
    fn begin_end_of(&mut self, place: Place) -> bool {
        let channel = self.seats.get(&place).and_then(|seat| seat.channel.clone());
        let own = self.forget(place).map(|seat| seat.plan.own);
        let (Some(channel), Some(own), Some(alive)) = (channel, own, &self.alive) else {
            return false;
        };
        // Behind what was settled: an acknowledgement that is overtaken by the end of its channel
        // would bring the message back.
        alive.chores.send(Chore::End { place, channel, own }).is_ok()
    }

    fn forget(&mut self, place: Place) -> Option<Seated> {
        self.has_news = true;
        let seat = self.seats.remove(&place)?;
        if let Some(reception) = &seat.reception {
            let mut all = self.receptions.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|known| !Arc::ptr_eq(known, reception));
        }
        Some(seat)
    }

    /// The broker has let a server go.
    pub(super) fn closed(&mut self, place: Place) {
        let (ended, left) = std::mem::take(&mut self.closing)
            .into_iter()
            .partition(|one| one.is_under_way && one.place == place);
        self.closing = left;
        let ended: Vec<Closing> = ended;
        for one in ended {
            let _ = one.done.send(());
        }
    }

    /// The connections are gone, and with them what was waited for.
    pub(super) fn abandon_ends(&mut self) {
        let is_over = |one: &Closing| one.is_under_way && one.done.send(()).is_ok();
        self.closing.retain(|one| !is_over(one));
    }

    pub(super) fn end(&mut self) {
        if std::mem::replace(&mut self.ending, true) {
            return;
        }
        let Some(alive) = self.alive.take() else {
            self.step(Event::End);
            self.over = true;
            return;
        };
        let happenings = self.happenings.clone();
        let limit = if self.mute { Duration::ZERO } else { ENDING };
        let replies = self.seats.remove(&REPLIES);
        self.tasks.spawn(async move {
            let ended = async {
                if let Some(Seated { plan, channel: Some(channel), .. }) = replies {
                    serving::end(&channel, &plan.own).await;
                }
                alive.links.close().await;
            };
            let _ = tokio::time::timeout(limit, ended).await;
            let _ = happenings.send(Happening::Over);
        });
    }
}
