-- The tables of Cinder 29.0.0 (alembic revision 9c74c1c6971f) on MySQL and MariaDB.
--
-- For tests: the schema of a server is made by upstream's `cinder-manage db sync`, never by us.
-- Names of columns and indexes are facts shared with upstream's tools; `tests/databases/every/schema.rs`
-- compares the result with what they make. The rows that their migrations insert are in
-- `seed.sql`. Engine and character set are the database's defaults, as upstream leaves them.

-- Which release the tables belong to; upstream's migration tool reads it.

CREATE TABLE alembic_version (
    version_num varchar(32) NOT NULL,
    PRIMARY KEY (version_num)
);

-- Services, clusters and the operations they have in progress.

CREATE TABLE services (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id int NOT NULL AUTO_INCREMENT,
    host varchar(255),
    `binary` varchar(255),
    topic varchar(255),
    report_count int NOT NULL,
    disabled tinyint(1),
    availability_zone varchar(255),
    disabled_reason varchar(255),
    modified_at datetime,
    rpc_current_version varchar(36),
    object_current_version varchar(36),
    replication_status varchar(36),
    frozen tinyint(1),
    active_backend_id varchar(255),
    cluster_name varchar(255),
    uuid varchar(36),
    PRIMARY KEY (id),
    UNIQUE KEY services_uuid_idx (uuid)
);

CREATE TABLE clusters (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id int NOT NULL AUTO_INCREMENT,
    name varchar(255) NOT NULL,
    `binary` varchar(255) NOT NULL,
    disabled tinyint(1),
    disabled_reason varchar(255),
    race_preventer int NOT NULL,
    replication_status varchar(36),
    active_backend_id varchar(255),
    frozen tinyint(1) NOT NULL DEFAULT 0,
    PRIMARY KEY (id),
    UNIQUE KEY name (name,`binary`,race_preventer)
);

CREATE TABLE workers (
    created_at datetime,
    updated_at datetime(6),
    deleted_at datetime,
    deleted tinyint(1),
    id int NOT NULL AUTO_INCREMENT,
    resource_type varchar(40) NOT NULL,
    resource_id varchar(36) NOT NULL,
    status varchar(255) NOT NULL,
    service_id int,
    race_preventer int NOT NULL DEFAULT 0,
    PRIMARY KEY (id),
    UNIQUE KEY resource_type (resource_type,resource_id),
    INDEX ix_workers_service_id (service_id),
    FOREIGN KEY (service_id) REFERENCES services (id)
);

-- Volume types and what hangs on them.

CREATE TABLE quality_of_service_specs (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id varchar(36) NOT NULL,
    specs_id varchar(36),
    `key` varchar(255),
    value varchar(255),
    PRIMARY KEY (id),
    INDEX ix_quality_of_service_specs_specs_id (specs_id),
    FOREIGN KEY (specs_id) REFERENCES quality_of_service_specs (id),
    CONSTRAINT CONSTRAINT_1 CHECK (deleted in (0,1))
);

CREATE TABLE volume_types (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id varchar(36) NOT NULL,
    name varchar(255),
    qos_specs_id varchar(36),
    is_public tinyint(1),
    description varchar(255),
    PRIMARY KEY (id),
    INDEX ix_volume_types_qos_specs_id (qos_specs_id),
    FOREIGN KEY (qos_specs_id) REFERENCES quality_of_service_specs (id)
);

CREATE TABLE volume_type_extra_specs (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id int NOT NULL AUTO_INCREMENT,
    volume_type_id varchar(36) NOT NULL,
    `key` varchar(255),
    value varchar(255),
    PRIMARY KEY (id),
    INDEX ix_volume_type_extra_specs_volume_type_id (volume_type_id),
    FOREIGN KEY (volume_type_id) REFERENCES volume_types (id)
);

CREATE TABLE volume_type_projects (
    id int NOT NULL AUTO_INCREMENT,
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    volume_type_id varchar(36),
    project_id varchar(255),
    deleted int,
    PRIMARY KEY (id),
    UNIQUE KEY volume_type_id (volume_type_id,project_id,deleted),
    FOREIGN KEY (volume_type_id) REFERENCES volume_types (id)
);

