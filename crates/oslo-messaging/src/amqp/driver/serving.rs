//! Declaring, consuming, settling: what happens on the consuming connection.
//!
//! Order of a server: its channel, how much may be on its way, declarations, consumers. Must not:
//! declare anything that the plan does not say, but for what may be transient instead of durable.

use std::pin::Pin;
use std::sync::Arc;

use futures_core::Stream;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
    BasicRejectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Connection, Consumer, ErrorKind, ExchangeKind};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::link::{broken, trouble};
use super::{Chore, End, Happening, Source};
use crate::amqp::commands::Settled;
use crate::amqp::complaint::Complaint;
use crate::amqp::session::{Class, Life, Place, Trouble};
use crate::amqp::topology::{
    Argument, Arguments, Exchange, Kind, Offset, Plan, Queue, Step, reading_from,
};

/// What a server of a plan needs.
pub(super) struct Order {
    pub(super) life: Life,
    pub(super) place: Place,
    pub(super) connection: Arc<Connection>,
    pub(super) plan: Plan,
    pub(super) prefetch: u16,
    pub(super) arguments: Arguments,
    /// Where the plan's stream is read on.
    pub(super) offset: Offset,
    pub(super) happenings: mpsc::UnboundedSender<Happening>,
}

impl Order {
    /// Establishes it, tells that, and takes messages until the end of the life.
    pub(super) async fn carry_out(mut self) {
        let (life, place, happenings) = (self.life, self.place, self.happenings.clone());
        let own = self.plan.own.clone();
        let mut taking = JoinSet::new();
        match self.establish(&mut taking).await {
            Ok(channel) => {
                let _ = happenings.send(Happening::Established(life, place, Ok(channel), own));
                while let Some(ended) = taking.join_next().await {
                    if let Err(error) = ended
                        && let Ok(panic) = error.try_into_panic()
                    {
                        std::panic::resume_unwind(panic);
                    }
                }
            }
            Err(error) => {
                let happening = match told(&error) {
                    Some(trouble) => Happening::Established(life, place, Err(trouble), own),
                    None => Happening::Lost(life, broken(&error)),
                };
                let _ = happenings.send(happening);
            }
        }
    }

    async fn establish(&mut self, taking: &mut JoinSet<()>) -> lapin::Result<Channel> {
        let mut channel = self.connection.create_channel().await?;
        let mut repaired = 0;
        while let Err(error) = self.declare(&channel).await {
            // The broker has closed the channel with its refusal.
            repaired += 1;
            if repaired > 2 * self.plan.steps.len() || !self.repair(&error).await? {
                return Err(error);
            }
            channel = self.connection.create_channel().await?;
        }
        if self.prefetch > 0 {
            channel.basic_qos(self.prefetch, BasicQosOptions { global: false }).await?;
        }
        for (queue, tag) in &self.plan.consumers {
            let options = BasicConsumeOptions::default();
            let is_stream = self.plan.stream.as_ref() == Some(queue);
            let arguments = match is_stream {
                true => table(&reading_from(self.offset)),
                false => table(&self.arguments),
            };
            let consumer = channel.basic_consume(name(queue)?, name(tag)?, options, arguments);
            // At once: the broker's word on the next consumer comes behind all that this one gets.
            let (consumer, happenings) = (consumer.await?, self.happenings.clone());
            taking.spawn(take(self.life, self.place, consumer, is_stream, happenings));
        }
        Ok(channel)
    }

    async fn declare(&self, channel: &Channel) -> lapin::Result<()> {
        for step in &self.plan.steps {
            match step {
                Step::Exchange(one) => declare_exchange(channel, one).await?,
                Step::Queue(one) => declare_queue(channel, one).await?,
                Step::Bind { queue, exchange, key } => {
                    let (queue, exchange, key) = (name(queue)?, name(exchange)?, name(key)?);
                    let options = QueueBindOptions::default();
                    channel
                        .queue_bind(queue, exchange, key, options, FieldTable::default())
                        .await?;
                }
            }
        }
        Ok(())
    }

    /// What can be done about a refusal; whether something was.
    async fn repair(&mut self, error: &lapin::Error) -> lapin::Result<bool> {
        let ErrorKind::ProtocolError(said) = error.kind() else { return Ok(false) };
        let text = said.get_message().as_str();
        if let Some(complaint) = Complaint::read(text)
            && complaint.is_about_durable()
            && complaint.found == "false"
        {
            tracing::warn!(
                target: "oslo_messaging.connection",
                "{} is not durable on the broker, and is used as it is", complaint.name
            );
            self.plan.settle_for_transient(&complaint.name);
            return Ok(true);
        }
        // A queue that cannot be brought back can be had again only without what was in it. One whose node is away the
        // broker may refuse to delete, in the same words: then that is the reason which is told.
        if said.get_id() == 404
            && let Some(queue) = lost_queue(text, &self.plan)
        {
            let channel = self.connection.create_channel().await?;
            channel.queue_delete(name(&queue)?, QueueDeleteOptions::default()).await?;
            tracing::warn!(
                target: "oslo_messaging.connection",
                "{queue} could not be brought back by the broker, and is made anew, empty: {text}"
            );
            return Ok(true);
        }
        Ok(false)
    }
}

/// The queue that a 404 to a declaration is about: its node is away, or it has crashed too often. The broker has a sentence
/// for each, which differs between its releases; as in the original it is enough that it names a queue of ours.
fn lost_queue(text: &str, plan: &Plan) -> Option<String> {
    plan.steps.iter().find_map(|step| match step {
        Step::Queue(queue) if text.contains(&format!("'{}'", queue.name)) => {
            Some(queue.name.clone())
        }
        _ => None,
    })
}

