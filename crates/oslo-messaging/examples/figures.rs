//! What `cargo xtask bench rpc` measures: a server of this library, a bare echo by the AMQP library under it, and one
//! load generator for all servers, which knows neither.
//!
//! ```text
//! figures serve URL NAME           echoes until its input ends; says `serving` and `away`; URL may have a query of
//!                                  options, as `?heartbeat_timeout_threshold=10`
//! figures bare URL                 the same without JSON: each body goes back as it came, confirmed
//! figures load URL CALLERS SECONDS BYTES
//! figures calls URL CALLERS COUNT BYTES
//! ```
//!
//! A caller has one call on its way at a time. The generator knows an answer by the number in its properties, which the bare
//! echo sends back, or else by the one in its text, without reading the text.

mod place;

use std::collections::HashMap;
use std::error::Error;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_core::Stream;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions,
    ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, Consumer, ExchangeKind};
use oslo_messaging::{Dispatcher, Method, Pool, ServerOptions, Target, Version, returned};
use serde_json::{Value, json};

type Done<T = ()> = Result<T, Box<dyn Error>>;

const EXCHANGE: &str = "openstack";
const TOPIC: &str = "figures";
/// Threads of the server, and messages that the bare echo answers at a time, each on a channel of its own.
const THREADS: usize = 64;
const CHANNELS: usize = 16;

#[expect(clippy::print_stdout, reason = "its output is what it is for")]
fn say(text: &str) {
    println!("{text}");
}

fn until_input_ends() {
    let _ = std::io::stdin().lines().find(Result::is_err);
}

fn serve(url: &str, name: &str) -> Done {
    let bus = place::bus(url)?;
    let (changed, changes) = std::sync::mpsc::channel();
    bus.watch(move || _ = changed.send(()));
    let server = bus.serve(&[Target::new(EXCHANGE, TOPIC, name)?], ServerOptions::default())?;
    let (watched, number) = (bus.clone(), server.number());
    std::thread::spawn(move || {
        let mut told = None;
        loop {
            let is_serving = watched.state().is_some_and(|state| state.is_serving(number));
            if told.replace(is_serving) != Some(is_serving) {
                say(if is_serving { "serving" } else { "away" });
            }
            if changes.recv().is_err() {
                return;
            }
        }
    });
    let echo = Method::new("echo", |incoming| {
        let args: Value = incoming.arguments()?;
        returned(&args["text"])
    });
    let methods = [echo.taking(&["text"], &[])];
    let dispatcher = Dispatcher::default().with(Version { major: 1, minor: 0 }, methods);
    let pool = Pool::start(server, dispatcher, THREADS)?;
    until_input_ends();
    pool.drain(Duration::from_secs(10));
    Ok(())
}

async fn connect(url: &str) -> Done<Connection> {
    let url = url.replacen("rabbit://", "amqp://", 1);
    let url = url.strip_suffix('/').map_or_else(|| url.clone(), |url| format!("{url}/%2f"));
    Ok(Connection::connect(&url, ConnectionProperties::default()).await?)
}

async fn next(consumer: &mut Consumer) -> Done<Delivery> {
    let next = std::future::poll_fn(|context| Stream::poll_next(Pin::new(&mut *consumer), context));
    Ok(next.await.ok_or("the connection has ended")??)
}

/// The queue that the server is asked over, as the library declares it.
async fn declare(channel: &Channel) -> Done<String> {
    let queue = format!("{TOPIC}.one");
    let (exchange, table) = (EXCHANGE, FieldTable::default);
    let options = ExchangeDeclareOptions::default();
    channel.exchange_declare(exchange.into(), ExchangeKind::Topic, options, table()).await?;
    let options = QueueDeclareOptions::default();
    channel.queue_declare(queue.as_str().into(), options, table()).await?;
    let (name, options) = (queue.as_str(), QueueBindOptions::default());
    channel.queue_bind(name.into(), exchange.into(), name.into(), options, table()).await?;
    Ok(queue)
}

async fn bare(url: &str) -> Done {
    let (takes, sends) = (connect(url).await?, connect(url).await?);
    let channel = takes.create_channel().await?;
    let queue = declare(&channel).await?;
    let options = BasicConsumeOptions::default();
    let consumer =
        channel.basic_consume(queue.as_str().into(), "1".into(), options, FieldTable::default());
    let mut consumer = consumer.await?;
    let (free, mut frees) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..CHANNELS {
        let channel = sends.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        free.send(channel)?;
    }
    say("serving");
    loop {
        let delivery = next(&mut consumer).await?;
        let channel = frees.recv().await.ok_or("no channel")?;
        let free = free.clone();
        tokio::spawn(async move {
            let properties = delivery.properties.clone();
            let queue = properties.reply_to().clone().unwrap_or_default();
            let _ = delivery.acker.ack(BasicAckOptions::default()).await;
            let options = BasicPublishOptions { mandatory: true, immediate: false };
            let sent = channel.basic_publish("".into(), queue, options, &delivery.data, properties);
            if let Ok(confirm) = sent.await {
                let _ = confirm.await;
            }
            let _ = free.send(channel);
        });
    }
}

