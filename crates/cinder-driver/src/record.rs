//! What is known of an operation that was begun: enough to find out what has become of it.
//!
//! It is written down before the first side effect, in a file that outlives the process and the
//! machine's power, and handed to [`settle`](crate::Driver::settle) when nobody knows how the call
//! ended. Must not: hold a secret, or anything that only this process understands. A key that a
//! later release has added is ignored by an earlier one.

use std::collections::BTreeMap;

use cinder_types::{GroupId, GroupSnapshotId, SnapshotId, VolumeId};
use serde::{Deserialize, Serialize};

use crate::error::Again;
use crate::operation::Call;
use crate::update::{SnapshotUpdate, VolumeUpdate};
use crate::view::{GroupSnapshotView, GroupView, SnapshotView, VolumeView};

/// An operation that was begun, and what the driver has noted of it meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedOp {
    /// What was to be done.
    pub operation: Operation,
    /// What the driver has noted, by [`OpContext::note`](crate::OpContext::note).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, String>,
}

/// What was to be done: every call that changes something, with the names that it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is the call of the same name, with its arguments")]
pub enum Operation {
    CreateVolume {
        volume: VolumeRef,
    },
    CreateVolumeFromSnapshot {
        volume: VolumeRef,
        snapshot: SnapshotRef,
    },
    CreateClonedVolume {
        volume: VolumeRef,
        source: VolumeRef,
    },
    DeleteVolume {
        volume: VolumeRef,
    },
    CreateSnapshot {
        snapshot: SnapshotRef,
    },
    DeleteSnapshot {
        snapshot: SnapshotRef,
    },
    /// `volume` has the old size.
    ExtendVolume {
        volume: VolumeRef,
        new_size_gib: u64,
    },
    RevertToSnapshot {
        volume: VolumeRef,
        snapshot: SnapshotRef,
    },
    CreateExport {
        volume: VolumeRef,
    },
    RemoveExport {
        volume: VolumeRef,
    },
    InitializeConnection {
        volume: VolumeRef,
        host: Option<String>,
    },
    TerminateConnection {
        volume: VolumeRef,
        host: Option<String>,
    },
    /// `reference` is what the volume was called before.
    ManageExisting {
        volume: VolumeRef,
        reference: String,
    },
    Unmanage {
        volume: VolumeRef,
    },
    ManageExistingSnapshot {
        snapshot: SnapshotRef,
        reference: String,
    },
    UnmanageSnapshot {
        snapshot: SnapshotRef,
    },
    CloneImage {
        volume: VolumeRef,
        location: Option<String>,
    },
    Retype {
        volume: VolumeRef,
        new_type: String,
    },
    MigrateVolume {
        volume: VolumeRef,
        host: String,
    },
    UpdateMigratedVolume {
        volume: VolumeRef,
        new_volume: VolumeRef,
    },
    CreateGroup {
        group: GroupRef,
    },
    UpdateGroup {
        group: GroupRef,
        add: Vec<VolumeRef>,
        remove: Vec<VolumeRef>,
    },
    DeleteGroup {
        group: GroupRef,
        volumes: Vec<VolumeRef>,
    },
    CreateGroupFromSource {
        group: GroupRef,
        volumes: Vec<VolumeRef>,
    },
    CreateGroupSnapshot {
        group_snapshot: GroupSnapshotRef,
        snapshots: Vec<SnapshotRef>,
    },
    DeleteGroupSnapshot {
        group_snapshot: GroupSnapshotRef,
        snapshots: Vec<SnapshotRef>,
    },
    Failover {
        target: Option<String>,
    },
}

impl Operation {
    /// The call that it was.
    #[must_use]
    pub fn call(&self) -> Call {
        match self {
            Self::CreateVolume { .. } => Call::CreateVolume,
            Self::CreateVolumeFromSnapshot { .. } => Call::CreateVolumeFromSnapshot,
            Self::CreateClonedVolume { .. } => Call::CreateClonedVolume,
            Self::DeleteVolume { .. } => Call::DeleteVolume,
            Self::CreateSnapshot { .. } => Call::CreateSnapshot,
            Self::DeleteSnapshot { .. } => Call::DeleteSnapshot,
            Self::ExtendVolume { .. } => Call::ExtendVolume,
            Self::RevertToSnapshot { .. } => Call::RevertToSnapshot,
            Self::CreateExport { .. } => Call::CreateExport,
            Self::RemoveExport { .. } => Call::RemoveExport,
            Self::InitializeConnection { .. } => Call::InitializeConnection,
            Self::TerminateConnection { .. } => Call::TerminateConnection,
            Self::ManageExisting { .. } => Call::ManageExisting,
            Self::Unmanage { .. } => Call::Unmanage,
            Self::ManageExistingSnapshot { .. } => Call::ManageExistingSnapshot,
            Self::UnmanageSnapshot { .. } => Call::UnmanageSnapshot,
            Self::CloneImage { .. } => Call::CloneImage,
            Self::Retype { .. } => Call::Retype,
            Self::MigrateVolume { .. } => Call::MigrateVolume,
            Self::UpdateMigratedVolume { .. } => Call::UpdateMigratedVolume,
            Self::CreateGroup { .. } => Call::CreateGroup,
            Self::UpdateGroup { .. } => Call::UpdateGroup,
            Self::DeleteGroup { .. } => Call::DeleteGroup,
            Self::CreateGroupFromSource { .. } => Call::CreateGroupFromSource,
            Self::CreateGroupSnapshot { .. } => Call::CreateGroupSnapshot,
            Self::DeleteGroupSnapshot { .. } => Call::DeleteGroupSnapshot,
            Self::Failover { .. } => Call::Failover,
        }
    }
}

