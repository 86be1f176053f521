//! Rows of generic groups and their snapshots, and of the consistency groups before them.

use cinder_types::{
    CgsnapshotId, ConsistencyGroupId, GroupId, GroupSnapshotId, GroupTypeId, ProjectId, UserId,
};
use diesel::{Queryable, Selectable};

use crate::{
    changes::changes,
    schema::{cgsnapshots, consistencygroups, group_snapshots, groups},
    timestamp::Timestamp,
};

/// A generic volume group, live or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = groups)]
pub struct GroupRow {
    /// When it was made; its creation by a service counts.
    pub created_at: Option<Timestamp>,
    /// The last change other than its deletion.
    pub updated_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Whether it is deleted.
    pub deleted: Option<bool>,
    /// Its key.
    pub id: GroupId,
    /// Who owns it.
    pub user_id: Option<UserId>,
    /// The project that pays for it.
    pub project_id: Option<ProjectId>,
    /// `cluster@backend#pool`.
    pub cluster_name: Option<String>,
    /// `host@backend#pool`.
    pub host: Option<String>,
    /// Where it is.
    pub availability_zone: Option<String>,
    /// The owner's name for it.
    pub name: Option<String>,
    /// The owner's words about it.
    pub description: Option<String>,
    /// Its type.
    pub group_type_id: Option<GroupTypeId>,
    /// What is being done with it.
    pub status: Option<String>,
    /// The group snapshot it was made from.
    pub group_snapshot_id: Option<GroupSnapshotId>,
    /// The group it was made from.
    pub source_group_id: Option<GroupId>,
    /// State of its replication.
    pub replication_status: Option<String>,
}

changes! {
    /// What an operation changes in a generic group.
    pub struct GroupChange of groups, GroupRow {
        /// See [`GroupRow::created_at`].
        created_at: Option<Timestamp> = groups::created_at,
        /// See [`GroupRow::cluster_name`].
        cluster_name: Option<String> = groups::cluster_name,
        /// See [`GroupRow::host`].
        host: Option<String> = groups::host,
        /// See [`GroupRow::availability_zone`].
        availability_zone: Option<String> = groups::availability_zone,
        /// See [`GroupRow::status`].
        status: Option<String> = groups::status,
        /// See [`GroupRow::replication_status`].
        replication_status: Option<String> = groups::replication_status,
    }
}

/// A snapshot of a generic group, live or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = group_snapshots)]
pub struct GroupSnapshotRow {
    /// When the API made it.
    pub created_at: Option<Timestamp>,
    /// The last change other than its deletion.
    pub updated_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Whether it is deleted.
    pub deleted: Option<bool>,
    /// Its key.
    pub id: GroupSnapshotId,
    /// The group it is of.
    pub group_id: GroupId,
    /// Who owns it.
    pub user_id: Option<UserId>,
    /// The project that pays for it.
    pub project_id: Option<ProjectId>,
    /// The owner's name for it.
    pub name: Option<String>,
    /// The owner's words about it.
    pub description: Option<String>,
    /// What is being done with it.
    pub status: Option<String>,
    /// The group's type when it was taken.
    pub group_type_id: Option<GroupTypeId>,
}

changes! {
    /// What an operation changes in a group snapshot.
    pub struct GroupSnapshotChange of group_snapshots, GroupSnapshotRow {
        /// See [`GroupSnapshotRow::status`].
        status: Option<String> = group_snapshots::status,
    }
}

/// A consistency group, live or deleted. Only read: generic groups have replaced it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = consistencygroups)]
pub struct ConsistencyGroupRow {
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// The last change other than its deletion.
    pub updated_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Whether it is deleted.
    pub deleted: Option<bool>,
    /// Its key.
    pub id: ConsistencyGroupId,
    /// Who owns it.
    pub user_id: Option<UserId>,
    /// The project that pays for it.
    pub project_id: Option<ProjectId>,
    /// `host@backend#pool`.
    pub host: Option<String>,
    /// `cluster@backend#pool`.
    pub cluster_name: Option<String>,
    /// Where it is.
    pub availability_zone: Option<String>,
    /// The owner's name for it.
    pub name: Option<String>,
    /// The owner's words about it.
    pub description: Option<String>,
    /// Ids of the types that its volumes may have, each followed by a comma.
    pub volume_type_id: Option<String>,
    /// What was being done with it.
    pub status: Option<String>,
    /// The snapshot it was made from.
    pub cgsnapshot_id: Option<CgsnapshotId>,
    /// The group it was made from.
    pub source_cgid: Option<ConsistencyGroupId>,
}

/// A snapshot of a consistency group, live or deleted. Only read.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = cgsnapshots)]
pub struct CgsnapshotRow {
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// The last change other than its deletion.
    pub updated_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Whether it is deleted.
    pub deleted: Option<bool>,
    /// Its key.
    pub id: CgsnapshotId,
    /// The group it is of.
    pub consistencygroup_id: ConsistencyGroupId,
    /// Who owns it.
    pub user_id: Option<UserId>,
    /// The project that pays for it.
    pub project_id: Option<ProjectId>,
    /// The owner's name for it.
    pub name: Option<String>,
    /// The owner's words about it.
    pub description: Option<String>,
    /// What was being done with it.
    pub status: Option<String>,
}
