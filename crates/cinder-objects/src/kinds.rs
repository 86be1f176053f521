//! Names of all kinds of objects, for whoever meets one where another has to be.
//!
//! What they are is in `objects.rs`, with which a test compares this. Must not: know more.

/// All of them.
pub(crate) const NAMES: [&str; 37] = [
    "Backup",
    "BackupDeviceInfo",
    "BackupImport",
    "BackupList",
    "CGSnapshot",
    "CGSnapshotList",
    "CleanupRequest",
    "Cluster",
    "ClusterList",
    "ConsistencyGroup",
    "ConsistencyGroupList",
    "Group",
    "GroupList",
    "GroupSnapshot",
    "GroupSnapshotList",
    "GroupType",
    "GroupTypeList",
    "LogLevel",
    "LogLevelList",
    "ManageableSnapshot",
    "ManageableSnapshotList",
    "ManageableVolume",
    "ManageableVolumeList",
    "QualityOfServiceSpecs",
    "QualityOfServiceSpecsList",
    "RequestSpec",
    "Service",
    "ServiceList",
    "Snapshot",
    "SnapshotList",
    "Volume",
    "VolumeAttachment",
    "VolumeAttachmentList",
    "VolumeList",
    "VolumeProperties",
    "VolumeType",
    "VolumeTypeList",
];

/// Whether there is a kind of this name.
pub(crate) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}
