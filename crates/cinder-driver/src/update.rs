//! What a driver wants changed in what Cinder knows of a volume, a snapshot or a group.
//!
//! Must not: name columns of a database. An empty update is the usual answer.

use cinder_types::{
    GroupId, ReplicationStatus, Secret, SnapshotId, SnapshotStatus, VolumeId, VolumeStatus,
};

use crate::view::Texts;

/// A new value for something that may have none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays.
    #[default]
    Keep,
    /// It is taken away.
    Clear,
    /// It becomes this.
    Set(T),
}

impl<T> Change<T> {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

/// What changes of a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VolumeUpdate {
    /// What the driver remembers of it.
    pub provider_location: Change<String>,
    /// How the driver finds it.
    pub provider_id: Change<String>,
    /// How an initiator logs in.
    pub provider_auth: Change<Secret>,
    /// Whether it is replicated.
    pub replication_status: Change<ReplicationStatus>,
    /// The same in the driver's words.
    pub replication_extended_status: Change<String>,
    /// What the driver remembers of its replication.
    pub replication_driver_data: Change<String>,
    /// The key that its name on the back end comes from.
    pub name_id: Change<VolumeId>,
    /// Only from calls that say so, such as a failover.
    pub status: Option<VolumeStatus>,
    /// Keys to be added or replaced.
    pub metadata: Texts,
    /// Keys to be added or replaced.
    pub admin_metadata: Texts,
}

/// What changes of a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotUpdate {
    /// What the driver remembers of it.
    pub provider_location: Change<String>,
    /// How the driver finds it.
    pub provider_id: Change<String>,
    /// How an initiator logs in.
    pub provider_auth: Change<Secret>,
    /// Only from calls that say so.
    pub status: Option<SnapshotStatus>,
    /// Keys to be added or replaced.
    pub metadata: Texts,
}

/// What changes of a group, or of a snapshot of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupUpdate {
    /// Its status; `error` fails the operation.
    pub status: Option<String>,
    /// Whether it is replicated.
    pub replication_status: Change<ReplicationStatus>,
}

/// A change of one object, for `persist` in mid-operation and for calls about several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelUpdate {
    /// Of a volume.
    Volume(VolumeId, VolumeUpdate),
    /// Of a snapshot.
    Snapshot(SnapshotId, SnapshotUpdate),
    /// Of a group.
    Group(GroupId, GroupUpdate),
}

macro_rules! is_empty {
    ($($name:ident)+) => {$(
        impl $name {
            /// Whether it changes nothing.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                *self == Self::default()
            }
        }
    )+};
}

is_empty!(VolumeUpdate SnapshotUpdate GroupUpdate);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_take_a_value_away_is_a_change_too() {
        let update = VolumeUpdate { provider_id: Change::Clear, ..VolumeUpdate::default() };
        assert!(!update.is_empty() && VolumeUpdate::default().is_empty());
        assert!(!update.provider_id.is_keep() && update.provider_location.is_keep());
    }
}
