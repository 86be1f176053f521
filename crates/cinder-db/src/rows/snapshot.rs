//! Rows of table `snapshots`, and a snapshot with its metadata.

use cinder_types::{
    CgsnapshotId, GroupSnapshotId, KeyId, ProjectId, Secret, SnapshotId, SnapshotStatus, UserId,
    VolumeId, VolumeTypeId,
};

use crate::{rows::metadata::Metadata, schema::snapshots, timestamp::Timestamp};

/// Which snapshots are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of<'a> {
    /// Those of a volume.
    Volume(&'a VolumeId),
    /// Those whose volume is on a `host`, a `host@backend` or one `host@backend#pool`.
    Host(&'a str),
    /// The same with a cluster's name.
    Cluster(&'a str),
    /// The members of a group snapshot.
    GroupSnapshot(&'a GroupSnapshotId),
    /// The members of a snapshot of a consistency group.
    Cgsnapshot(&'a CgsnapshotId),
}

row! {
    /// A snapshot, live or deleted.
    pub struct Row of snapshots {
        /// Its key.
        id: SnapshotId,
        /// The volume it is of.
        volume_id: VolumeId,
        /// Unused.
        scheduled_at: Option<Timestamp>,
    }

    /// What an operation changes in a snapshot.
    pub struct Change {
        /// Who owns it.
        user_id: Option<UserId>,
        /// The project that pays for it.
        project_id: Option<ProjectId>,
        /// What is being done with it.
        status: Option<SnapshotStatus>,
        /// Per cent, as in `100%`.
        progress: Option<String>,
        /// GiB that the volume had.
        volume_size: Option<i32>,
        /// The owner's name for it.
        display_name: Option<String>,
        /// The owner's words about it.
        display_description: Option<String>,
        /// The driver's note: where the data is.
        provider_location: Option<String>,
        /// The key of the volume when it was taken.
        encryption_key_id: Option<KeyId>,
        /// The type of the volume.
        volume_type_id: VolumeTypeId,
        /// The snapshot of a consistency group that it is part of.
        cgsnapshot_id: Option<CgsnapshotId>,
        /// The driver's own id.
        provider_id: Option<String>,
        /// The driver's note: how to log in to the target. A secret.
        provider_auth: Option<Secret>,
        /// The snapshot of a generic group that it is part of.
        group_snapshot_id: Option<GroupSnapshotId>,
        /// Whether it counts for its project's quota.
        use_quota: bool,
    }
}

/// A snapshot with its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The row itself.
    pub row: Row,
    /// What users note.
    pub metadata: Metadata,
}

/// A snapshot that this service makes for itself, as before a volume is reverted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Its key.
    pub id: SnapshotId,
    /// The volume it is of.
    pub volume_id: VolumeId,
    /// The type of the volume.
    pub volume_type_id: VolumeTypeId,
    /// Everything else. What is not set gets the default that upstream's client gives it.
    pub columns: Change,
    /// What users note.
    pub metadata: Metadata,
}
