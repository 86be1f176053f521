//! Every table of Cinder 29.0.0 as Diesel sees it; over 500 lines because there are 36 tables.
//!
//! Lines repeat because upstream's tables do, and `table!` has no way to share columns.
//!
//! Must not: hold anything but declarations, and which tables are joined. Columns stand in the order of upstream's schema on
//! SQLite (`tests/data/schema-sqlite.sql`). A test in `embedded` selects every column of every
//! table, so a name that drifts fails there.

/// Declares tables to Diesel, and lists them with their columns for those who look whether a
/// database has them.
macro_rules! tables {
    ($($(#[sql_name = $name:literal])? $table:ident ($key:ident) {
        $($(#[sql_name = $sql:literal])? $column:ident -> $outer:ident $(<$inner:ident>)?,)+
    })+) => {
        $(diesel::table! {
            $(#[sql_name = $name])?
            $table ($key) {
                $($(#[sql_name = $sql])? $column -> $outer $(<$inner>)?,)+
            }
        })+

        /// Tables with their columns, as the database calls them; `volumes` stands there twice.
        pub(crate) const TABLES: &[(&str, &[&str])] = &[$((
            first!($($name,)? stringify!($table)),
            &[$(<$table::$column as diesel::Column>::NAME),+],
        )),+];
    };
}

macro_rules! first {
    ($one:expr $(, $other:expr)?) => {
        $one
    };
}

tables! {
    alembic_version (version_num) {
        version_num -> Text,
    }

    services (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Integer,
        host -> Nullable<Text>,
        binary -> Nullable<Text>,
        topic -> Nullable<Text>,
        report_count -> Integer,
        disabled -> Nullable<Bool>,
        availability_zone -> Nullable<Text>,
        disabled_reason -> Nullable<Text>,
        modified_at -> Nullable<Timestamp>,
        rpc_current_version -> Nullable<Text>,
        object_current_version -> Nullable<Text>,
        replication_status -> Nullable<Text>,
        frozen -> Nullable<Bool>,
        active_backend_id -> Nullable<Text>,
        cluster_name -> Nullable<Text>,
        uuid -> Nullable<Text>,
    }

    clusters (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Integer,
        name -> Text,
        binary -> Text,
        disabled -> Nullable<Bool>,
        disabled_reason -> Nullable<Text>,
        race_preventer -> Integer,
        replication_status -> Nullable<Text>,
        active_backend_id -> Nullable<Text>,
        frozen -> Bool,
    }

    workers (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Integer,
        resource_type -> Text,
        resource_id -> Text,
        status -> Text,
        service_id -> Nullable<Integer>,
        race_preventer -> Integer,
    }

    quality_of_service_specs (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Text,
        specs_id -> Nullable<Text>,
        key -> Nullable<Text>,
        value -> Nullable<Text>,
    }

    volume_types (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Text,
        name -> Nullable<Text>,
        qos_specs_id -> Nullable<Text>,
        is_public -> Nullable<Bool>,
        description -> Nullable<Text>,
    }

    volume_type_extra_specs (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Integer,
        volume_type_id -> Text,
        key -> Nullable<Text>,
        value -> Nullable<Text>,
    }

    volume_type_projects (id) {
        id -> Integer,
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        volume_type_id -> Nullable<Text>,
        project_id -> Nullable<Text>,
        deleted -> Nullable<Integer>,
    }

    default_volume_types (project_id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        volume_type_id -> Nullable<Text>,
        project_id -> Text,
        deleted -> Nullable<Bool>,
    }

    encryption (encryption_id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        cipher -> Nullable<Text>,
        control_location -> Nullable<Text>,
        key_size -> Nullable<Integer>,
        provider -> Nullable<Text>,
        volume_type_id -> Text,
        encryption_id -> Text,
    }

    group_types (id) {
        id -> Text,
        name -> Text,
        description -> Nullable<Text>,
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        is_public -> Nullable<Bool>,
    }

    group_type_specs (id) {
        id -> Integer,
        key -> Nullable<Text>,
        value -> Nullable<Text>,
        group_type_id -> Text,
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
    }

    group_type_projects (id) {
        id -> Integer,
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        group_type_id -> Nullable<Text>,
        project_id -> Nullable<Text>,
        deleted -> Nullable<Bool>,
    }

    groups (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Text,
        user_id -> Nullable<Text>,
        project_id -> Nullable<Text>,
        cluster_name -> Nullable<Text>,
        host -> Nullable<Text>,
        availability_zone -> Nullable<Text>,
        name -> Nullable<Text>,
        description -> Nullable<Text>,
        group_type_id -> Nullable<Text>,
        status -> Nullable<Text>,
        group_snapshot_id -> Nullable<Text>,
        source_group_id -> Nullable<Text>,
        replication_status -> Nullable<Text>,
    }

    group_volume_type_mapping (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Integer,
        volume_type_id -> Text,
        group_id -> Text,
    }

    group_snapshots (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Text,
        group_id -> Text,
        user_id -> Nullable<Text>,
        project_id -> Nullable<Text>,
        name -> Nullable<Text>,
        description -> Nullable<Text>,
        status -> Nullable<Text>,
        group_type_id -> Nullable<Text>,
    }

    consistencygroups (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Text,
        user_id -> Nullable<Text>,
        project_id -> Nullable<Text>,
        host -> Nullable<Text>,
        availability_zone -> Nullable<Text>,
        name -> Nullable<Text>,
        description -> Nullable<Text>,
        volume_type_id -> Nullable<Text>,
        status -> Nullable<Text>,
        cgsnapshot_id -> Nullable<Text>,
        source_cgid -> Nullable<Text>,
        cluster_name -> Nullable<Text>,
    }

    cgsnapshots (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Text,
        consistencygroup_id -> Text,
        user_id -> Nullable<Text>,
        project_id -> Nullable<Text>,
        name -> Nullable<Text>,
        description -> Nullable<Text>,
        status -> Nullable<Text>,
    }

    volumes (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Text,
        user_id -> Nullable<Text>,
        project_id -> Nullable<Text>,
        host -> Nullable<Text>,
        size -> Nullable<Integer>,
        availability_zone -> Nullable<Text>,
        status -> Nullable<Text>,
        attach_status -> Nullable<Text>,
        launched_at -> Nullable<Timestamp>,
        display_name -> Nullable<Text>,
        display_description -> Nullable<Text>,
        provider_location -> Nullable<Text>,
        provider_auth -> Nullable<Text>,
        snapshot_id -> Nullable<Text>,
        volume_type_id -> Text,
        source_volid -> Nullable<Text>,
        bootable -> Nullable<Bool>,
        #[sql_name = "_name_id"]
        name_id -> Nullable<Text>,
        encryption_key_id -> Nullable<Text>,
        migration_status -> Nullable<Text>,
        provider_id -> Nullable<Text>,
        multiattach -> Nullable<Bool>,
        cluster_name -> Nullable<Text>,
        group_id -> Nullable<Text>,
        service_uuid -> Nullable<Text>,
        shared_targets -> Nullable<Bool>,
        use_quota -> Bool,
    }

    // The other columns of table `volumes`, those that operations rarely touch. Two views of one table
    // keep Diesel at 32 columns: with its feature for 64 that crate alone takes three times as long to
    // compile (89 s instead of 32 s of processor time).
    #[sql_name = "volumes"]
    volume_extras (id) {
        id -> Text,
        ec2_id -> Nullable<Text>,
        scheduled_at -> Nullable<Timestamp>,
        terminated_at -> Nullable<Timestamp>,
        provider_geometry -> Nullable<Text>,
        replication_status -> Nullable<Text>,
        replication_extended_status -> Nullable<Text>,
        replication_driver_data -> Nullable<Text>,
        consistencygroup_id -> Nullable<Text>,
        previous_status -> Nullable<Text>,
    }

    volume_metadata (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Integer,
        volume_id -> Text,
        key -> Nullable<Text>,
        value -> Nullable<Text>,
    }

    volume_admin_metadata (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Integer,
        volume_id -> Text,
        key -> Nullable<Text>,
        value -> Nullable<Text>,
    }

    volume_attachment (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Text,
        volume_id -> Text,
        attached_host -> Nullable<Text>,
        instance_uuid -> Nullable<Text>,
        mountpoint -> Nullable<Text>,
        attach_time -> Nullable<Timestamp>,
        detach_time -> Nullable<Timestamp>,
        attach_mode -> Nullable<Text>,
        attach_status -> Nullable<Text>,
        connection_info -> Nullable<Text>,
        connector -> Nullable<Text>,
    }

    attachment_specs (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Integer,
        attachment_id -> Text,
        key -> Nullable<Text>,
        value -> Nullable<Text>,
    }

    snapshots (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Text,
        volume_id -> Text,
        user_id -> Nullable<Text>,
        project_id -> Nullable<Text>,
        status -> Nullable<Text>,
        progress -> Nullable<Text>,
        volume_size -> Nullable<Integer>,
        scheduled_at -> Nullable<Timestamp>,
        display_name -> Nullable<Text>,
        display_description -> Nullable<Text>,
        provider_location -> Nullable<Text>,
        encryption_key_id -> Nullable<Text>,
        volume_type_id -> Text,
        cgsnapshot_id -> Nullable<Text>,
        provider_id -> Nullable<Text>,
        provider_auth -> Nullable<Text>,
        group_snapshot_id -> Nullable<Text>,
        use_quota -> Bool,
    }

    snapshot_metadata (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Integer,
        snapshot_id -> Text,
        key -> Nullable<Text>,
        value -> Nullable<Text>,
    }

    volume_glance_metadata (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Integer,
        volume_id -> Nullable<Text>,
        snapshot_id -> Nullable<Text>,
        key -> Nullable<Text>,
        value -> Nullable<Text>,
    }

    image_volume_cache_entries (id) {
        image_updated_at -> Nullable<Timestamp>,
        id -> Integer,
        host -> Text,
        image_id -> Text,
        volume_id -> Text,
        size -> Integer,
        last_used -> Timestamp,
        cluster_name -> Nullable<Text>,
    }

    transfers (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Text,
        volume_id -> Text,
        display_name -> Nullable<Text>,
        salt -> Nullable<Text>,
        crypt_hash -> Nullable<Text>,
        expires_at -> Nullable<Timestamp>,
        no_snapshots -> Nullable<Bool>,
        source_project_id -> Nullable<Text>,
        destination_project_id -> Nullable<Text>,
        accepted -> Nullable<Bool>,
    }

    backups (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Text,
        volume_id -> Text,
        user_id -> Nullable<Text>,
        project_id -> Nullable<Text>,
        host -> Nullable<Text>,
        availability_zone -> Nullable<Text>,
        display_name -> Nullable<Text>,
        display_description -> Nullable<Text>,
        container -> Nullable<Text>,
        status -> Nullable<Text>,
        fail_reason -> Nullable<Text>,
        service_metadata -> Nullable<Text>,
        service -> Nullable<Text>,
        size -> Nullable<Integer>,
        object_count -> Nullable<Integer>,
        parent_id -> Nullable<Text>,
        temp_volume_id -> Nullable<Text>,
        temp_snapshot_id -> Nullable<Text>,
        num_dependent_backups -> Nullable<Integer>,
        snapshot_id -> Nullable<Text>,
        data_timestamp -> Nullable<Timestamp>,
        restore_volume_id -> Nullable<Text>,
        encryption_key_id -> Nullable<Text>,
    }

    backup_metadata (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Integer,
        backup_id -> Text,
        key -> Nullable<Text>,
        value -> Nullable<Text>,
    }

    quotas (id) {
        id -> Integer,
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        project_id -> Nullable<Text>,
        resource -> Text,
        hard_limit -> Nullable<Integer>,
        allocated -> Nullable<Integer>,
    }

    quota_classes (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Integer,
        class_name -> Nullable<Text>,
        resource -> Nullable<Text>,
        hard_limit -> Nullable<Integer>,
    }

    quota_usages (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Integer,
        project_id -> Nullable<Text>,
        resource -> Nullable<Text>,
        in_use -> Integer,
        reserved -> Integer,
        until_refresh -> Nullable<Integer>,
        race_preventer -> Nullable<Bool>,
    }

    reservations (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        id -> Integer,
        uuid -> Text,
        usage_id -> Nullable<Integer>,
        project_id -> Nullable<Text>,
        resource -> Nullable<Text>,
        delta -> Integer,
        expire -> Nullable<Timestamp>,
        allocated_id -> Nullable<Integer>,
    }

    messages (id) {
        id -> Text,
        project_id -> Text,
        request_id -> Nullable<Text>,
        resource_type -> Nullable<Text>,
        resource_uuid -> Nullable<Text>,
        event_id -> Text,
        message_level -> Text,
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        deleted -> Nullable<Bool>,
        expires_at -> Nullable<Timestamp>,
        detail_id -> Nullable<Text>,
        action_id -> Nullable<Text>,
    }

    driver_initiator_data (id) {
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        id -> Integer,
        initiator -> Text,
        namespace -> Text,
        key -> Text,
        value -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(snapshots, volumes, workers);
