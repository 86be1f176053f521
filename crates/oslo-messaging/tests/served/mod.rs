//! What tests of several files share: the buses, and where things are on them.

#![allow(dead_code, reason = "no file uses all of it")]

pub mod process;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use oslo_messaging::{
    Bus, Context, Destination, Method, Request, Server, ServerOptions, Target, returned,
};
use serde_json::Value;

#[cfg(feature = "rabbit")]
use crate::broker;

/// A bus of its own, with what it needs.
pub struct Stage {
    name: &'static str,
    pub bus: Bus,
    pub directory: tempfile::TempDir,
    /// After the bus: it goes last.
    #[cfg(feature = "rabbit")]
    _host: Option<broker::Host>,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The table: every bus that there is on this machine.
pub fn buses() -> Vec<Stage> {
    let all = vec![local(), Stage::of("fake", Bus::fake(), directory())];
    #[cfg(feature = "rabbit")]
    let all = all.into_iter().chain(rabbit()).collect();
    all
}

pub fn local() -> Stage {
    let directory = directory();
    Stage::of("local", Bus::local(&directory.path().join("rpc")), directory)
}

#[cfg(feature = "rabbit")]
fn rabbit() -> Option<Stage> {
    let host = broker::host()?;
    let stage = Stage::of("rabbit", host.bus(""), directory());
    Some(Stage { _host: Some(host), ..stage })
}

impl Stage {
    fn of(name: &'static str, bus: Bus, directory: tempfile::TempDir) -> Self {
        Self {
            name,
            bus,
            directory,
            #[cfg(feature = "rabbit")]
            _host: None,
        }
    }

    /// A server that takes messages.
    pub fn serve(&self, name: &str) -> Server {
        let server = self.bus.serve(&[target(name)], ServerOptions::default()).expect("a server");
        #[cfg(feature = "rabbit")]
        broker::until_serving(&self.bus, &server);
        server
    }

    /// Whether a cast comes back when it is taken care of, and not before: a broker keeps it.
    pub fn is_direct(&self) -> bool {
        self.name != "rabbit"
    }
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

pub fn target(server: &str) -> Target {
    Target::new("openstack", "topic", server).expect("good names")
}

pub fn server_of(server: &str) -> Destination {
    Destination::Server {
        exchange: "openstack".into(),
        topic: "topic".into(),
        server: server.into(),
    }
}

pub fn to_any() -> Destination {
    Destination::Topic { exchange: "openstack".into(), topic: "topic".into() }
}

pub fn to_all() -> Destination {
    Destination::Fanout { topic: "topic".into() }
}

pub fn request(method: &str, args: &Value) -> Request {
    Request::new(method, "3.0", args, Context::default()).expect("JSON")
}

/// A method that returns its `text`.
pub fn echo() -> Method {
    let method = Method::new("echo", |incoming| {
        let args: Value = incoming.arguments()?;
        returned(&args["text"])
    });
    method.taking(&["text"], &[])
}

/// A method that puts its `n` behind the others.
pub fn keep(seen: &Arc<Mutex<Vec<Value>>>) -> Method {
    let seen = Arc::clone(seen);
    let method = Method::new("keep", move |incoming| {
        let args: Value = incoming.arguments()?;
        seen.lock().expect("no panic").push(args["n"].clone());
        returned(&())
    });
    method.taking(&["n"], &[])
}

/// Waits for a state, with a limit that a machine with more to do than it can bears.
pub fn eventually(what: &str, is_so: impl FnMut() -> bool) {
    within(Duration::from_secs(90), what, is_so);
}

pub fn within(limit: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !is_so() {
        assert!(Instant::now() < end, "not in {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
