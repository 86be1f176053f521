//! Cinder's database as a volume service sees it: registry, heartbeat, protocols, embedded SQLite.
//!
//! Must not: read configuration (it takes [`DatabaseOptions`]), migrate a database, or let a
//! type of the SQL library out. The only schema it ever writes is that of a SQLite file
//! which did not exist.
//!
//! A function that takes a connection fails with [`DbError::Query`] if the database refuses, has gone
//! or was not reached, and has then changed nothing; what else it can fail with stands in its
//! `# Errors`.
//!
//! A connection belongs to the process that opened it. The daemon's parent registers all
//! back ends over one plain [`Connection`] and closes it before the first fork; each worker
//! then opens its own [`Heartbeat`] and, when it needs one, its own [`Pool`].
//!
//! Each kind of resource has a module with its types and functions: [`volumes::Volume`],
//! [`volumes::Change`], [`volumes::get`]. They look alike, and each spells its functions out: they
//! differ in types, and a macro would hide from a reader what there is. What keeps services out of each other's way: [`cas`]
//! changes a row only if it is still as expected, [`workers`] says whose an operation is, [`quota`]
//! what a project has been promised.
//!
//! ```
//! use std::ops::ControlFlow;
//! use cinder_db::{DatabaseOptions, DatabaseUrl, Registration, register, retry_connect};
//! use cinder_types::ServiceHost;
//!
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("cinder.sqlite");
//! let url = DatabaseUrl::parse(&format!("sqlite:///{}", path.display()))?;
//! let mut connection = retry_connect(&DatabaseOptions::new(url), |interval| {
//!     std::thread::sleep(interval); // or wait for a signal, and return Break
//!     ControlFlow::Continue(())
//! })?;
//! let service = register(&mut connection, &Registration {
//!     host: ServiceHost::from_parts("node1", None, "lvm"),
//!     cluster: None,
//!     availability_zone: "nova".into(),
//!     enable_new_services: true,
//! })?;
//! assert!(service.created);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]
#![allow(clippy::missing_errors_doc, reason = "what nearly all fail with is said once, above")]

pub mod attachments;
pub mod backups;
pub mod cas;
pub mod changes;
pub mod clusters;
mod connection;
pub mod consistency_groups;
mod dialect;
#[cfg(feature = "sqlite")]
mod embedded;
mod error;
pub mod group_snapshots;
pub mod group_types;
pub mod groups;
mod heartbeat;
pub mod image_cache;
pub mod image_metadata;
pub mod messages;
pub mod metadata;
mod options;
mod pool;
mod protection;
mod queries;
pub mod quota;
mod registry;
mod retry;
mod rows;
mod schema;
pub mod services;
pub mod snapshots;
mod statement;
pub mod survey;
mod timestamp;
mod transaction;
mod url;
pub mod volume_types;
pub mod volumes;
pub mod workers;

pub use connection::{Connection, create, open_or_create, retry_connect};
pub use error::{Cause, DbError, Fault, chain};
pub use heartbeat::{Beat, Heartbeat, HeartbeatPlan, Pulse};
pub use options::DatabaseOptions;
pub use pool::{Pool, PoolState, PooledConnection};
pub use protection::{Checked, Protection};
pub use queries::schema_version::SCHEMA_VERSION;
pub use registry::{
    ClusterBefore, MinimumVersions, Registered, Registration, any_volume, list_services,
    minimum_versions, register,
};
pub use rows::cluster::IncludedResources;
pub use timestamp::{ParseTimestampError, Timestamp};
pub use url::{DatabaseUrl, UrlError, mask_password};
