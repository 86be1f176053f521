//! Cinder's database as a volume service sees it: registry, heartbeat, protocols, embedded SQLite.
//!
//! Must not: read configuration (it takes [`DatabaseOptions`]), migrate a database, or let a
//! type of the SQL library out. The only schema it ever writes is that of a SQLite file
//! which did not exist.
//!
//! A connection belongs to the process that opened it. The daemon's parent registers all
//! back ends over one plain [`Connection`] and closes it before the first fork; each worker
//! then opens its own [`Heartbeat`] and, when it needs one, its own [`Pool`].
//!
//! What keeps services out of each other's way: [`cas`] changes a row only if it is still as
//! expected, [`workers`] says whose an operation is, [`quota`] what a project has been promised.
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

pub mod attachments;
pub mod backups;
pub mod cas;
mod changes;
mod connection;
mod dialect;
#[cfg(feature = "sqlite")]
mod embedded;
mod error;
pub mod groups;
mod heartbeat;
pub mod image_cache;
pub mod image_metadata;
pub mod messages;
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
mod timestamp;
mod transaction;
mod url;
pub mod volume_types;
pub mod volumes;
pub mod workers;

pub use changes::{null, to};
pub use connection::{Connection, create, open_or_create, retry_connect};
pub use error::{Cause, DbError, Fault, chain};
pub use heartbeat::{Beat, Heartbeat, HeartbeatPlan, Pulse};
pub use messages::{MessageAction, MessageDetail, MessageResource, UserMessage};
pub use options::DatabaseOptions;
pub use pool::{Pool, PoolState, PooledConnection};
pub use protection::{Checked, Protection};
pub use queries::{
    clusters::IncludedResources, metadata::OtherKeys, schema_version::SCHEMA_VERSION,
};
pub use quota::{
    Counted, DEFAULT_QUOTA_CLASS, QuotaChange, QuotaError, QuotaRequest, QuotaResource, QuotaRules,
    QuotaState,
};
pub use registry::{
    ClusterBefore, MinimumVersions, Registered, Registration, any_volume, list_services,
    minimum_versions, register,
};
pub use rows::{
    attachment::{AttachmentChange, AttachmentRow},
    backup::{BackupChange, BackupRow},
    cluster::{ClusterChange, ClusterRow},
    group::{
        CgsnapshotRow, ConsistencyGroupRow, GroupChange, GroupRow, GroupSnapshotChange,
        GroupSnapshotRow,
    },
    image_cache::{ImageCacheEntry, NewImageCacheEntry},
    secret::SecretText,
    service::{ServiceChange, ServiceRow},
    snapshot::{Snapshot, SnapshotChange, SnapshotRow},
    volume::{Metadata, Volume, VolumeChange, VolumeRow},
    volume_type::{EncryptionRow, GroupType, GroupTypeRow, QosSpecs, VolumeType, VolumeTypeRow},
};
pub use timestamp::{ParseTimestampError, Timestamp};
pub use url::{DatabaseUrl, UrlError, mask_password};
pub use workers::{Cleanable, CleanableKind, Cleanup, CleanupScope, WorkerEntry};
