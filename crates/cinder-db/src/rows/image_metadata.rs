//! Who keeps properties of images.

use cinder_types::{SnapshotId, VolumeId};

use crate::schema::volume_glance_metadata;

/// Who keeps image metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper<'a> {
    /// A volume.
    Volume(&'a VolumeId),
    /// A snapshot.
    Snapshot(&'a SnapshotId),
}

row! {
    /// One property, with all that its table holds of it.
    pub struct Row of volume_glance_metadata {
        /// Its key.
        id: i32,
        /// The volume that keeps it.
        volume_id: Option<VolumeId>,
        /// The snapshot that does.
        snapshot_id: Option<SnapshotId>,
        /// Its name.
        key: Option<String>,
        /// What it says.
        value: Option<String>,
    }
}
