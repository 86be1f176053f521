//! Rows of consistency groups and their snapshots, which generic groups have replaced.

use cinder_types::{
    CgsnapshotId, ConsistencyGroupId, GroupSnapshotStatus, GroupStatus, ProjectId, UserId,
};

use crate::schema::{cgsnapshots, consistencygroups};

row! {
    /// A consistency group, live or deleted. Only read: generic groups have replaced it.
    pub struct ConsistencyGroup of consistencygroups {
        /// Its key.
        id: ConsistencyGroupId,
        /// Who owns it.
        user_id: Option<UserId>,
        /// The project that pays for it.
        project_id: Option<ProjectId>,
        /// `host@backend#pool`.
        host: Option<String>,
        /// `cluster@backend#pool`.
        cluster_name: Option<String>,
        /// Where it is.
        availability_zone: Option<String>,
        /// The owner's name for it.
        name: Option<String>,
        /// The owner's words about it.
        description: Option<String>,
        /// Ids of the types that its volumes may have, each followed by a comma.
        volume_type_id: Option<String>,
        /// What was being done with it.
        status: Option<GroupStatus>,
        /// The snapshot it was made from.
        cgsnapshot_id: Option<CgsnapshotId>,
        /// The group it was made from.
        source_cgid: Option<ConsistencyGroupId>,
    }
}

row! {
    /// A snapshot of a consistency group, live or deleted. Only read.
    pub struct Cgsnapshot of cgsnapshots {
        /// Its key.
        id: CgsnapshotId,
        /// The group it is of.
        consistencygroup_id: ConsistencyGroupId,
        /// Who owns it.
        user_id: Option<UserId>,
        /// The project that pays for it.
        project_id: Option<ProjectId>,
        /// The owner's name for it.
        name: Option<String>,
        /// The owner's words about it.
        description: Option<String>,
        /// What was being done with it.
        status: Option<GroupSnapshotStatus>,
    }
}
