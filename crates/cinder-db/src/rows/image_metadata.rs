//! Who keeps properties of images.

use cinder_types::{SnapshotId, VolumeId};

/// Who keeps image metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper<'a> {
    /// A volume.
    Volume(&'a VolumeId),
    /// A snapshot.
    Snapshot(&'a SnapshotId),
}