impl From<Operation> for RecordedOp {
    fn from(operation: Operation) -> Self {
        Self { operation, notes: BTreeMap::new() }
    }
}

/// A volume in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeRef {
    /// Its key.
    #[serde(with = "volume_id")]
    pub id: VolumeId,
    /// Its name on the back end.
    pub name: String,
    /// Its size.
    pub size_gib: u64,
    /// `host@backend#pool`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What the driver remembered of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_location: Option<String>,
    /// How the driver found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
}

/// A snapshot in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRef {
    /// Its key.
    #[serde(with = "snapshot_id")]
    pub id: SnapshotId,
    /// Its name on the back end.
    pub name: String,
    /// What it is of.
    pub volume: VolumeRef,
    /// The size that the volume had when it was taken.
    pub volume_size_gib: u64,
    /// What the driver remembered of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_location: Option<String>,
    /// How the driver found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
}

/// A group in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRef {
    /// Its key.
    #[serde(with = "group_id")]
    pub id: GroupId,
}

/// A snapshot of a group in a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSnapshotRef {
    /// Its key.
    #[serde(with = "group_snapshot_id")]
    pub id: GroupSnapshotId,
    /// What it is of.
    pub group: GroupRef,
}

impl From<&VolumeView> for VolumeRef {
    fn from(view: &VolumeView) -> Self {
        Self {
            id: view.id.clone(),
            name: view.name.clone(),
            size_gib: view.size_gib,
            host: view.host.clone(),
            provider_location: view.provider_location.clone(),
            provider_id: view.provider_id.clone(),
        }
    }
}

impl From<&SnapshotView> for SnapshotRef {
    fn from(view: &SnapshotView) -> Self {
        Self {
            id: view.id.clone(),
            name: view.name.clone(),
            volume: (&view.volume).into(),
            volume_size_gib: view.volume_size_gib,
            provider_location: view.provider_location.clone(),
            provider_id: view.provider_id.clone(),
        }
    }
}

impl From<&GroupView> for GroupRef {
    fn from(view: &GroupView) -> Self {
        Self { id: view.id.clone() }
    }
}

impl From<&GroupSnapshotView> for GroupSnapshotRef {
    fn from(view: &GroupSnapshotView) -> Self {
        Self { id: view.id.clone(), group: (&view.group).into() }
    }
}

/// What has become of an operation.
#[derive(Debug)]
pub enum Settled {
    /// It is done, now if it was not before. What was to be gone is gone, what was to be there is
    /// whole and safe.
    Done(Update),
    /// Nothing of it is there; it may be tried again, or given up.
    Undone,
    /// That cannot be said yet.
    Later {
        /// Why not.
        reason: String,
        /// When to ask again.
        again: Again,
    },
}

/// What the call would have answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// Nothing changes.
    None,
    /// Of a volume.
    Volume(VolumeUpdate),
    /// Of a snapshot.
    Snapshot(SnapshotUpdate),
}

macro_rules! as_text {
    ($($module:ident: $id:ty;)+) => {$(
        mod $module {
            use super::*;

            pub(super) fn serialize<S: serde::Serializer>(id: &$id, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(id.as_str())
            }

            pub(super) fn deserialize<'a, D: serde::Deserializer<'a>>(from: D) -> Result<$id, D::Error> {
                String::deserialize(from).map(<$id>::new)
            }
        }
    )+};
}

as_text! {
    volume_id: VolumeId;
    snapshot_id: SnapshotId;
    group_id: GroupId;
    group_snapshot_id: GroupSnapshotId;
}

#[cfg(test)]
mod tests {
    use super::*;
    use cinder_types::Secret;

    fn volume() -> VolumeView {
        let mut view = VolumeView::new(VolumeId::new("1"), "volume-1", 3);
        view.provider_auth = Some(Secret::new("CHAP user hidden"));
        view.provider_location = Some("a:/b".to_owned());
        view
    }

    #[test]
    fn a_record_comes_back_as_it_was_and_holds_no_secret() {
        let snapshot = SnapshotView::new(SnapshotId::new("2"), "snapshot-2", volume());
        let operation = Operation::CreateVolumeFromSnapshot {
            volume: (&volume()).into(),
            snapshot: (&snapshot).into(),
        };
        let mut record = RecordedOp::from(operation);
        record.notes.insert("share".to_owned(), "a:/b".to_owned());
        let text = serde_json::to_string(&record).expect("it can be written");
        assert!(text.starts_with(
            r#"{"operation":{"call":"create_volume_from_snapshot","volume":{"id":"1","#
        ));
        assert!(!text.contains("hidden"));
        let back: RecordedOp = serde_json::from_str(&text).expect("it can be read");
        assert_eq!(back, record);
    }

    #[test]
    fn a_record_of_a_later_release_can_be_read_and_a_broken_one_cannot() {
        let text = r#"{"operation":{"call":"delete_volume","new":1,
            "volume":{"id":"1","name":"n","size_gib":1,"new":[]}},"new":null}"#;
        let record: RecordedOp = serde_json::from_str(text).expect("it can be read");
        assert_eq!(record.operation.call(), Call::DeleteVolume);
        for text in
            ["", "{}", r#"{"operation":{"call":"delete_volume"}}"#, r#"{"operation":{"call":"x"}}"#]
        {
            assert!(serde_json::from_str::<RecordedOp>(text).is_err(), "{text}");
        }
    }
}
