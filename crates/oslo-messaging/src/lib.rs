//! Remote procedure calls as oslo.messaging speaks them.
//!
//! A server takes requests and gives each a way back; a client calls, casts, and tells all servers of
//! a topic. What carries them is a [`Bus`]: Unix sockets of one machine, or this process itself. The
//! bytes are the same on each, those of oslo.messaging 18 over RabbitMQ.
//!
//! ```
//! use std::time::Duration;
//! use oslo_messaging::*;
//!
//! let bus = Bus::fake(); // or Bus::local(directory)
//! let target = Target::new("openstack", "greeting", "host1")?;
//! let server = bus.serve(&[target], ServerOptions::default())?;
//! let greet = Method::new("greet", |incoming| {
//!     let args: serde_json::Value = incoming.arguments()?;
//!     incoming.recorded(); // what is wanted survives us now: the sender need not keep it
//!     returned(&format!("good day, {}", args["name"].as_str().unwrap_or("stranger")))
//! });
//! let version = Version { major: 1, minor: 0 };
//! let dispatcher = Dispatcher::default().with(version, [greet.taking(&["name"], &[])]);
//! let pool = Pool::start(server, dispatcher, 8)?;
//!
//! let to = Destination::Topic { exchange: "openstack".into(), topic: "greeting".into() };
//! let args = serde_json::json!({"name": "Ada"});
//! let request = Request::new("greet", "1.0", &args, Context::default())?;
//! let answer = bus.client().call(&to, request, Duration::from_secs(60))?;
//! assert_eq!(answer.get(), "\"good day, Ada\"");
//! pool.drain(Duration::from_secs(60));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It knows neither a service nor a configuration, prints nothing, reads no environment; what it has to
//! say goes to `tracing`. Nothing starts a thread before a server is made, so make it after a fork.

#![forbid(unsafe_code)]

#[cfg(feature = "rabbit")]
mod amqp;
mod body;
mod bus;
mod classes;
mod client;
mod context;
mod contradictions;
mod dispatch;
mod envelope;
mod error;
mod evidence;
mod excerpt;
mod failure;
mod inbox;
mod incoming;
mod local;
mod memory;
mod notify;
mod options;
mod outlet;
mod pool;
mod reception;
mod secret;
mod seen;
mod server;
mod target;
mod url;

#[cfg(feature = "rabbit")]
pub use amqp::{BusState, ConnectionPhase, ConnectionState, Purpose, ServerState};
pub use bus::Bus;
pub use classes::{Classes, Exception};
pub use client::Client;
pub use context::Context;
pub use contradictions::Contradiction;
pub use dispatch::{Acknowledge, Admitted, Dispatcher, Method, Outcome, Version, returned};
pub use envelope::{Reply, ReplyTo, Request};
pub use error::{BodyError, CallError, NameError, ServeError, UrlError};
pub use evidence::Words;
pub use failure::Failure;
pub use incoming::{Incoming, Pulse};

pub use notify::{Format, Notification, Notifier, NotifyCounts, NotifyOptions, Priority, Told};
pub use options::{FailoverStrategy, LoginMethod, RabbitOptions};
pub use pool::{Attendant, Lanes, Pool, Running};
pub use reception::Counts;
pub use secret::Secret;
pub use server::{Received, Server, ServerOptions};
pub use target::{Destination, LONGEST_NAME, Target};
pub use url::{Broker, BrokerHost, Transport};
