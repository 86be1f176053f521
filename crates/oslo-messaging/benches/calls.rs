//! How long a call takes over the local bus and in process: `cargo bench -p oslo-messaging`.
//!
//! No framework: the figures are of many whole calls, connection, envelope, acknowledgement and reply
//! included, between a client and a server of one process over real sockets.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot set itself up has failed")]

use std::time::{Duration, Instant};

use oslo_messaging::{
    Acknowledge, Bus, Client, Context, Destination, Dispatcher, Method, Pool, Request,
    ServerOptions, Target, Version, returned,
};
use serde_json::json;

const ROUNDS: usize = 5_000;

fn main() {
    let directory = tempfile::tempdir().unwrap();
    println!("{:<6} {:>9}  {:>9} {:>9} {:>9} {:>9}", "bus", "bytes", "p50", "p90", "p99", "per s");
    for (name, bus) in [("local", Bus::local(directory.path())), ("fake", Bus::fake())] {
        let pool = serve(&bus);
        for (bytes, rounds) in [(10, ROUNDS), (10_000, ROUNDS), (1_000_000, ROUNDS / 50)] {
            let client = bus.client();
            let text = "x".repeat(bytes);
            let _warm: Duration = (0..rounds / 10).map(|_| call(&client, &text)).sum();
            let began = Instant::now();
            let mut all: Vec<_> = (0..rounds).map(|_| call(&client, &text)).collect();
            let rate = rounds as f64 / began.elapsed().as_secs_f64();
            all.sort();
            let at = |percent: usize| all[rounds * percent / 100];
            let (p50, p90, p99) = (at(50), at(90), at(99));
            println!("{name:<6} {bytes:>9}  {p50:>9.1?} {p90:>9.1?} {p99:>9.1?} {rate:>9.0}");
        }
        drop(pool);
    }
}

fn serve(bus: &Bus) -> Pool {
    let target = Target::new("openstack", "topic", "server").unwrap();
    let server = bus.serve(&[target], ServerOptions::default()).unwrap();
    let length = Method::new("length", |incoming| returned(&incoming.request.args.get().len()));
    let length = length.taking(&["text"], &[]).acknowledged(Acknowledge::WhenTaken);
    let dispatcher = Dispatcher::default().with(Version { major: 1, minor: 0 }, [length]);
    Pool::start(server, dispatcher, 8).unwrap()
}

fn call(client: &Client, text: &str) -> Duration {
    let began = Instant::now();
    let request = Request::new("length", "1.0", &json!({"text": text}), Context::default());
    let to = Destination::Server {
        exchange: "openstack".into(),
        topic: "topic".into(),
        server: "server".into(),
    };
    client.call(&to, request.unwrap(), Duration::from_secs(10)).unwrap();
    began.elapsed()
}
