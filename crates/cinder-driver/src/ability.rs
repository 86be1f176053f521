//! What a driver may be able to do beside the calls of every driver: one small trait for each.
//!
//! A driver hands out those that it has, so "not supported" is known before anything is tried.
//! Must not: have default bodies that answer "not supported"; who cannot does not hand it out.

mod group;
mod manage;
mod moving;
mod replication;
mod snapshot;

pub use group::{GroupSource, Groups, MemberUpdates};
pub use manage::{
    Inventory, Manage, ManageSnapshots, Manageable, Page, Reference, SortKey, Stored, StoredKind,
    page_of,
};
pub use moving::{CloneImage, Destination, Migrate, Retype, Transfer, TypeChange};
pub use replication::{Failover, Replication, ReplicationError};
pub use snapshot::{BackupDevice, ProviderInfo, Revert, SnapshotExport, SnapshotIo};
