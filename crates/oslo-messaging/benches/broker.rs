//! What RabbitMQ costs and how soon it is back: `cargo bench -p oslo-messaging --bench broker`, with
//! `OSLO_MESSAGING_TEST_RABBITMQ` as for the tests.
//!
//! Figures of one process against a broker of the same machine.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot set itself up has failed")]

#[path = "../tests/broker/mod.rs"]
mod broker;
#[path = "../tests/served/mod.rs"]
mod served;

use std::time::{Duration, Instant};

use broker::OwnNode;
use oslo_messaging::{
    Bus, Dispatcher, Method, Pool, Server, ServerOptions, Target, Version, returned,
};
use serde_json::{Value, json};
use served::{eventually, request, target};

fn main() {
    let Some(mut node) = OwnNode::start("") else { return };
    let before = [private("Private_Dirty:"), private("Private_Clean:")];
    let bus = node.host().bus("");
    let servers: Vec<_> = ["server", "b", "c"].iter().map(|name| serve(&bus, name)).collect();
    std::thread::sleep(Duration::from_secs(2));
    // The library's own pages are this process's alone only because it is: workers share them.
    println!(
        "private memory of three idle servers: {} KiB dirty, {} KiB of the program's pages",
        private("Private_Dirty:").saturating_sub(before[0]),
        private("Private_Clean:").saturating_sub(before[1])
    );

    round_trips(&node);

    let first = &servers[0];
    let back = |what: &str, harm: &mut dyn FnMut()| {
        let lives = bus.state().unwrap().reconnects;
        harm();
        let began = Instant::now();
        eventually(what, || {
            bus.state().unwrap().reconnects > lives && broker::is_serving(&bus, first)
        });
        println!("{what}: {:.2} s", began.elapsed().as_secs_f64());
    };
    std::thread::sleep(Duration::from_secs(5)); // a life that counts
    let host = node.host();
    back("repaired after a queue was deleted", &mut || {
        host.delete_queue("topic.server");
    });
    std::thread::sleep(Duration::from_secs(5));
    back("repaired after the connections were closed", &mut || {
        host.close_connections();
    });
    std::thread::sleep(Duration::from_secs(5));
    back("serving after the port opened", &mut || {
        node.stop(false);
        std::thread::sleep(Duration::from_secs(20));
        node.resume();
    });
    let began = Instant::now();
    drop((servers, bus));
    println!("ended while the broker is there: {:.2} s", began.elapsed().as_secs_f64());
    let bus = node.host().bus("");
    let server = serve(&bus, "server");
    node.stop(false);
    eventually("it is away", || !broker::is_serving(&bus, &server));
    let began = Instant::now();
    drop((server, bus));
    println!("ended while it is away: {:.2} s", began.elapsed().as_secs_f64());
}

fn serve(bus: &Bus, name: &str) -> Server {
    let target = if name == "server" {
        target(name)
    } else {
        Target::new("openstack", name, "server").unwrap()
    };
    let server = bus.serve(&[target], ServerOptions::default()).unwrap();
    broker::until_serving(bus, &server);
    server
}

fn round_trips(node: &OwnNode) {
    let bus = node.host().bus("");
    let target = Target::new("openstack", "bench", "one").unwrap();
    let server = bus.serve(&[target], ServerOptions::default()).unwrap();
    broker::until_serving(&bus, &server);
    let echo = Method::new("echo", |incoming| {
        let args: Value = incoming.arguments()?;
        returned(&args["text"])
    });
    let dispatcher =
        Dispatcher::default().with(Version { major: 3, minor: 0 }, [echo.taking(&["text"], &[])]);
    let pool = Pool::start(server, dispatcher, 8).unwrap();
    let to = oslo_messaging::Destination::Server {
        exchange: "openstack".into(),
        topic: "bench".into(),
        server: "one".into(),
    };
    let client = bus.client();
    let mut all: Vec<_> = (0..1_000)
        .map(|_| {
            let began = Instant::now();
            let asked = request("echo", &json!({"text": "x"}));
            client.call(&to, asked, Duration::from_secs(20)).unwrap();
            began.elapsed()
        })
        .skip(100)
        .collect();
    all.sort();
    println!("a call's round trip: p50 {:.2?}, p90 {:.2?}", all[450], all[810]);
    drop(pool);
}

/// Memory that is this process's alone, of one kind, in KiB.
fn private(kind: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = text.lines().find(|line| line.starts_with(kind)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
