//! Remote procedure calls as oslo.messaging speaks them.

#![forbid(unsafe_code)]

mod body;
mod bus;
mod client;
mod context;
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
mod options;
mod pool;
mod reception;
mod secret;
mod seen;
mod server;
mod target;
mod url;

pub use bus::Bus;
pub use client::Client;
pub use context::Context;
pub use dispatch::{Acknowledge, Admitted, Dispatcher, Method, Outcome, Version, returned};
pub use envelope::{Reply, ReplyTo, Request};
pub use error::{BodyError, CallError, NameError, ServeError, UrlError};
pub use evidence::Words;
pub use failure::Failure;
pub use incoming::{Incoming, Pulse};

pub use options::{FailoverStrategy, LoginMethod, RabbitOptions};
pub use pool::{Pool, Running};
pub use reception::Counts;
pub use secret::Secret;
pub use server::{Received, Server, ServerOptions};
pub use target::{Destination, LONGEST_NAME, Target};
pub use url::{Broker, BrokerHost, Transport};
