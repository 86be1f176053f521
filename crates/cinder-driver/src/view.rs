//! What a driver gets to see of volumes, snapshots and groups: owned copies, whole.
//!
//! Must not: reach a database, be written back. What a driver wants changed it answers as an
//! update. Maps are sorted, so that two drivers see the same order.

use std::collections::BTreeMap;

use cinder_types::{
    AttachStatus, AttachmentId, GroupId, GroupSnapshotId, KeyId, MigrationStatus, ProjectId,
    ReplicationStatus, Secret, SnapshotId, SnapshotStatus, UserId, VolumeId, VolumeStatus,
    VolumeTypeId,
};

/// Texts by name.
pub type Texts = BTreeMap<String, String>;

/// Bytes of one GiB, in which Cinder counts.
pub const GIB: u64 = 1 << 30;

/// A volume.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeView {
    /// Its key.
    pub id: VolumeId,
    /// The key that its name on the back end comes from: another one after a migration.
    pub name_id: VolumeId,
    /// Its name on the back end: the operator's template with the name id in it.
    pub name: String,
    /// Its size.
    pub size_gib: u64,
    /// Whose it is.
    pub project_id: Option<ProjectId>,
    /// Whose it is.
    pub user_id: Option<UserId>,
    /// `host@backend#pool`.
    pub host: Option<String>,
    /// Where it stands in its life.
    pub status: VolumeStatus,
    /// Whether somebody has it.
    pub attach_status: AttachStatus,
    /// Whether it is on its way to another back end.
    pub migration_status: Option<MigrationStatus>,
    /// Who has it.
    pub attachments: Vec<AttachmentView>,
    /// Whether several may have it at once.
    pub multiattach: bool,
    /// Whether it counts for quotas; temporary volumes do not.
    pub use_quota: bool,
    /// Whether a system can be started from it.
    pub bootable: bool,
    /// Its type.
    pub volume_type: Option<TypeView>,
    /// How it is encrypted.
    pub encryption: Option<EncryptionView>,
    /// What the driver remembers of it.
    pub provider_location: Option<String>,
    /// How the driver finds it.
    pub provider_id: Option<String>,
    /// How an initiator logs in.
    pub provider_auth: Option<Secret>,
    /// Whether it is replicated.
    pub replication_status: Option<ReplicationStatus>,
    /// What the driver remembers of its replication.
    pub replication_driver_data: Option<String>,
    /// What its owner has noted.
    pub metadata: Texts,
    /// What operators and drivers have noted.
    pub admin_metadata: Texts,
    /// The group that it is in.
    pub group_id: Option<GroupId>,
}

impl VolumeView {
    /// A volume of which no more is known; the fields are for whoever knows more.
    #[must_use]
    pub fn new(id: VolumeId, name: impl Into<String>, size_gib: u64) -> Self {
        Self {
            name_id: id.clone(),
            id,
            name: name.into(),
            size_gib,
            project_id: None,
            user_id: None,
            host: None,
            status: VolumeStatus::CREATING,
            attach_status: AttachStatus::DETACHED,
            migration_status: None,
            attachments: Vec::new(),
            multiattach: false,
            use_quota: true,
            bootable: false,
            volume_type: None,
            encryption: None,
            provider_location: None,
            provider_id: None,
            provider_auth: None,
            replication_status: None,
            replication_driver_data: None,
            metadata: Texts::new(),
            admin_metadata: Texts::new(),
            group_id: None,
        }
    }

    /// Whether somebody may be writing to it.
    #[must_use]
    pub fn is_attached(&self) -> bool {
        self.attach_status != AttachStatus::DETACHED
    }

    /// An extra spec of its type.
    #[must_use]
    pub fn extra_spec(&self, key: &str) -> Option<&str> {
        self.volume_type.as_ref()?.extra_specs.get(key).map(String::as_str)
    }

    /// Its size in bytes, if a file offset can hold it and there is any.
    #[must_use]
    pub fn size_bytes(&self) -> Option<u64> {
        bytes_of(self.size_gib)
    }
}

/// The bytes of a size, if a file offset can hold them and there are any.
#[must_use]
pub fn bytes_of(gib: u64) -> Option<u64> {
    gib.checked_mul(GIB).filter(|bytes| (1..=i64::MAX.unsigned_abs()).contains(bytes))
}

