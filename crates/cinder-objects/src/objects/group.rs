//! Groups of volumes, of both kinds. Only tables.

use super::{CGSnapshotList, Cluster, GroupSnapshotList, VolumeList, VolumeTypeList};

objects! {
    /// A generic volume group.
    Group "1.2" {
        availability_zone: Text nullable,
        cluster_name: Text nullable,
        created_at: Moment nullable,
        deleted: Boolean nullable = false,
        deleted_at: Moment nullable,
        description: Text nullable,
        group_snapshot_id: Uuid nullable,
        group_snapshots: Object<GroupSnapshotList> nullable,
        group_type_id: Text required,
        host: Text nullable,
        id: Uuid required,
        name: Text nullable,
        project_id: Text required,
        replication_status: ReplicationState nullable,
        source_group_id: Uuid nullable,
        status: GroupState nullable,
        updated_at: Moment nullable,
        user_id: Text required,
        volume_type_ids: TextList nullable,
        volume_types: Object<VolumeTypeList> nullable,
        volumes: Object<VolumeList> nullable,
    }
    /// A list of such.
    GroupList "1.0" {
        objects: Many<Group> required,
    }
    /// A type of generic groups.
    GroupType "1.0" {
        created_at: Moment nullable,
        deleted: Boolean nullable = false,
        deleted_at: Moment nullable,
        description: Text nullable,
        group_specs: NullableTexts nullable,
        id: Uuid required,
        is_public: Boolean nullable = true,
        name: Text nullable,
        projects: TextList nullable,
        updated_at: Moment nullable,
    }
    /// A list of such.
    GroupTypeList "1.0" {
        objects: Many<GroupType> required,
    }
    /// A consistency group, which generic groups have replaced.
    ConsistencyGroup "1.4" {
        availability_zone: Text nullable,
        cgsnapshot_id: Uuid nullable,
        cgsnapshots: Object<CGSnapshotList> nullable,
        cluster: Object<Cluster> nullable,
        cluster_name: Text nullable,
        created_at: Moment nullable,
        deleted: Boolean nullable = false,
        deleted_at: Moment nullable,
        description: Text nullable,
        host: Text nullable,
        id: Uuid required,
        name: Text nullable,
        project_id: Text required,
        source_cgid: Uuid nullable,
        status: ConsistencyGroupState nullable,
        updated_at: Moment nullable,
        user_id: Text required,
        volume_type_id: Text nullable,
        volumes: Object<VolumeList> nullable,
    }
    /// A list of such.
    ConsistencyGroupList "1.1" {
        objects: Many<ConsistencyGroup> required,
    }
}
