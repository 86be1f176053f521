//! Remote procedure calls as oslo.messaging speaks them.

#![forbid(unsafe_code)]

mod context;
mod envelope;
mod error;
mod failure;
mod inbox;
mod incoming;
mod local;
mod options;
mod secret;
mod seen;
mod target;
mod url;

pub use context::Context;
pub use envelope::{Reply, ReplyTo, Request};
pub use error::{BodyError, CallError, NameError, ServeError, UrlError};
pub use failure::Failure;
pub use incoming::Incoming;
pub use local::{LocalClient, LocalServer};
pub use options::{FailoverStrategy, LoginMethod, RabbitOptions};
pub use secret::Secret;
pub use target::{Destination, LONGEST_NAME, Target};
pub use url::{Broker, BrokerHost, Transport};