/// The type of a volume.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeView {
    /// Its key.
    pub id: VolumeTypeId,
    /// Its name.
    pub name: String,
    /// What it asks of a back end.
    pub extra_specs: Texts,
    /// How much it may do.
    pub qos: Option<QosView>,
}

/// How much a volume may do, and who sees to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QosView {
    /// Who sees to it.
    pub consumer: QosConsumer,
    /// How much.
    pub specs: Texts,
}

/// Who limits a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QosConsumer {
    /// The hypervisor.
    FrontEnd,
    /// The driver.
    BackEnd,
    /// Both.
    Both,
}

impl QosConsumer {
    /// Whether the driver has to do something.
    #[must_use]
    pub fn includes_back_end(self) -> bool {
        self != Self::FrontEnd
    }
}

/// How a volume is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionView {
    /// The key, in the key manager.
    pub key_id: Option<KeyId>,
    /// `luks`, mostly.
    pub provider: String,
    /// Such as `aes-xts-plain64`.
    pub cipher: Option<String>,
    /// Bits.
    pub key_size: Option<u32>,
    /// `front-end` or `back-end`.
    pub control_location: String,
}

/// One that has a volume, or is about to.
#[derive(Debug, Clone, PartialEq)]
pub struct AttachmentView {
    /// Its key.
    pub id: AttachmentId,
    /// How far it is.
    pub attach_status: AttachStatus,
    /// `rw` or `ro`.
    pub attach_mode: Option<String>,
    /// The host, as it was written down.
    pub attached_host: Option<String>,
    /// The instance, if it is one.
    pub instance_uuid: Option<String>,
    /// What the host said about itself.
    pub connector: Option<crate::connection::Connector>,
}

/// A snapshot, and the volume that it is of.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotView {
    /// Its key.
    pub id: SnapshotId,
    /// Its name on the back end.
    pub name: String,
    /// What it is of, as that is now.
    pub volume: VolumeView,
    /// The size that the volume had when it was taken.
    pub volume_size_gib: u64,
    /// Where it stands in its life.
    pub status: SnapshotStatus,
    /// What the driver remembers of it.
    pub provider_location: Option<String>,
    /// How the driver finds it.
    pub provider_id: Option<String>,
    /// How an initiator logs in.
    pub provider_auth: Option<Secret>,
    /// What its owner has noted.
    pub metadata: Texts,
    /// Whether it counts for quotas; temporary ones do not.
    pub use_quota: bool,
    /// The group snapshot that it is part of.
    pub group_snapshot_id: Option<GroupSnapshotId>,
}

impl SnapshotView {
    /// A snapshot of which no more is known.
    #[must_use]
    pub fn new(id: SnapshotId, name: impl Into<String>, volume: VolumeView) -> Self {
        Self {
            id,
            name: name.into(),
            volume_size_gib: volume.size_gib,
            volume,
            status: SnapshotStatus::CREATING,
            provider_location: None,
            provider_id: None,
            provider_auth: None,
            metadata: Texts::new(),
            use_quota: true,
            group_snapshot_id: None,
        }
    }
}

/// A generic group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupView {
    /// Its key.
    pub id: GroupId,
    /// Its name, as its owner sees it.
    pub name: String,
    /// `host@backend#pool`.
    pub host: Option<String>,
    /// Its status.
    pub status: String,
    /// What its type asks of a back end.
    pub group_specs: Texts,
    /// Whether it is replicated.
    pub replication_status: Option<ReplicationStatus>,
}

/// A snapshot of a generic group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSnapshotView {
    /// Its key.
    pub id: GroupSnapshotId,
    /// Its name, as its owner sees it.
    pub name: String,
    /// What it is of.
    pub group: GroupView,
    /// Its status.
    pub status: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_one_that_a_file_can_have() {
        assert_eq!(bytes_of(1), Some(1 << 30));
        assert_eq!(bytes_of((1 << 33) - 1), Some(((1 << 33) - 1) << 30));
        for none in [0, 1 << 33, 1 << 34, 1 << 63, u64::MAX] {
            assert_eq!(bytes_of(none), None, "{none}");
        }
    }
}
