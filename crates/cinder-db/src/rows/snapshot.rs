//! Rows of table `snapshots`, and a snapshot with its metadata.

use cinder_types::{
    CgsnapshotId, GroupSnapshotId, KeyId, ProjectId, SnapshotId, UserId, VolumeId, VolumeTypeId,
};
use diesel::{Queryable, Selectable};

use crate::{
    changes::changes,
    rows::{secret::SecretText, volume::Metadata},
    schema::snapshots,
    timestamp::Timestamp,
};

/// A snapshot, live or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = snapshots)]
pub struct SnapshotRow {
    /// When the API made it.
    pub created_at: Option<Timestamp>,
    /// The last change other than its deletion.
    pub updated_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Whether it is deleted.
    pub deleted: Option<bool>,
    /// Its key.
    pub id: SnapshotId,
    /// The volume it is of.
    pub volume_id: VolumeId,
    /// Who owns it.
    pub user_id: Option<UserId>,
    /// The project that pays for it.
    pub project_id: Option<ProjectId>,
    /// What is being done with it.
    pub status: Option<String>,
    /// Per cent, as in `100%`.
    pub progress: Option<String>,
    /// GiB that the volume had.
    pub volume_size: Option<i32>,
    /// Unused.
    pub scheduled_at: Option<Timestamp>,
    /// The owner's name for it.
    pub display_name: Option<String>,
    /// The owner's words about it.
    pub display_description: Option<String>,
    /// The driver's note: where the data is.
    pub provider_location: Option<String>,
    /// The key of the volume when it was taken.
    pub encryption_key_id: Option<KeyId>,
    /// The type of the volume.
    pub volume_type_id: VolumeTypeId,
    /// The snapshot of a consistency group that it is part of.
    pub cgsnapshot_id: Option<CgsnapshotId>,
    /// The driver's own id.
    pub provider_id: Option<String>,
    /// The driver's note: how to log in to the target. A secret.
    pub provider_auth: Option<SecretText>,
    /// The snapshot of a generic group that it is part of.
    pub group_snapshot_id: Option<GroupSnapshotId>,
    /// Whether it counts for its project's quota.
    pub use_quota: bool,
}

/// A snapshot with its metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The row itself.
    pub row: SnapshotRow,
    /// What users note.
    pub metadata: Metadata,
}

changes! {
    /// What an operation changes in a snapshot.
    pub struct SnapshotChange of snapshots, SnapshotRow {
        /// See [`SnapshotRow::user_id`].
        user_id: Option<UserId> = snapshots::user_id,
        /// See [`SnapshotRow::project_id`].
        project_id: Option<ProjectId> = snapshots::project_id,
        /// See [`SnapshotRow::status`].
        status: Option<String> = snapshots::status,
        /// See [`SnapshotRow::progress`].
        progress: Option<String> = snapshots::progress,
        /// See [`SnapshotRow::volume_size`].
        volume_size: Option<i32> = snapshots::volume_size,
        /// See [`SnapshotRow::display_name`].
        display_name: Option<String> = snapshots::display_name,
        /// See [`SnapshotRow::display_description`].
        display_description: Option<String> = snapshots::display_description,
        /// See [`SnapshotRow::provider_location`].
        provider_location: Option<String> = snapshots::provider_location,
        /// See [`SnapshotRow::encryption_key_id`].
        encryption_key_id: Option<KeyId> = snapshots::encryption_key_id,
        /// See [`SnapshotRow::volume_type_id`].
        volume_type_id: VolumeTypeId = snapshots::volume_type_id,
        /// See [`SnapshotRow::cgsnapshot_id`].
        cgsnapshot_id: Option<CgsnapshotId> = snapshots::cgsnapshot_id,
        /// See [`SnapshotRow::provider_id`].
        provider_id: Option<String> = snapshots::provider_id,
        /// See [`SnapshotRow::provider_auth`].
        provider_auth: Option<SecretText> = snapshots::provider_auth,
        /// See [`SnapshotRow::group_snapshot_id`].
        group_snapshot_id: Option<GroupSnapshotId> = snapshots::group_snapshot_id,
        /// See [`SnapshotRow::use_quota`].
        use_quota: bool = snapshots::use_quota,
    }
}
