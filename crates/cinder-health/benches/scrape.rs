//! How long a scrape takes over loopback, by the number of back ends: `cargo bench -p cinder-health`.
//!
//! No framework: the figure is the median of many whole requests, connection included.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot set itself up has failed")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use cinder_health::{
    Address, BackEnd, Family, Kind, Sample, Server, Snapshot, Source, State, Value,
};

const ROUNDS: usize = 200;
/// As many samples of each back end as the daemon has.
const FAMILIES: usize = 60;

struct Fixed(Snapshot);

impl Source for Fixed {
    fn snapshot(&mut self) -> Snapshot {
        self.0.clone()
    }

    fn metrics(&mut self) -> Vec<Family> {
        (0..FAMILIES).map(|_| family(&self.0)).collect()
    }

    fn alive(&mut self) -> Result<(), String> {
        Ok(())
    }
}

fn main() {
    println!("{:>9}  {:<9} {:>10} {:>10} {:>9}", "back ends", "path", "median", "worst", "bytes");
    for count in [1, 20, 200] {
        let server = Server::bind(&"127.0.0.1:0".parse().unwrap(), 0).unwrap();
        let Address::Tcp(at) = *server.address() else { return };
        let stopper = server.stopper().unwrap();
        let thread = std::thread::spawn(move || server.run(&mut Fixed(snapshot(count))).unwrap());
        for path in ["/metrics", "/healthz", "/", "/livez"] {
            let mut all: Vec<(Duration, usize)> = (0..ROUNDS).map(|_| scrape(at, path)).collect();
            all.sort();
            let (median, bytes) = all[ROUNDS / 2];
            let worst = all[ROUNDS - 1].0;
            println!("{count:>9}  {path:<9} {median:>10.1?} {worst:>10.1?} {bytes:>9}");
        }
        stopper.stop();
        thread.join().unwrap();
    }
}

fn family(snapshot: &Snapshot) -> Family {
    let sample = |one: &BackEnd| Sample {
        labels: vec![("backend", one.name.as_str().into())],
        value: Value::Real(12_345.678),
    };
    let samples = snapshot.back_ends.iter().map(sample).collect();
    Family { name: "uptime_seconds", help: "Age of it.", kind: Kind::Gauge, samples }
}

fn snapshot(count: usize) -> Snapshot {
    let one = |number: usize| BackEnd {
        name: format!("backend-{number:03}"),
        host: format!("node1@backend-{number:03}"),
        state: State::Up,
        pid: 1,
        uptime_seconds: Some(12_345.678),
        startup_seconds: Some(0.0123),
        heartbeat_age_seconds: Some(3.456),
        rss_bytes: Some(8 << 20),
        private_bytes: Some(1 << 20),
        ..BackEnd::default()
    };
    Snapshot { back_ends: (0..count).map(one).collect(), ..Snapshot::default() }
}

fn scrape(at: SocketAddr, path: &str) -> (Duration, usize) {
    let start = Instant::now();
    let mut stream = TcpStream::connect(at).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    (start.elapsed(), answer.len())
}
