//! Reads transport URLs and compares each with what the original's library makes of it.
//!
//! `cargo run -p oslo-messaging --example urls -- FILE` takes a JSON list of vectors as in
//! `tests/data/transport-url-vectors.json`, prints what differs and `N passed, N failed`.

use std::process::ExitCode;

use oslo_messaging::{RabbitOptions, Transport};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    url: String,
    expect: String,
    #[serde(default)]
    vhost: String,
    #[serde(default)]
    hosts: Vec<Host>,
    #[serde(default)]
    query: std::collections::BTreeMap<String, String>,
    /// Why another answer is as good.
    quirk: Option<String>,
}

#[derive(Deserialize, PartialEq, Debug)]
struct Host {
    host: String,
    port: u16,
    user: String,
    password: String,
}

/// What differs between a vector and our reading of its URL.
fn difference(vector: &Vector) -> Option<String> {
    let options = RabbitOptions::default();
    let ours = match (Transport::parse(&vector.url, &options), vector.expect.as_str()) {
        (Ok(Transport::Rabbit(broker)), "ok") => broker,
        (Ok(Transport::Fake), "in-process") | (Err(_), "error") => return None,
        (Err(_), "ok") if vector.quirk.is_some() => return None,
        (ours, wanted) => return Some(format!("{wanted} wanted, got {ours:?}")),
    };
    let host = |host: &oslo_messaging::BrokerHost| Host {
        host: host.name.clone(),
        port: host.port,
        user: host.user.clone(),
        password: host.password.reveal().to_owned(),
    };
    let hosts: Vec<Host> = ours.hosts.iter().map(host).collect();
    let mut wanted = options;
    for (name, value) in &vector.query {
        if let Err(error) = wanted.set(name, value) {
            return Some(error.to_string());
        }
    }
    let same = hosts == vector.hosts && ours.virtual_host == vector.vhost && ours.options == wanted;
    (!same).then(|| format!("{hosts:?}, virtual host {:?}", ours.virtual_host))
}

#[expect(clippy::disallowed_methods, reason = "an example is a program and reads its arguments")]
#[expect(clippy::print_stdout, reason = "its output is what it is for")]
fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("usage: urls FILE")?;
    let vectors: Vec<Vector> = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    let mut failed = 0;
    for vector in &vectors {
        if let Some(difference) = difference(vector) {
            println!("{}: {difference}", vector.url);
            failed += 1;
        }
    }
    println!("{} passed, {failed} failed", vectors.len() - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
