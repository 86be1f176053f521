//! The ability to treat a group as more than its members.

use crate::context::OpContext;
use crate::error::DriverError;
use crate::update::{GroupUpdate, ModelUpdate};
use crate::view::{GroupSnapshotView, GroupView, SnapshotView, VolumeView};

/// What changes of a group, and of its members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberUpdates {
    /// Of the group.
    pub group: GroupUpdate,
    /// Of members; one with the status `error` is the member's own failure.
    pub members: Vec<ModelUpdate>,
}

/// What a group is made from; members correspond by their place.
#[derive(Debug, Clone, Copy)]
pub enum GroupSource<'a> {
    /// A snapshot of a group.
    Snapshot(&'a GroupSnapshotView, &'a [SnapshotView]),
    /// A group.
    Group(&'a GroupView, &'a [VolumeView]),
}

/// Groups are more than their members. Without this ability each member is treated by itself.
pub trait Groups {
    /// Makes an empty group.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn create_group(
        &self,
        group: &GroupView,
        context: &OpContext,
    ) -> Result<GroupUpdate, DriverError>;

    /// Puts volumes in and takes others out.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn update_group(
        &self,
        group: &GroupView,
        add: &[VolumeView],
        remove: &[VolumeView],
        context: &OpContext,
    ) -> Result<MemberUpdates, DriverError>;

    /// Removes a group with its volumes.
    ///
    /// # Errors
    ///
    /// The class that fits; single members may fail in the answer.
    fn delete_group(
        &self,
        group: &GroupView,
        volumes: &[VolumeView],
        context: &OpContext,
    ) -> Result<MemberUpdates, DriverError>;

    /// Makes a group with volumes.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn create_group_from_source(
        &self,
        group: &GroupView,
        volumes: &[VolumeView],
        source: GroupSource<'_>,
        context: &OpContext,
    ) -> Result<MemberUpdates, DriverError>;

    /// Takes a snapshot of all members at one moment.
    ///
    /// # Errors
    ///
    /// The class that fits.
    fn create_group_snapshot(
        &self,
        group_snapshot: &GroupSnapshotView,
        snapshots: &[SnapshotView],
        context: &OpContext,
    ) -> Result<MemberUpdates, DriverError>;

    /// Removes it.
    ///
    /// # Errors
    ///
    /// The class that fits; single members may fail in the answer.
    fn delete_group_snapshot(
        &self,
        group_snapshot: &GroupSnapshotView,
        snapshots: &[SnapshotView],
        context: &OpContext,
    ) -> Result<MemberUpdates, DriverError>;
}
