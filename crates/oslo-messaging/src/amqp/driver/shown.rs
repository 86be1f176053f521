//! The picture of the state, for whoever looks.

use std::time::Instant;

use super::{Driver, PICTURE, REPLIES};
use crate::amqp::session::Phase;
use crate::amqp::state::{BusState, ConnectionPhase, ConnectionState, Purpose, ServerState};

impl Driver {
    /// Puts a new picture up, if there is anything new.
    pub(super) fn show(&mut self, now: Instant) {
        let is_time = now.saturating_duration_since(self.pictured) >= PICTURE;
        let is_due = self.has_news || (self.is_changed && is_time);
        if !is_due {
            return;
        }
        (self.has_news, self.is_changed, self.pictured) = (false, false, now);
        let (phase, since) = self.session.phase();
        let phase = match phase {
            Phase::Resting => ConnectionPhase::Resting,
            Phase::Connecting => ConnectionPhase::Connecting,
            Phase::Up => ConnectionPhase::Up,
            Phase::Waiting(_) => ConnectionPhase::Waiting,
            Phase::Ended => ConnectionPhase::Closed,
        };
        let connection = |purpose, number: usize| ConnectionState {
            purpose,
            host: self.at.clone(),
            phase,
            since,
            reason: self.session.reason().map(str::to_owned),
            blocked: self.blocked.get(number).and_then(|one| Some(one.as_ref()?.0.clone())),
        };
        let mut servers: Vec<_> = self
            .seats
            .iter()
            .filter(|(place, _)| **place != REPLIES)
            .map(|(place, seat)| {
                let stands = self.session.seat(*place);
                let complaint = stands.and_then(|one| one.complaint.clone());
                ServerState {
                    number: seat.server,
                    queues: seat.plan.consumers.iter().map(|(name, _)| name.clone()).collect(),
                    is_serving: self.session.is_serving(*place),
                    since: stands.map_or(now, |one| one.since),
                    reason: complaint.or_else(|| self.session.reason().map(str::to_owned)),
                }
            })
            .collect();
        servers.sort_by(|one, other| (one.number, &one.queues).cmp(&(other.number, &other.queues)));
        let now_blocked = self.blocked[1].as_ref().map(|(_, since)| since.elapsed());
        self.settings.picture.show(BusState {
            connections: vec![
                connection(Purpose::Consuming, 0),
                connection(Purpose::Publishing, 1),
            ],
            servers,
            waiting_replies: self.outbox.replies(),
            dead_reply_queues: self.outbox.dead(),
            answered: self.outbox.counts.answered,
            returned: self.outbox.counts.returned,
            dropped: self.outbox.counts.dropped,
            reconnects: self.session.reconnects(),
            blocked: self.blocked_before + now_blocked.unwrap_or_default(),
            ended: None,
        });
    }
}
