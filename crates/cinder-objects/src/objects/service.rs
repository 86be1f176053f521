//! Services, and what they are asked for that is about no volume. Only tables.

objects! {
    /// A service of this cloud.
    Service "1.6" {
        active_backend_id: Text nullable,
        availability_zone: Text nullable = "cinder",
        binary: Text nullable,
        cluster: Object<Cluster> nullable,
        cluster_name: Text nullable,
        created_at: Moment nullable,
        deleted: Boolean nullable = false,
        deleted_at: Moment nullable,
        disabled: Boolean nullable = false,
        disabled_reason: Text nullable,
        frozen: Boolean required = false,
        host: Text nullable,
        id: Integer required,
        modified_at: Moment nullable,
        object_current_version: Text nullable,
        replication_status: ReplicationState nullable,
        report_count: Integer required = 0,
        rpc_current_version: Text nullable,
        topic: Text nullable,
        updated_at: Moment nullable,
        uuid: Text required,
    }
    /// A list of such.
    ServiceList "1.1" {
        objects: Many<Service> required,
    }
    /// Services that share back ends.
    Cluster "1.1" {
        active_backend_id: Text nullable,
        binary: Text required,
        created_at: Moment nullable,
        deleted: Boolean nullable = false,
        deleted_at: Moment nullable,
        disabled: Boolean nullable = false,
        disabled_reason: Text nullable,
        frozen: Boolean required = false,
        id: Integer required,
        last_heartbeat: Moment nullable,
        name: Text required,
        num_down_hosts: Integer required = 0,
        num_hosts: Integer required = 0,
        replication_status: ReplicationState nullable,
        services: Object<ServiceList> nullable,
        updated_at: Moment nullable,
    }
    /// A list of such.
    ClusterList "1.0" {
        objects: Many<Cluster> required,
    }
    /// What a clean-up after a service is to be about.
    CleanupRequest "1.0" {
        binary: Text nullable starts null,
        cluster_name: Text nullable starts null,
        disabled: Boolean nullable starts null,
        host: Text nullable starts null,
        is_up: Boolean nullable = false starts empty,
        resource_id: Uuid nullable starts null,
        resource_type: Text nullable starts null,
        service_id: Integer nullable starts null,
        until: Moment nullable starts null,
    }
    /// A logger, or the beginning of its name, and its level.
    LogLevel "1.0" {
        level: Text nullable starts null,
        prefix: Text nullable starts null,
    }
    /// A list of such.
    LogLevelList "1.0" {
        objects: Many<LogLevel> required,
    }
}