/// What an error of a channel means for the server; nothing if the connection is the matter.
fn told(error: &lapin::Error) -> Option<Trouble> {
    let ErrorKind::ProtocolError(said) = error.kind() else { return None };
    let text = said.get_message().as_str();
    match said.get_id() {
        541 => Some(trouble(Class::NotReady, &text)),
        406 => Some(match Complaint::read(text) {
            Some(complaint) => trouble(Class::Forbidden, &complaint),
            None => trouble(Class::Forbidden, &text),
        }),
        _ if error.is_amqp_soft_error() => Some(trouble(Class::Forbidden, &text)),
        _ => None,
    }
}

/// A name that a frame can hold.
pub(super) fn name(text: &str) -> lapin::Result<ShortString> {
    let name = ShortString::try_new(text);
    name.map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidInput, error).into())
}

pub(super) async fn declare_exchange(channel: &Channel, one: &Exchange) -> lapin::Result<()> {
    let kind = match one.kind {
        Kind::Topic => ExchangeKind::Topic,
        Kind::Fanout => ExchangeKind::Fanout,
    };
    let options = ExchangeDeclareOptions {
        durable: one.durable,
        auto_delete: one.auto_delete,
        ..ExchangeDeclareOptions::default()
    };
    channel.exchange_declare(name(&one.name)?, kind, options, FieldTable::default()).await
}

pub(super) async fn declare_queue(channel: &Channel, one: &Queue) -> lapin::Result<()> {
    let options = QueueDeclareOptions {
        durable: one.durable,
        auto_delete: one.auto_delete,
        ..QueueDeclareOptions::default()
    };
    channel.queue_declare(name(&one.name)?, options, table(&one.arguments)).await.map(drop)
}

fn table(arguments: &[(&'static str, Argument)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        let value = match value {
            Argument::Text(text) => AMQPValue::LongString(text.as_str().into()),
            // In as few bytes as the original's library takes.
            Argument::Number(number) => match i32::try_from(*number) {
                Ok(number) => AMQPValue::LongInt(number),
                Err(_) => AMQPValue::LongLongInt(*number),
            },
            Argument::Flag(flag) => AMQPValue::Boolean(*flag),
        };
        table.insert((*name).into(), value);
    }
    table
}

/// Hands on what comes, until nothing does.
async fn take(
    life: Life,
    place: Place,
    mut consumer: Consumer,
    is_stream: bool,
    happenings: mpsc::UnboundedSender<Happening>,
) {
    let end = loop {
        let next = std::future::poll_fn(|context| Pin::new(&mut consumer).poll_next(context));
        match next.await {
            Some(Ok(delivery)) => {
                let source = match is_stream {
                    true => Source::Stream(offset(&delivery)),
                    false => Source::Queue,
                };
                let delivered = Happening::Delivered(life, place, Box::new(delivery), source);
                if happenings.send(delivered).is_err() {
                    return;
                }
            }
            Some(Err(error)) => break End::Broken(broken(&error).reason),
            None => break End::Cancelled(consumer.queue().as_str().to_owned()),
        }
    };
    let _ = happenings.send(Happening::ConsumerEnded(life, place, end));
}

/// Where a message stood in its stream. The broker writes that over whatever a sender may have put there.
fn offset(delivery: &Delivery) -> Option<i64> {
    let headers = delivery.properties.headers().as_ref()?;
    match headers.inner().get("x-stream-offset")? {
        AMQPValue::LongLongInt(number) => Some(*number),
        AMQPValue::Timestamp(number) => i64::try_from(*number).ok(),
        AMQPValue::LongInt(number) => Some(i64::from(*number)),
        AMQPValue::LongUInt(number) => Some(i64::from(*number)),
        _ => None,
    }
}

/// Tells the broker what became of messages, one after the other.
pub(super) async fn settle(
    mut todo: mpsc::UnboundedReceiver<Chore>,
    happenings: mpsc::UnboundedSender<Happening>,
) {
    while let Some(chore) = todo.recv().await {
        // What cannot be told is told by the end of the connection: the broker delivers it again.
        match chore {
            Chore::Settle(acker, Settled::Acknowledged) => {
                let _ = acker.ack(BasicAckOptions::default()).await;
            }
            Chore::Settle(acker, Settled::GivenBack) => {
                let options = BasicNackOptions { requeue: true, multiple: false };
                let _ = acker.nack(options).await;
            }
            Chore::Settle(acker, Settled::Rejected) => {
                let _ = acker.reject(BasicRejectOptions { requeue: false }).await;
            }
            Chore::End { place, channel, own } => {
                end(&channel, &own).await;
                let _ = happenings.send(Happening::Closed(place));
            }
            Chore::Cancel(channel, tags) => {
                for tag in tags {
                    if let Ok(tag) = name(&tag) {
                        let _ = channel.basic_cancel(tag, BasicCancelOptions::default()).await;
                    }
                }
            }
        }
    }
}

/// The end of a server: what is of this life alone goes, then its channel.
pub(super) async fn end(channel: &Channel, own: &[String]) {
    for queue in own {
        if let Ok(queue) = name(queue) {
            let _ = channel.queue_delete(queue, QueueDeleteOptions::default()).await;
        }
    }
    let _ = channel.close(200, "OK".into()).await;
}
