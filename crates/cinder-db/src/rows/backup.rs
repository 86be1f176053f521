//! Rows of table `backups`, which belong to the backup service; a volume service notes in them
//! what it made for it.

use cinder_types::{BackupId, KeyId, ProjectId, SnapshotId, UserId, VolumeId};
use diesel::{Queryable, Selectable};

use crate::{changes::changes, schema::backups, timestamp::Timestamp};

/// A backup, live or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = backups)]
pub struct BackupRow {
    /// When the API made it.
    pub created_at: Option<Timestamp>,
    /// The last change other than its deletion.
    pub updated_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Whether it is deleted.
    pub deleted: Option<bool>,
    /// Its key.
    pub id: BackupId,
    /// The volume it is of.
    pub volume_id: VolumeId,
    /// Who owns it.
    pub user_id: Option<UserId>,
    /// The project that pays for it.
    pub project_id: Option<ProjectId>,
    /// The backup service that looks after it.
    pub host: Option<String>,
    /// Where that is.
    pub availability_zone: Option<String>,
    /// The owner's name for it.
    pub display_name: Option<String>,
    /// The owner's words about it.
    pub display_description: Option<String>,
    /// Where the backup service keeps it.
    pub container: Option<String>,
    /// What is being done with it.
    pub status: Option<String>,
    /// Why that failed.
    pub fail_reason: Option<String>,
    /// The backup service's notes.
    pub service_metadata: Option<String>,
    /// The driver of the backup service.
    pub service: Option<String>,
    /// GiB.
    pub size: Option<i32>,
    /// How many objects it consists of.
    pub object_count: Option<i32>,
    /// The backup that it adds to.
    pub parent_id: Option<BackupId>,
    /// A volume that exists while it is being made.
    pub temp_volume_id: Option<VolumeId>,
    /// A snapshot that exists while it is being made.
    pub temp_snapshot_id: Option<SnapshotId>,
    /// How many backups add to it.
    pub num_dependent_backups: Option<i32>,
    /// The snapshot it is of.
    pub snapshot_id: Option<SnapshotId>,
    /// How old the data in it is.
    pub data_timestamp: Option<Timestamp>,
    /// The volume it is being restored into.
    pub restore_volume_id: Option<VolumeId>,
    /// The key of the volume.
    pub encryption_key_id: Option<KeyId>,
}

changes! {
    /// What a volume service changes in a backup.
    pub struct BackupChange of backups, BackupRow {
        /// See [`BackupRow::status`].
        status: Option<String> = backups::status,
        /// See [`BackupRow::host`].
        host: Option<String> = backups::host,
        /// See [`BackupRow::restore_volume_id`].
        restore_volume_id: Option<VolumeId> = backups::restore_volume_id,
        /// See [`BackupRow::temp_volume_id`].
        temp_volume_id: Option<VolumeId> = backups::temp_volume_id,
        /// See [`BackupRow::temp_snapshot_id`].
        temp_snapshot_id: Option<SnapshotId> = backups::temp_snapshot_id,
    }
}
