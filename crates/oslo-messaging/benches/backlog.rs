//! What much at once costs a server over RabbitMQ: `cargo bench -p oslo-messaging --bench backlog`, with
//! `OSLO_MESSAGING_TEST_RABBITMQ` as for the tests.
//!
//! Each case has a server in a process of its own, whose highest resident memory is compared with that
//! of a quiet one. Fails where a case costs more than it may.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot set itself up has failed")]
#![allow(clippy::disallowed_methods, reason = "it starts itself again as a server")]

#[path = "../tests/broker/mod.rs"]
mod broker;
#[path = "../tests/served/mod.rs"]
mod served;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use broker::Host;
use lapin::BasicProperties;
use oslo_messaging::{
    Bus, Dispatcher, Method, Pool, RabbitOptions, ServerOptions, Transport, Version, returned,
};
use serde_json::{Value, json};
use served::{eventually, target};

const MIB: usize = 1 << 20;
/// As many as a worker has, `executor_thread_pool_size`.
const THREADS: usize = 64;

/// Many messages, and by how many bytes the server may grow over them.
struct Case {
    name: &'static str,
    count: usize,
    body: usize,
    most: usize,
}

const CASES: [Case; 2] = [
    Case { name: "a backlog of 100,000 messages", count: 100_000, body: 100, most: 32 * MIB },
    Case { name: "20 messages of 16 MiB", count: 20, body: 16 * MIB, most: MOST_LARGE },
];

/// What 20 messages of 16 MiB may cost: docs/messaging.md.
const MOST_LARGE: usize = 192 * MIB;

fn main() {
    let words: Vec<_> = std::env::args().collect();
    if let [_, word, url] = words.as_slice()
        && word == "serve"
    {
        return serve(url);
    }
    for case in CASES {
        let Some(host) = broker::host() else { return };
        case.run(&host);
    }
}

impl Case {
    fn run(&self, host: &Host) {
        // The queue has to be there before its backlog.
        Serving::start(host).end();
        let message = json!({
            "method": "take", "args": {"text": "x".repeat(self.body)}, "version": "3.0",
        });
        let body = message.to_string().into_bytes();
        let (name, properties) = ("topic.server", BasicProperties::default());
        broker::publish_many(host, name, &body, properties, self.count);
        let list = host.ctl(&["list_queues", "name", "messages"]);
        assert!(list.contains(&format!("{name}\t{}", self.count)), "{list}");
        let began = Instant::now();
        let server = Serving::start(host);
        eventually("all are taken", || {
            let list = host.ctl(&["list_queues", "name", "messages"]);
            list.contains(&format!("{name}\t0"))
        });
        let (quiet, peak) = (server.quiet, server.peak());
        let cost = peak.saturating_sub(quiet);
        let (mib, took) = (cost as f64 / MIB as f64, began.elapsed().as_secs_f64());
        println!("{}: {mib:.1} MiB more than quiet, gone after {took:.1} s", self.name);
        assert!(cost <= self.most, "{} MiB may be used", self.most / MIB);
        server.end();
    }
}

/// A server in a process of its own.
struct Serving {
    child: Child,
    /// Its memory before the first message.
    quiet: usize,
}

impl Serving {
    fn start(host: &Host) -> Self {
        let own = std::env::current_exe().unwrap();
        let mut command = Command::new(own);
        command.args(["serve", &host.url("")]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, quiet: line.trim().parse().unwrap() }
    }

    fn peak(&self) -> usize {
        peak_of(&self.child.id().to_string())
    }

    fn end(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

/// Serves until its input ends; says what it needs when it is quiet.
fn serve(url: &str) {
    let Transport::Rabbit(broker) = Transport::parse(url, &RabbitOptions::default()).unwrap()
    else {
        panic!("not rabbit://")
    };
    let bus = Bus::rabbit(*broker, "bench");
    let quiet = peak_of("self");
    let options = ServerOptions { prefetch: 2 * THREADS, ..ServerOptions::default() };
    let server = bus.serve(&[target("server")], options).unwrap();
    broker::until_serving(&bus, &server);
    println!("{quiet}");
    let take = Method::new("take", |incoming| {
        let _: Value = incoming.arguments()?;
        // So long that all of what is taken in advance is in memory.
        thread::sleep(Duration::from_millis(5));
        returned(&())
    });
    let version = Version { major: 3, minor: 0 };
    let dispatcher = Dispatcher::default().with(version, [take.taking(&["text"], &[])]);
    let pool = Pool::start(server, dispatcher, THREADS).unwrap();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    pool.drain(Duration::from_secs(10));
}

/// The highest resident memory of a process, in bytes.
fn peak_of(process: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}