CREATE TABLE default_volume_types (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    volume_type_id varchar(36),
    project_id varchar(255) NOT NULL,
    deleted tinyint(1),
    PRIMARY KEY (project_id),
    INDEX ix_default_volume_types_volume_type_id (volume_type_id),
    FOREIGN KEY (volume_type_id) REFERENCES volume_types (id),
    CONSTRAINT CONSTRAINT_1 CHECK (deleted in (0,1))
);

CREATE TABLE encryption (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    cipher varchar(255),
    control_location varchar(255) NOT NULL,
    key_size int,
    provider varchar(255) NOT NULL,
    volume_type_id varchar(36) NOT NULL,
    encryption_id varchar(36) NOT NULL,
    PRIMARY KEY (encryption_id),
    CONSTRAINT CONSTRAINT_1 CHECK (deleted in (0,1))
);

-- Groups, their types and snapshots; the older consistency groups.

CREATE TABLE group_types (
    id varchar(36) NOT NULL,
    name varchar(255) NOT NULL,
    description varchar(255),
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    is_public tinyint(1),
    PRIMARY KEY (id)
);

CREATE TABLE group_type_specs (
    id int NOT NULL AUTO_INCREMENT,
    `key` varchar(255),
    value varchar(255),
    group_type_id varchar(36) NOT NULL,
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    PRIMARY KEY (id),
    INDEX ix_group_type_specs_group_type_id (group_type_id),
    FOREIGN KEY (group_type_id) REFERENCES group_types (id)
);

CREATE TABLE group_type_projects (
    id int NOT NULL AUTO_INCREMENT,
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    group_type_id varchar(36),
    project_id varchar(255),
    deleted tinyint(1),
    PRIMARY KEY (id),
    UNIQUE KEY group_type_id (group_type_id,project_id,deleted),
    FOREIGN KEY (group_type_id) REFERENCES group_types (id),
    CONSTRAINT CONSTRAINT_1 CHECK (deleted in (0,1))
);

CREATE TABLE `groups` (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id varchar(36) NOT NULL,
    user_id varchar(255),
    project_id varchar(255),
    cluster_name varchar(255),
    host varchar(255),
    availability_zone varchar(255),
    name varchar(255),
    description varchar(255),
    group_type_id varchar(36),
    status varchar(255),
    group_snapshot_id varchar(36),
    source_group_id varchar(36),
    replication_status varchar(255),
    PRIMARY KEY (id),
    INDEX groups_deleted_project_id_idx (deleted,project_id)
);

CREATE TABLE group_volume_type_mapping (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id int NOT NULL AUTO_INCREMENT,
    volume_type_id varchar(36) NOT NULL,
    group_id varchar(36) NOT NULL,
    PRIMARY KEY (id),
    INDEX ix_group_volume_type_mapping_group_id (group_id),
    INDEX ix_group_volume_type_mapping_volume_type_id (volume_type_id),
    FOREIGN KEY (volume_type_id) REFERENCES volume_types (id),
    FOREIGN KEY (group_id) REFERENCES `groups` (id)
);

CREATE TABLE group_snapshots (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id varchar(36) NOT NULL,
    group_id varchar(36) NOT NULL,
    user_id varchar(255),
    project_id varchar(255),
    name varchar(255),
    description varchar(255),
    status varchar(255),
    group_type_id varchar(36),
    PRIMARY KEY (id),
    INDEX ix_group_snapshots_group_id (group_id),
    INDEX group_snapshots_deleted_project_id_idx (deleted,project_id),
    FOREIGN KEY (group_id) REFERENCES `groups` (id),
    CONSTRAINT CONSTRAINT_1 CHECK (deleted in (0,1))
);

CREATE TABLE consistencygroups (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id varchar(36) NOT NULL,
    user_id varchar(255),
    project_id varchar(255),
    host varchar(255),
    availability_zone varchar(255),
    name varchar(255),
    description varchar(255),
    volume_type_id varchar(255),
    status varchar(255),
    cgsnapshot_id varchar(36),
    source_cgid varchar(36),
    cluster_name varchar(255),
    PRIMARY KEY (id),
    CONSTRAINT CONSTRAINT_1 CHECK (deleted in (0,1))
);

