//! The end of servers, and of everything; each step has its limit.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::{Driver, Happening, REPLIES, Seated, serving};
use crate::amqp::session::Event;

/// How long the end of both connections may take.
const ENDING: Duration = Duration::from_millis(800);

impl Driver {
    /// Ends the servers whose replies are all confirmed, or whose time is over.
    pub(super) fn close_what_can_be(&mut self, now: Instant) {
        let waiting = std::mem::take(&mut self.closing);
        for one in waiting {
            let is_late = one.until <= now || self.mute;
            if self.outbox.replies_from(one.place) > 0 && !is_late {
                self.closing.push(one);
                continue;
            }
            let seat = self.seats.remove(&one.place);
            self.has_news = true;
            let channel = seat.as_ref().and_then(|seat| seat.channel.clone());
            let (Some(seat), Some(channel), Some(_)) = (seat, channel, &self.alive) else {
                let _ = one.done.send(());
                continue;
            };
            if let Some(reception) = &seat.reception {
                let mut all = self.receptions.lock().unwrap_or_else(PoisonError::into_inner);
                all.retain(|known| !Arc::ptr_eq(known, reception));
            }
            let limit = if is_late { Duration::from_millis(100) } else { one.until - now };
            let happenings = self.happenings.clone();
            self.tasks.spawn(async move {
                let ended = serving::end(&channel, &seat.plan.own);
                let in_time = tokio::time::timeout(limit, ended).await.is_ok();
                let _ = happenings.send(Happening::Closed { in_time, done: one.done });
            });
        }
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
