//! Rows of table `backups`, which belong to the backup service; a volume service notes in them
//! what it made for it.

use cinder_types::{BackupId, BackupStatus, KeyId, ProjectId, SnapshotId, UserId, VolumeId};

use crate::{schema::backups, timestamp::Timestamp};

row! {
    /// A backup, live or deleted.
    pub struct Backup of backups {
        /// Its key.
        id: BackupId,
        /// The volume it is of.
        volume_id: VolumeId,
        /// Who owns it.
        user_id: Option<UserId>,
        /// The project that pays for it.
        project_id: Option<ProjectId>,
        /// Where that is.
        availability_zone: Option<String>,
        /// The owner's name for it.
        display_name: Option<String>,
        /// The owner's words about it.
        display_description: Option<String>,
        /// Where the backup service keeps it.
        container: Option<String>,
        /// Why that failed.
        fail_reason: Option<String>,
        /// The backup service's notes.
        service_metadata: Option<String>,
        /// The driver of the backup service.
        service: Option<String>,
        /// GiB.
        size: Option<i32>,
        /// How many objects it consists of.
        object_count: Option<i32>,
        /// The backup that it adds to.
        parent_id: Option<BackupId>,
        /// How many backups add to it.
        num_dependent_backups: Option<i32>,
        /// The snapshot it is of.
        snapshot_id: Option<SnapshotId>,
        /// How old the data in it is.
        data_timestamp: Option<Timestamp>,
        /// The key of the volume.
        encryption_key_id: Option<KeyId>,
    }

    /// What a volume service changes in a backup.
    pub struct Change {
        /// The backup service that looks after it.
        host: Option<String>,
        /// What is being done with it.
        status: Option<BackupStatus>,
        /// A volume that exists while it is being made.
        temp_volume_id: Option<VolumeId>,
        /// A snapshot that exists while it is being made.
        temp_snapshot_id: Option<SnapshotId>,
        /// The volume it is being restored into.
        restore_volume_id: Option<VolumeId>,
    }
}