CREATE TABLE cgsnapshots (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id varchar(36) NOT NULL,
    consistencygroup_id varchar(36) NOT NULL,
    user_id varchar(255),
    project_id varchar(255),
    name varchar(255),
    description varchar(255),
    status varchar(255),
    PRIMARY KEY (id),
    INDEX ix_cgsnapshots_consistencygroup_id (consistencygroup_id),
    FOREIGN KEY (consistencygroup_id) REFERENCES consistencygroups (id),
    CONSTRAINT CONSTRAINT_1 CHECK (deleted in (0,1))
);

-- Volumes, snapshots and their metadata.

CREATE TABLE volumes (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id varchar(36) NOT NULL,
    ec2_id varchar(255),
    user_id varchar(255),
    project_id varchar(255),
    host varchar(255),
    size int,
    availability_zone varchar(255),
    status varchar(255),
    attach_status varchar(255),
    scheduled_at datetime,
    launched_at datetime,
    terminated_at datetime,
    display_name varchar(255),
    display_description varchar(255),
    provider_location varchar(256),
    provider_auth varchar(256),
    snapshot_id varchar(36),
    volume_type_id varchar(36) NOT NULL,
    source_volid varchar(36),
    bootable tinyint(1),
    provider_geometry varchar(255),
    _name_id varchar(36),
    encryption_key_id varchar(36),
    migration_status varchar(255),
    replication_status varchar(255),
    replication_extended_status varchar(255),
    replication_driver_data varchar(255),
    consistencygroup_id varchar(36),
    provider_id varchar(255),
    multiattach tinyint(1),
    previous_status varchar(255),
    cluster_name varchar(255),
    group_id varchar(36),
    service_uuid varchar(36),
    shared_targets tinyint(1),
    use_quota tinyint(1) NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    INDEX ix_volumes_group_id (group_id),
    INDEX ix_volumes_consistencygroup_id (consistencygroup_id),
    INDEX volumes_service_uuid_idx (service_uuid,deleted),
    INDEX volumes_deleted_project_id_idx (deleted,project_id),
    INDEX volumes_deleted_host_idx (deleted,host),
    FOREIGN KEY (consistencygroup_id) REFERENCES consistencygroups (id),
    FOREIGN KEY (group_id) REFERENCES `groups` (id),
    FOREIGN KEY (service_uuid) REFERENCES services (uuid)
);

CREATE TABLE volume_metadata (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id int NOT NULL AUTO_INCREMENT,
    volume_id varchar(36) NOT NULL,
    `key` varchar(255),
    value varchar(255),
    PRIMARY KEY (id),
    INDEX ix_volume_metadata_volume_id (volume_id),
    FOREIGN KEY (volume_id) REFERENCES volumes (id)
);

CREATE TABLE volume_admin_metadata (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id int NOT NULL AUTO_INCREMENT,
    volume_id varchar(36) NOT NULL,
    `key` varchar(255),
    value varchar(255),
    PRIMARY KEY (id),
    INDEX ix_volume_admin_metadata_volume_id (volume_id),
    FOREIGN KEY (volume_id) REFERENCES volumes (id)
);

CREATE TABLE volume_attachment (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id varchar(36) NOT NULL,
    volume_id varchar(36) NOT NULL,
    attached_host varchar(255),
    instance_uuid varchar(36),
    mountpoint varchar(255),
    attach_time datetime,
    detach_time datetime,
    attach_mode varchar(36),
    attach_status varchar(255),
    connection_info text,
    connector text,
    PRIMARY KEY (id),
    INDEX ix_volume_attachment_volume_id (volume_id),
    FOREIGN KEY (volume_id) REFERENCES volumes (id)
);

CREATE TABLE attachment_specs (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id int NOT NULL AUTO_INCREMENT,
    attachment_id varchar(36) NOT NULL,
    `key` varchar(255),
    value varchar(255),
    PRIMARY KEY (id),
    INDEX ix_attachment_specs_attachment_id (attachment_id),
    FOREIGN KEY (attachment_id) REFERENCES volume_attachment (id)
);

