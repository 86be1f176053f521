//! Publishing one message, confirmed, on a channel that no other message shares meanwhile.
//!
//! The library hands a returned message to whichever confirmation comes next, and a channel that the
//! broker closes takes with it what else was on its way there. On a lane there is nothing else.

use std::sync::Arc;
use std::time::Instant;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ErrorKind};

use super::serving::{declare_exchange, declare_queue, name};
use crate::amqp::complaint::Complaint;
use crate::amqp::outbox::{Item, Outcome, Way};
use crate::amqp::topology::{Exchange, Queue};

/// Survives a restart of the broker in a durable queue.
const PERSISTENT: u8 = 2;

/// A message, and what it is published over.
pub(super) struct Order {
    pub(super) connection: Arc<Connection>,
    pub(super) lane: Option<Channel>,
    /// An exchange that has not been declared on this connection.
    pub(super) declare: Option<Exchange>,
    /// A queue that has not been declared on this connection.
    pub(super) keeper: Option<Queue>,
    pub(super) item: Item,
}

/// What came of it.
pub(super) struct Published {
    pub(super) number: u64,
    pub(super) outcome: Outcome,
    /// For the next one, if it is still good.
    pub(super) lane: Option<Channel>,
    /// An exchange of which it is known now whether it is there.
    pub(super) exchange: Option<(String, bool)>,
    /// The same of a queue.
    pub(super) keeper: Option<(String, bool)>,
}

impl Order {
    pub(super) async fn carry_out(mut self) -> Published {
        let declared = self.declare.as_ref().map(|one| (one.name.clone(), true));
        let result = self.publish().await;
        let (outcome, exchange) = match result {
            Ok(outcome) => (outcome, declared),
            Err(error) => (outcome_of(&error), self.exchange().map(|name| (name, false))),
        };
        // One that did not keep it is not there any more.
        let keeper = self.keeper_name().map(|name| (name, outcome == Outcome::Confirmed));
        let lane = self.lane.filter(|lane| lane.status().connected());
        Published { number: self.item.number, outcome, lane, exchange, keeper }
    }

    async fn publish(&mut self) -> lapin::Result<Outcome> {
        if let Some(exchange) = self.declare.take() {
            self.declare(exchange).await?;
        }
        if let Some(keeper) = self.keeper.take() {
            self.keep(&keeper).await?;
        }
        let lane = self.lane().await?;
        let (exchange, key, mandatory, until) = match &self.item.road {
            Way::Reply { queue, .. } => (ShortString::default(), name(queue)?, true, None),
            Way::Letter { exchange, key, mandatory, until, is_call, .. } => {
                (name(&exchange.name)?, name(key)?, *mandatory, is_call.then_some(*until))
            }
        };
        let options = BasicPublishOptions { mandatory, immediate: false };
        let confirm =
            lane.basic_publish(exchange, key, options, &self.item.body, properties(until));
        Ok(match confirm.await?.await? {
            Confirmation::Ack(None) | Confirmation::NotRequested => Outcome::Confirmed,
            Confirmation::Ack(Some(_)) => Outcome::Returned,
            Confirmation::Nack(_) => Outcome::Refused,
        })
    }

    /// As every peer declares it; what the broker has without durability is used as it is.
    async fn declare(&mut self, mut exchange: Exchange) -> lapin::Result<()> {
        let lane = self.lane().await?;
        let Err(error) = declare_exchange(&lane, &exchange).await else { return Ok(()) };
        let complaint = match error.kind() {
            ErrorKind::ProtocolError(said) => Complaint::read(said.get_message().as_str()),
            _ => None,
        };
        if !complaint.is_some_and(|one| one.is_about_durable() && one.found == "false") {
            return Err(error);
        }
        self.lane = None;
        exchange.durable = false;
        declare_exchange(&self.lane().await?, &exchange).await
    }

    /// A queue that others have declared in another way keeps messages as well as ours.
    async fn keep(&mut self, keeper: &Queue) -> lapin::Result<()> {
        if let Err(error) = declare_queue(&self.lane().await?, keeper).await {
            let complaint = match error.kind() {
                ErrorKind::ProtocolError(said) => Complaint::read(said.get_message().as_str()),
                _ => None,
            };
            let Some(complaint) = complaint else { return Err(error) };
            tracing::warn!(target: "oslo_messaging.notify", "Used as it is: {complaint}");
            self.lane = None;
        }
        let Some(exchange) = self.exchange() else { return Ok(()) };
        let (queue, exchange) = (name(&keeper.name)?, name(&exchange)?);
        let options = QueueBindOptions::default();
        self.lane()
            .await?
            .queue_bind(queue.clone(), exchange, queue, options, FieldTable::default())
            .await
    }

    async fn lane(&mut self) -> lapin::Result<Channel> {
        if let Some(lane) = self.lane.as_ref().filter(|lane| lane.status().connected()) {
            return Ok(lane.clone());
        }
        let lane = self.connection.create_channel().await?;
        lane.confirm_select(ConfirmSelectOptions::default()).await?;
        self.lane = Some(lane.clone());
        Ok(lane)
    }

    fn exchange(&self) -> Option<String> {
        match &self.item.road {
            Way::Letter { exchange, .. } => Some(exchange.name.clone()),
            Way::Reply { .. } => None,
        }
    }

    fn keeper_name(&self) -> Option<String> {
        match &self.item.road {
            Way::Letter { keeper, .. } => keeper.as_ref().map(|keeper| keeper.name.clone()),
            Way::Reply { .. } => None,
        }
    }
}

/// Those of the original (`spec/rpc.md` §3).
fn properties(until: Option<Instant>) -> BasicProperties {
    let properties = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_content_encoding("utf-8".into())
        .with_headers(FieldTable::default())
        .with_delivery_mode(PERSISTENT)
        .with_priority(0);
    let Some(until) = until else { return properties };
    let left = until.saturating_duration_since(Instant::now()).as_millis();
    properties.with_expiration(left.to_string().into())
}

/// What an error means for the message.
fn outcome_of(error: &lapin::Error) -> Outcome {
    match error.kind() {
        // The exchange is gone, and is declared again.
        ErrorKind::ProtocolError(said) if said.get_id() == 404 => Outcome::Again,
        ErrorKind::ProtocolError(said) if error.is_amqp_soft_error() => {
            let text = said.get_message().as_str();
            let complaint = Complaint::read(text).map(|complaint| complaint.to_string());
            Outcome::Never(complaint.unwrap_or_else(|| text.to_owned()))
        }
        ErrorKind::IOError(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
            Outcome::Never(error.to_string())
        }
        _ => Outcome::Again,
    }
}
