//! Rows of table `groups`.

use cinder_types::{
    GroupId, GroupSnapshotId, GroupStatus, GroupTypeId, ProjectId, ReplicationStatus, UserId,
};

use crate::{schema::groups, timestamp::Timestamp};

/// Which groups are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of<'a> {
    /// Those of a `host`, a `host@backend` with all its pools, or one `host@backend#pool`.
    Host(&'a str),
    /// The same with a cluster's name.
    Cluster(&'a str),
}

row! {
    /// A generic volume group, live or deleted.
    pub struct Group of groups {
        /// Its key.
        id: GroupId,
        /// Who owns it.
        user_id: Option<UserId>,
        /// The project that pays for it.
        project_id: Option<ProjectId>,
        /// The owner's name for it.
        name: Option<String>,
        /// The owner's words about it.
        description: Option<String>,
        /// Its type.
        group_type_id: Option<GroupTypeId>,
        /// The group snapshot it was made from.
        group_snapshot_id: Option<GroupSnapshotId>,
        /// The group it was made from.
        source_group_id: Option<GroupId>,
    }

    /// What an operation changes in a generic group.
    pub struct Change {
        /// `cluster@backend#pool`.
        cluster_name: Option<String>,
        /// `host@backend#pool`.
        host: Option<String>,
        /// Where it is.
        availability_zone: Option<String>,
        /// What is being done with it.
        status: Option<GroupStatus>,
        /// State of its replication.
        replication_status: Option<ReplicationStatus>,
    }
    also created_at: Option<Timestamp>
}
