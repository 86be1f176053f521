//! The health server with made-up back ends, to look at the page or to point Prometheus at.
//!
//! `cargo run -p cinder-health --example demo [unix:/PATH | IP:PORT]`

#![allow(clippy::disallowed_methods, reason = "an example is a program and reads its argument")]
#![allow(clippy::print_stdout, reason = "it says where it listens")]

use std::time::Instant;

use cinder_health::{
    Address, BackEnd, Family, Health, Kind, Operation, Restarts, Sample, Server, Snapshot, Source,
    State, Supervisor, Value,
};

struct MadeUp(Instant);

impl Source for MadeUp {
    fn snapshot(&mut self) -> Snapshot {
        let age = self.0.elapsed().as_secs_f64();
        let one = |name: &str, state, pid| BackEnd {
            name: name.to_owned(),
            host: format!("node1@{name}"),
            state,
            pid,
            uptime_seconds: Some(age + 93_784.0),
            startup_seconds: Some(0.012),
            heartbeat_age_seconds: Some(age % 10.0),
            processes: 1,
            rss_bytes: Some(8 << 20),
            private_bytes: Some(1 << 20),
            ..BackEnd::default()
        };
        let operation = |kind: &str, id: &str, begun: f64| Operation {
            kind: kind.to_owned(),
            id: id.to_owned(),
            request: "req-0c9f1f0a-77aa-4a0e-9e0e-d0a2b6f0c9e1".to_owned(),
            step: "step 3 of 5: driver".to_owned(),
            age_seconds: begun + age,
            step_age_seconds: age,
        };
        let lvm = BackEnd {
            operations: vec![
                operation("copy_image_to_volume", "6f1cbb2e-6d8e-4a53-a1b1-2f1f4a1f3c55", 187.0),
                operation("create_snapshot", "0c9f1f0a-77aa-4a0e-9e0e-d0a2b6f0c9e1", 2.0),
            ],
            ..one("lvm", State::Up, 2104)
        };
        let nfs = BackEnd {
            heartbeat_age_seconds: Some(73.0 + age),
            restarts: Restarts { signal: 1, watchdog: 2, ..Restarts::default() },
            uptime_seconds: Some(age + 611.0),
            ..one("nfs", State::Up, 2188)
        }
        .judged(Some(60.0));
        Snapshot {
            host: "node1".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            release: "29.0.0".to_owned(),
            supervisor: Supervisor {
                pid: 2101,
                rss_bytes: Some(13 << 20),
                private_bytes: Some(2 << 20),
            },
            health: Health {
                pid: 2107,
                uptime_seconds: Some(age + 93_784.0),
                rss_bytes: Some(6 << 20),
                private_bytes: Some(1 << 20),
                ..Health::default()
            },
            back_ends: vec![lvm, nfs, one("ceph", State::Up, 2106)],
        }
    }

    fn metrics(&mut self) -> Vec<Family> {
        let value = Value::Real(self.0.elapsed().as_secs_f64());
        vec![Family {
            name: "demo_uptime_seconds",
            help: "Age of the demo.",
            kind: Kind::Gauge,
            samples: vec![Sample { labels: vec![("backend", "lvm".into())], value }],
        }]
    }

    fn alive(&mut self) -> Result<(), String> {
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8778".to_owned());
    let server = Server::bind(&address.parse::<Address>()?, 0o660)?;
    println!("listening on {}", server.address());
    Ok(server.run(&mut MadeUp(Instant::now()))?)
}