/// How long a run lasts.
enum Run {
    For(Duration),
    Calls(usize),
}

/// Where calls go out and answers come in.
struct Caller {
    channel: Channel,
    replies: String,
    text: String,
}

impl Caller {
    async fn call(&self, id: &str) -> Done {
        let message = json!({
            "method": "echo", "version": "1.0", "namespace": null, "args": {"text": self.text},
            "_unique_id": id, "_msg_id": id, "_reply_q": self.replies, "_timeout": null,
        });
        let body = json!({"oslo.version": "2.0", "oslo.message": message.to_string()}).to_string();
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_content_encoding("utf-8".into())
            .with_delivery_mode(2)
            .with_priority(0)
            .with_reply_to(self.replies.as_str().into())
            .with_correlation_id(id.into());
        let (key, options) = (format!("{TOPIC}.one"), BasicPublishOptions::default());
        let channel = &self.channel;
        let sent = channel.basic_publish(
            EXCHANGE.into(),
            key.as_str().into(),
            options,
            body.as_bytes(),
            properties,
        );
        drop(sent.await?);
        Ok(())
    }
}

/// The number of the call that this answers.
fn number(delivery: &Delivery) -> Option<String> {
    if let Some(id) = delivery.properties.correlation_id() {
        return Some(id.as_str().to_owned());
    }
    const KEY: &[u8] = b"_msg_id";
    let at = delivery.data.windows(KEY.len()).position(|window| window == KEY)?;
    let rest = delivery.data.get(at + KEY.len()..)?;
    let start = rest.iter().position(u8::is_ascii_hexdigit)?;
    String::from_utf8(rest.get(start..start + 32)?.to_vec()).ok()
}

async fn load(url: &str, callers: usize, run: Run, bytes: usize) -> Done {
    let connection = connect(url).await?;
    let channel = connection.create_channel().await?;
    declare(&channel).await?;
    let replies = format!("reply_{}", uuid::Uuid::new_v4().simple());
    let options = QueueDeclareOptions { auto_delete: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(replies.as_str().into(), options, FieldTable::default()).await?;
    let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    let consumer =
        channel.basic_consume(replies.as_str().into(), "1".into(), options, FieldTable::default());
    let mut consumer = consumer.await?;
    let caller = Caller { channel, replies, text: "x".repeat(bytes) };
    let mut under_way = HashMap::new();
    let mut times = Vec::new();
    let began = Instant::now();
    let mut asked = 0;
    loop {
        let goes_on = match run {
            Run::For(time) => began.elapsed() < time,
            Run::Calls(count) => asked < count,
        };
        if goes_on && under_way.len() < callers {
            let id = uuid::Uuid::new_v4().simple().to_string();
            under_way.insert(id.clone(), Instant::now());
            asked += 1;
            caller.call(&id).await?;
            continue;
        }
        if under_way.is_empty() {
            break;
        }
        let next = tokio::time::timeout(Duration::from_secs(60), next(&mut consumer));
        let delivery = next.await.map_err(|_| "no answer for 60 s")??;
        let sent = number(&delivery).and_then(|id| under_way.remove(&id));
        times.extend(sent.map(|sent| sent.elapsed()));
    }
    let seconds = began.elapsed().as_secs_f64();
    times.sort();
    let at = |part: usize| times.get(times.len() * part / 100).map_or(0.0, Duration::as_secs_f64);
    let told = json!({
        "calls": times.len(), "seconds": seconds, "p50_ms": at(50) * 1e3, "p90_ms": at(90) * 1e3,
    });
    say(&told.to_string());
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "an example is a program and reads its arguments")]
fn main() -> Done {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    match *words {
        ["serve", url, name] => serve(url, name),
        ["bare", url] => {
            std::thread::spawn(|| {
                until_input_ends();
                std::process::exit(0);
            });
            runtime()?.block_on(bare(url))
        }
        ["load", url, callers, seconds, bytes] => {
            let run = Run::For(Duration::from_secs_f64(seconds.parse()?));
            runtime()?.block_on(load(url, callers.parse()?, run, bytes.parse()?))
        }
        ["calls", url, callers, count, bytes] => {
            let run = Run::Calls(count.parse()?);
            runtime()?.block_on(load(url, callers.parse()?, run, bytes.parse()?))
        }
        _ => Err("usage: see the head of this example".into()),
    }
}
