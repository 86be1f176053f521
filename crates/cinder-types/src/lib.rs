//! Names and versions that every Cinder crate shares.
//!
//! Must not: do I/O, read configuration, know SQL or RPC. A type belongs here only when
//! two crates that may not depend on each other have to agree on it.
//!
//! ```
//! use cinder_types::{ClusterName, ServiceHost};
//!
//! let host = ServiceHost::from_parts("node1", None, "lvm");
//! assert_eq!(host.as_str(), "node1@lvm");
//! assert_eq!(ClusterName::from_option(" ceph ", "rbd").unwrap().as_str(), "ceph@rbd");
//! assert_eq!(ClusterName::from_option("  ", "rbd"), None);
//! ```

#![forbid(unsafe_code)]

mod context;
mod host;
mod id;
mod secret;
mod service;
pub mod status;
mod version;

pub use context::{ContextError, ReadDeleted, RequestContext};
pub use host::{HostLevel, HostParts};
pub use id::{
    AttachmentId, BackupId, CgsnapshotId, ConsistencyGroupId, GroupId, GroupSnapshotId,
    GroupTypeId, ImageId, KeyId, ProjectId, QosSpecsId, SnapshotId, UserId, VolumeId, VolumeTypeId,
};
pub use secret::Secret;
pub use service::{BINARY, ClusterName, ServiceHost, ServiceId, ServiceUuid};
pub use status::{
    AttachStatus, BackupStatus, GroupSnapshotStatus, GroupStatus, MigrationStatus,
    ReplicationStatus, SnapshotStatus, VolumeStatus,
};
pub use version::{ApiVersion, OBJECT_VERSION, ParseVersionError, RPC_VERSION, UPSTREAM_VERSION};