CREATE TABLE snapshots (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id varchar(36) NOT NULL,
    volume_id varchar(36) NOT NULL,
    user_id varchar(255),
    project_id varchar(255),
    status varchar(255),
    progress varchar(255),
    volume_size int,
    scheduled_at datetime,
    display_name varchar(255),
    display_description varchar(255),
    provider_location varchar(255),
    encryption_key_id varchar(36),
    volume_type_id varchar(36) NOT NULL,
    cgsnapshot_id varchar(36),
    provider_id varchar(255),
    provider_auth varchar(255),
    group_snapshot_id varchar(36),
    use_quota tinyint(1) NOT NULL DEFAULT 1,
    PRIMARY KEY (id),
    INDEX ix_snapshots_cgsnapshot_id (cgsnapshot_id),
    INDEX ix_snapshots_group_snapshot_id (group_snapshot_id),
    INDEX ix_snapshots_volume_id (volume_id),
    INDEX snapshots_deleted_project_id_idx (deleted,project_id),
    FOREIGN KEY (cgsnapshot_id) REFERENCES cgsnapshots (id),
    FOREIGN KEY (group_snapshot_id) REFERENCES group_snapshots (id),
    CONSTRAINT snapshots_volume_id_fkey FOREIGN KEY (volume_id) REFERENCES volumes (id)
);

CREATE TABLE snapshot_metadata (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id int NOT NULL AUTO_INCREMENT,
    snapshot_id varchar(36) NOT NULL,
    `key` varchar(255),
    value varchar(255),
    PRIMARY KEY (id),
    INDEX ix_snapshot_metadata_snapshot_id (snapshot_id),
    FOREIGN KEY (snapshot_id) REFERENCES snapshots (id)
);

CREATE TABLE volume_glance_metadata (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id int NOT NULL AUTO_INCREMENT,
    volume_id varchar(36),
    snapshot_id varchar(36),
    `key` varchar(255),
    value text,
    PRIMARY KEY (id),
    INDEX ix_volume_glance_metadata_snapshot_id (snapshot_id),
    INDEX ix_volume_glance_metadata_volume_id (volume_id),
    FOREIGN KEY (volume_id) REFERENCES volumes (id),
    FOREIGN KEY (snapshot_id) REFERENCES snapshots (id),
    CONSTRAINT CONSTRAINT_1 CHECK (deleted in (0,1))
);

-- Cached images, transfers and backups.

CREATE TABLE image_volume_cache_entries (
    image_updated_at datetime,
    id int NOT NULL AUTO_INCREMENT,
    host varchar(255) NOT NULL,
    image_id varchar(36) NOT NULL,
    volume_id varchar(36) NOT NULL,
    size int NOT NULL,
    last_used datetime NOT NULL,
    cluster_name varchar(255),
    PRIMARY KEY (id),
    INDEX ix_image_volume_cache_entries_host (host),
    INDEX ix_image_volume_cache_entries_image_id (image_id)
);

CREATE TABLE transfers (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id varchar(36) NOT NULL,
    volume_id varchar(36) NOT NULL,
    display_name varchar(255),
    salt varchar(255),
    crypt_hash varchar(255),
    expires_at datetime,
    no_snapshots tinyint(1),
    source_project_id varchar(255),
    destination_project_id varchar(255),
    accepted tinyint(1),
    PRIMARY KEY (id),
    INDEX ix_transfers_volume_id (volume_id),
    FOREIGN KEY (volume_id) REFERENCES volumes (id)
);

