//! Rows of table `group_snapshots`.

use cinder_types::{GroupId, GroupSnapshotId, GroupSnapshotStatus, GroupTypeId, ProjectId, UserId};

use crate::schema::group_snapshots;

row! {
    /// A snapshot of a generic group, live or deleted.
    pub struct GroupSnapshot of group_snapshots {
        /// Its key.
        id: GroupSnapshotId,
        /// The group it is of.
        group_id: GroupId,
        /// Who owns it.
        user_id: Option<UserId>,
        /// The project that pays for it.
        project_id: Option<ProjectId>,
        /// The owner's name for it.
        name: Option<String>,
        /// The owner's words about it.
        description: Option<String>,
        /// The group's type when it was taken.
        group_type_id: Option<GroupTypeId>,
    }

    /// What an operation changes in a group snapshot.
    pub struct Change {
        /// What is being done with it.
        status: Option<GroupSnapshotStatus>,
    }
}
