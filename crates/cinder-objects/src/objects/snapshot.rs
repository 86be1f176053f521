//! Snapshots of volumes and of groups. Only tables.

use super::{ConsistencyGroup, Group, Volume};

objects! {
    /// A snapshot of a volume.
    Snapshot "1.6" {
        cgsnapshot: Object<CGSnapshot> nullable,
        cgsnapshot_id: Uuid nullable,
        created_at: Moment nullable,
        deleted: Boolean nullable = false,
        deleted_at: Moment nullable,
        display_description: Text nullable,
        display_name: Text nullable,
        encryption_key_id: Uuid nullable,
        group_snapshot: Object<GroupSnapshot> nullable,
        group_snapshot_id: Uuid nullable,
        id: Uuid required,
        metadata: Texts required starts empty,
        progress: Text nullable,
        project_id: Text nullable,
        provider_auth: Login nullable,
        provider_id: Text nullable,
        provider_location: Text nullable,
        status: SnapshotState nullable,
        updated_at: Moment nullable,
        use_quota: Boolean required = true,
        user_id: Text nullable,
        volume: Object<Volume> nullable,
        volume_id: Uuid nullable,
        volume_size: Integer nullable,
        volume_type_id: Uuid nullable,
    }
    /// A list of such.
    SnapshotList "1.0" {
        objects: Many<Snapshot> required,
    }
    /// A snapshot of a consistency group.
    CGSnapshot "1.1" {
        consistencygroup: Object<ConsistencyGroup> nullable,
        consistencygroup_id: Uuid nullable,
        created_at: Moment nullable,
        deleted: Boolean nullable = false,
        deleted_at: Moment nullable,
        description: Text nullable,
        id: Uuid required,
        name: Text nullable,
        project_id: Text required,
        snapshots: Object<SnapshotList> nullable,
        status: Text nullable,
        updated_at: Moment nullable,
        user_id: Text required,
    }
    /// A list of such.
    CGSnapshotList "1.0" {
        objects: Many<CGSnapshot> required,
    }
    /// A snapshot of a generic group.
    GroupSnapshot "1.0" {
        created_at: Moment nullable,
        deleted: Boolean nullable = false,
        deleted_at: Moment nullable,
        description: Text nullable,
        group: Object<Group> nullable,
        group_id: Uuid required,
        group_type_id: Uuid nullable,
        id: Uuid required,
        name: Text nullable,
        project_id: Text nullable,
        snapshots: Object<SnapshotList> nullable,
        status: Text nullable,
        updated_at: Moment nullable,
        user_id: Text nullable,
    }
    /// A list of such.
    GroupSnapshotList "1.0" {
        objects: Many<GroupSnapshot> required,
    }
}