CREATE TABLE backups (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id varchar(36) NOT NULL,
    volume_id varchar(36) NOT NULL,
    user_id varchar(255),
    project_id varchar(255),
    host varchar(255),
    availability_zone varchar(255),
    display_name varchar(255),
    display_description varchar(255),
    container varchar(255),
    status varchar(255),
    fail_reason varchar(255),
    service_metadata varchar(255),
    service varchar(255),
    size int,
    object_count int,
    parent_id varchar(36),
    temp_volume_id varchar(36),
    temp_snapshot_id varchar(36),
    num_dependent_backups int,
    snapshot_id varchar(36),
    data_timestamp datetime,
    restore_volume_id varchar(36),
    encryption_key_id varchar(36),
    PRIMARY KEY (id),
    INDEX backups_deleted_project_id_idx (deleted,project_id),
    CONSTRAINT CONSTRAINT_1 CHECK (deleted in (0,1))
);

CREATE TABLE backup_metadata (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id int NOT NULL AUTO_INCREMENT,
    backup_id varchar(36) NOT NULL,
    `key` varchar(255),
    value varchar(255),
    PRIMARY KEY (id),
    INDEX ix_backup_metadata_backup_id (backup_id),
    FOREIGN KEY (backup_id) REFERENCES backups (id)
);

-- Quotas.

CREATE TABLE quotas (
    id int NOT NULL AUTO_INCREMENT,
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    project_id varchar(255),
    resource varchar(300) NOT NULL,
    hard_limit int,
    allocated int,
    PRIMARY KEY (id)
);

CREATE TABLE quota_classes (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id int NOT NULL AUTO_INCREMENT,
    class_name varchar(255),
    resource varchar(300),
    hard_limit int,
    PRIMARY KEY (id),
    INDEX ix_quota_classes_class_name (class_name),
    CONSTRAINT CONSTRAINT_1 CHECK (deleted in (0,1))
);

CREATE TABLE quota_usages (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id int NOT NULL AUTO_INCREMENT,
    project_id varchar(255),
    resource varchar(300),
    in_use int NOT NULL,
    reserved int NOT NULL,
    until_refresh int,
    race_preventer tinyint(1),
    PRIMARY KEY (id),
    UNIQUE KEY project_id (project_id,resource,race_preventer),
    INDEX quota_usage_project_resource_idx (project_id,resource),
    INDEX ix_quota_usages_project_id (project_id),
    CONSTRAINT CONSTRAINT_1 CHECK (deleted in (0,1))
);

CREATE TABLE reservations (
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    id int NOT NULL AUTO_INCREMENT,
    uuid varchar(36) NOT NULL,
    usage_id int,
    project_id varchar(255),
    resource varchar(300),
    delta int NOT NULL,
    expire datetime,
    allocated_id int,
    PRIMARY KEY (id),
    INDEX reservations_deleted_expire_idx (deleted,expire),
    INDEX ix_reservations_project_id (project_id),
    INDEX ix_reservations_allocated_id (allocated_id),
    INDEX ix_reservations_usage_id (usage_id),
    INDEX reservations_deleted_uuid_idx (deleted,uuid),
    FOREIGN KEY (usage_id) REFERENCES quota_usages (id),
    FOREIGN KEY (allocated_id) REFERENCES quotas (id),
    CONSTRAINT CONSTRAINT_1 CHECK (deleted in (0,1))
);

-- Messages to users; what drivers remember per initiator.

CREATE TABLE messages (
    id varchar(36) NOT NULL,
    project_id varchar(255) NOT NULL,
    request_id varchar(255),
    resource_type varchar(36),
    resource_uuid varchar(255),
    event_id varchar(255) NOT NULL,
    message_level varchar(255) NOT NULL,
    created_at datetime,
    updated_at datetime,
    deleted_at datetime,
    deleted tinyint(1),
    expires_at datetime,
    detail_id varchar(10),
    action_id varchar(10),
    PRIMARY KEY (id),
    INDEX ix_messages_expires_at (expires_at)
);

CREATE TABLE driver_initiator_data (
    created_at datetime,
    updated_at datetime,
    id int NOT NULL AUTO_INCREMENT,
    initiator varchar(255) NOT NULL,
    namespace varchar(255) NOT NULL,
    `key` varchar(255) NOT NULL,
    value varchar(255),
    PRIMARY KEY (id),
    UNIQUE KEY initiator (initiator,namespace,`key`),
    INDEX ix_driver_initiator_data_initiator (initiator)
);
