//! Health checks, metrics and a status page over HTTP, from plain snapshots and samples.
//!
//! One thread, one `poll(2)`, bounded memory: it answers whatever its clients do, because nothing
//! here ever waits for one of them, and whatever the rest of the program does, because a
//! [`Source`] only copies numbers. It knows neither a launcher nor a configuration.
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` | 200 if every back end is up, else 503; JSON with the state of each |
//! | `/readyz` | 200 if at least one back end is up, else 503 |
//! | `/livez` | 200 if the supervisor reacts, else 503 |
//! | `/metrics` | Prometheus text format 0.0.4 |
//! | `/` | a page for people, which keeps itself fresh |
//!
//! ```no_run
//! use cinder_health::{Address, Family, Server, Snapshot, Source};
//!
//! struct Nothing;
//!
//! impl Source for Nothing {
//!     fn snapshot(&mut self) -> Snapshot {
//!         Snapshot::default()
//!     }
//!     fn metrics(&mut self) -> Vec<Family> {
//!         Vec::new()
//!     }
//!     fn alive(&mut self) -> Result<(), String> {
//!         Ok(())
//!     }
//! }
//!
//! let address: Address = "127.0.0.1:8778".parse()?;
//! let server = Server::bind(&address, 0o660)?;
//! let stopper = server.stopper()?; // for another thread
//! server.run(&mut Nothing)?; // until stopper.stop()
//! # drop(stopper);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod address;
mod connection;
mod exposition;
mod listener;
mod metrics;
mod page;
mod probe;
mod request;
mod response;
mod routes;
mod server;
mod snapshot;

pub use address::{Address, AddressError};
pub use exposition::{CONTENT_TYPE, exposition};
pub use listener::BindError;
pub use metrics::{Family, Histogram, Kind, Sample, Value};
pub use probe::{ProbeError, probe, probe_operations};
pub use server::{Server, Stopper};
pub use snapshot::{
    BackEnd, Connection, Ended, Health, MessageServer, Messages, Operation, Restarts, Snapshot,
    Source, State, Supervisor, Waiting,
};
