-- The tables of Cinder 29.0.0 (alembic revision 9c74c1c6971f) on PostgreSQL.
--
-- For tests: the schema of a server is made by upstream's `cinder-manage db sync`, never by us.
-- Names of columns and indexes are facts shared with upstream's tools; `tests/databases/every/schema.rs`
-- compares the result with what they make. The rows that their migrations insert are in
-- `seed.sql`.

-- Which release the tables belong to; upstream's migration tool reads it.

CREATE TABLE alembic_version (
    version_num varchar(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

-- Services, clusters and the operations they have in progress.

CREATE TABLE services (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id serial,
    host varchar(255),
    "binary" varchar(255),
    topic varchar(255),
    report_count integer NOT NULL,
    disabled boolean,
    availability_zone varchar(255),
    disabled_reason varchar(255),
    modified_at timestamp,
    rpc_current_version varchar(36),
    object_current_version varchar(36),
    replication_status varchar(36),
    frozen boolean,
    active_backend_id varchar(255),
    cluster_name varchar(255),
    uuid varchar(36),
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX services_uuid_idx ON services (uuid);

CREATE TABLE clusters (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id serial,
    name varchar(255) NOT NULL,
    "binary" varchar(255) NOT NULL,
    disabled boolean,
    disabled_reason varchar(255),
    race_preventer integer NOT NULL,
    replication_status varchar(36),
    active_backend_id varchar(255),
    frozen boolean DEFAULT false NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (name, "binary", race_preventer)
);

CREATE TABLE workers (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id serial,
    resource_type varchar(40) NOT NULL,
    resource_id varchar(36) NOT NULL,
    status varchar(255) NOT NULL,
    service_id integer,
    race_preventer integer DEFAULT 0 NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (resource_type, resource_id),
    FOREIGN KEY (service_id) REFERENCES services(id)
);
CREATE INDEX ix_workers_service_id ON workers (service_id);

-- Volume types and what hangs on them.

CREATE TABLE quality_of_service_specs (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id varchar(36) NOT NULL,
    specs_id varchar(36),
    key varchar(255),
    value varchar(255),
    PRIMARY KEY (id),
    FOREIGN KEY (specs_id) REFERENCES quality_of_service_specs(id)
);
CREATE INDEX ix_quality_of_service_specs_specs_id ON quality_of_service_specs (specs_id);

CREATE TABLE volume_types (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id varchar(36) NOT NULL,
    name varchar(255),
    qos_specs_id varchar(36),
    is_public boolean,
    description varchar(255),
    PRIMARY KEY (id),
    FOREIGN KEY (qos_specs_id) REFERENCES quality_of_service_specs(id)
);
CREATE INDEX ix_volume_types_qos_specs_id ON volume_types (qos_specs_id);

CREATE TABLE volume_type_extra_specs (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id serial,
    volume_type_id varchar(36) NOT NULL,
    key varchar(255),
    value varchar(255),
    PRIMARY KEY (id),
    CONSTRAINT volume_type_extra_specs_ibfk_1 FOREIGN KEY (volume_type_id) REFERENCES volume_types(id)
);
CREATE INDEX ix_volume_type_extra_specs_volume_type_id ON volume_type_extra_specs (volume_type_id);

CREATE TABLE volume_type_projects (
    id serial,
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    volume_type_id varchar(36),
    project_id varchar(255),
    deleted integer,
    PRIMARY KEY (id),
    UNIQUE (volume_type_id, project_id, deleted),
    FOREIGN KEY (volume_type_id) REFERENCES volume_types(id)
);

CREATE TABLE default_volume_types (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    volume_type_id varchar(36),
    project_id varchar(255) NOT NULL,
    deleted boolean,
    PRIMARY KEY (project_id),
    FOREIGN KEY (volume_type_id) REFERENCES volume_types(id)
);
CREATE INDEX ix_default_volume_types_volume_type_id ON default_volume_types (volume_type_id);

CREATE TABLE encryption (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    cipher varchar(255),
    control_location varchar(255) NOT NULL,
    key_size integer,
    provider varchar(255) NOT NULL,
    volume_type_id varchar(36) NOT NULL,
    encryption_id varchar(36) NOT NULL,
    PRIMARY KEY (encryption_id)
);

-- Groups, their types and snapshots; the older consistency groups.

CREATE TABLE group_types (
    id varchar(36) NOT NULL,
    name varchar(255) NOT NULL,
    description varchar(255),
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    is_public boolean,
    PRIMARY KEY (id)
);

CREATE TABLE group_type_specs (
    id serial,
    key varchar(255),
    value varchar(255),
    group_type_id varchar(36) NOT NULL,
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    PRIMARY KEY (id),
    FOREIGN KEY (group_type_id) REFERENCES group_types(id)
);
CREATE INDEX ix_group_type_specs_group_type_id ON group_type_specs (group_type_id);

CREATE TABLE group_type_projects (
    id serial,
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    group_type_id varchar(36),
    project_id varchar(255),
    deleted boolean,
    PRIMARY KEY (id),
    UNIQUE (group_type_id, project_id, deleted),
    FOREIGN KEY (group_type_id) REFERENCES group_types(id)
);

CREATE TABLE groups (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
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
    PRIMARY KEY (id)
);
CREATE INDEX groups_deleted_project_id_idx ON groups (deleted, project_id);

CREATE TABLE group_volume_type_mapping (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id serial,
    volume_type_id varchar(36) NOT NULL,
    group_id varchar(36) NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (group_id) REFERENCES groups(id),
    FOREIGN KEY (volume_type_id) REFERENCES volume_types(id)
);
CREATE INDEX ix_group_volume_type_mapping_group_id ON group_volume_type_mapping (group_id);
CREATE INDEX ix_group_volume_type_mapping_volume_type_id ON group_volume_type_mapping (volume_type_id);

CREATE TABLE group_snapshots (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id varchar(36) NOT NULL,
    group_id varchar(36) NOT NULL,
    user_id varchar(255),
    project_id varchar(255),
    name varchar(255),
    description varchar(255),
    status varchar(255),
    group_type_id varchar(36),
    PRIMARY KEY (id),
    FOREIGN KEY (group_id) REFERENCES groups(id)
);
CREATE INDEX group_snapshots_deleted_project_id_idx ON group_snapshots (deleted, project_id);
CREATE INDEX ix_group_snapshots_group_id ON group_snapshots (group_id);

CREATE TABLE consistencygroups (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
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
    PRIMARY KEY (id)
);

CREATE TABLE cgsnapshots (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id varchar(36) NOT NULL,
    consistencygroup_id varchar(36) NOT NULL,
    user_id varchar(255),
    project_id varchar(255),
    name varchar(255),
    description varchar(255),
    status varchar(255),
    PRIMARY KEY (id),
    FOREIGN KEY (consistencygroup_id) REFERENCES consistencygroups(id)
);
CREATE INDEX ix_cgsnapshots_consistencygroup_id ON cgsnapshots (consistencygroup_id);

-- Volumes, snapshots and their metadata.

CREATE TABLE volumes (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id varchar(36) NOT NULL,
    ec2_id varchar(255),
    user_id varchar(255),
    project_id varchar(255),
    host varchar(255),
    size integer,
    availability_zone varchar(255),
    status varchar(255),
    attach_status varchar(255),
    scheduled_at timestamp,
    launched_at timestamp,
    terminated_at timestamp,
    display_name varchar(255),
    display_description varchar(255),
    provider_location varchar(256),
    provider_auth varchar(256),
    snapshot_id varchar(36),
    volume_type_id varchar(36) NOT NULL,
    source_volid varchar(36),
    bootable boolean,
    provider_geometry varchar(255),
    _name_id varchar(36),
    encryption_key_id varchar(36),
    migration_status varchar(255),
    replication_status varchar(255),
    replication_extended_status varchar(255),
    replication_driver_data varchar(255),
    consistencygroup_id varchar(36),
    provider_id varchar(255),
    multiattach boolean,
    previous_status varchar(255),
    cluster_name varchar(255),
    group_id varchar(36),
    service_uuid varchar(36),
    shared_targets boolean,
    use_quota boolean DEFAULT true NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (consistencygroup_id) REFERENCES consistencygroups(id),
    FOREIGN KEY (group_id) REFERENCES groups(id),
    FOREIGN KEY (service_uuid) REFERENCES services(uuid)
);
CREATE INDEX ix_volumes_consistencygroup_id ON volumes (consistencygroup_id);
CREATE INDEX ix_volumes_group_id ON volumes (group_id);
CREATE INDEX volumes_deleted_host_idx ON volumes (deleted, host);
CREATE INDEX volumes_deleted_project_id_idx ON volumes (deleted, project_id);
CREATE INDEX volumes_service_uuid_idx ON volumes (service_uuid, deleted);

CREATE TABLE volume_metadata (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id serial,
    volume_id varchar(36) NOT NULL,
    key varchar(255),
    value varchar(255),
    PRIMARY KEY (id),
    FOREIGN KEY (volume_id) REFERENCES volumes(id)
);
CREATE INDEX ix_volume_metadata_volume_id ON volume_metadata (volume_id);

CREATE TABLE volume_admin_metadata (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id serial,
    volume_id varchar(36) NOT NULL,
    key varchar(255),
    value varchar(255),
    PRIMARY KEY (id),
    FOREIGN KEY (volume_id) REFERENCES volumes(id)
);
CREATE INDEX ix_volume_admin_metadata_volume_id ON volume_admin_metadata (volume_id);

CREATE TABLE volume_attachment (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id varchar(36) NOT NULL,
    volume_id varchar(36) NOT NULL,
    attached_host varchar(255),
    instance_uuid varchar(36),
    mountpoint varchar(255),
    attach_time timestamp,
    detach_time timestamp,
    attach_mode varchar(36),
    attach_status varchar(255),
    connection_info text,
    connector text,
    PRIMARY KEY (id),
    FOREIGN KEY (volume_id) REFERENCES volumes(id)
);
CREATE INDEX ix_volume_attachment_volume_id ON volume_attachment (volume_id);

CREATE TABLE attachment_specs (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id serial,
    attachment_id varchar(36) NOT NULL,
    key varchar(255),
    value varchar(255),
    PRIMARY KEY (id),
    FOREIGN KEY (attachment_id) REFERENCES volume_attachment(id)
);
CREATE INDEX ix_attachment_specs_attachment_id ON attachment_specs (attachment_id);

CREATE TABLE snapshots (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id varchar(36) NOT NULL,
    volume_id varchar(36) NOT NULL,
    user_id varchar(255),
    project_id varchar(255),
    status varchar(255),
    progress varchar(255),
    volume_size integer,
    scheduled_at timestamp,
    display_name varchar(255),
    display_description varchar(255),
    provider_location varchar(255),
    encryption_key_id varchar(36),
    volume_type_id varchar(36) NOT NULL,
    cgsnapshot_id varchar(36),
    provider_id varchar(255),
    provider_auth varchar(255),
    group_snapshot_id varchar(36),
    use_quota boolean DEFAULT true NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (cgsnapshot_id) REFERENCES cgsnapshots(id),
    FOREIGN KEY (group_snapshot_id) REFERENCES group_snapshots(id),
    FOREIGN KEY (volume_id) REFERENCES volumes(id)
);
CREATE INDEX ix_snapshots_cgsnapshot_id ON snapshots (cgsnapshot_id);
CREATE INDEX ix_snapshots_group_snapshot_id ON snapshots (group_snapshot_id);
CREATE INDEX ix_snapshots_volume_id ON snapshots (volume_id);
CREATE INDEX snapshots_deleted_project_id_idx ON snapshots (deleted, project_id);

CREATE TABLE snapshot_metadata (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id serial,
    snapshot_id varchar(36) NOT NULL,
    key varchar(255),
    value varchar(255),
    PRIMARY KEY (id),
    FOREIGN KEY (snapshot_id) REFERENCES snapshots(id)
);
CREATE INDEX ix_snapshot_metadata_snapshot_id ON snapshot_metadata (snapshot_id);

CREATE TABLE volume_glance_metadata (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id serial,
    volume_id varchar(36),
    snapshot_id varchar(36),
    key varchar(255),
    value text,
    PRIMARY KEY (id),
    FOREIGN KEY (snapshot_id) REFERENCES snapshots(id),
    FOREIGN KEY (volume_id) REFERENCES volumes(id)
);
CREATE INDEX ix_volume_glance_metadata_snapshot_id ON volume_glance_metadata (snapshot_id);
CREATE INDEX ix_volume_glance_metadata_volume_id ON volume_glance_metadata (volume_id);

-- Cached images, transfers and backups.

CREATE TABLE image_volume_cache_entries (
    image_updated_at timestamp,
    id serial,
    host varchar(255) NOT NULL,
    image_id varchar(36) NOT NULL,
    volume_id varchar(36) NOT NULL,
    size integer NOT NULL,
    last_used timestamp NOT NULL,
    cluster_name varchar(255),
    PRIMARY KEY (id)
);
CREATE INDEX ix_image_volume_cache_entries_host ON image_volume_cache_entries (host);
CREATE INDEX ix_image_volume_cache_entries_image_id ON image_volume_cache_entries (image_id);

CREATE TABLE transfers (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id varchar(36) NOT NULL,
    volume_id varchar(36) NOT NULL,
    display_name varchar(255),
    salt varchar(255),
    crypt_hash varchar(255),
    expires_at timestamp,
    no_snapshots boolean,
    source_project_id varchar(255),
    destination_project_id varchar(255),
    accepted boolean,
    PRIMARY KEY (id),
    FOREIGN KEY (volume_id) REFERENCES volumes(id)
);
CREATE INDEX ix_transfers_volume_id ON transfers (volume_id);

CREATE TABLE backups (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
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
    size integer,
    object_count integer,
    parent_id varchar(36),
    temp_volume_id varchar(36),
    temp_snapshot_id varchar(36),
    num_dependent_backups integer,
    snapshot_id varchar(36),
    data_timestamp timestamp,
    restore_volume_id varchar(36),
    encryption_key_id varchar(36),
    PRIMARY KEY (id)
);
CREATE INDEX backups_deleted_project_id_idx ON backups (deleted, project_id);

CREATE TABLE backup_metadata (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id serial,
    backup_id varchar(36) NOT NULL,
    key varchar(255),
    value varchar(255),
    PRIMARY KEY (id),
    FOREIGN KEY (backup_id) REFERENCES backups(id)
);
CREATE INDEX ix_backup_metadata_backup_id ON backup_metadata (backup_id);

-- Quotas.

CREATE TABLE quotas (
    id serial,
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    project_id varchar(255),
    resource varchar(300) NOT NULL,
    hard_limit integer,
    allocated integer,
    PRIMARY KEY (id)
);

CREATE TABLE quota_classes (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id serial,
    class_name varchar(255),
    resource varchar(300),
    hard_limit integer,
    PRIMARY KEY (id)
);
CREATE INDEX ix_quota_classes_class_name ON quota_classes (class_name);

CREATE TABLE quota_usages (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id serial,
    project_id varchar(255),
    resource varchar(300),
    in_use integer NOT NULL,
    reserved integer NOT NULL,
    until_refresh integer,
    race_preventer boolean,
    PRIMARY KEY (id),
    UNIQUE (project_id, resource, race_preventer)
);
CREATE INDEX ix_quota_usages_project_id ON quota_usages (project_id);
CREATE INDEX quota_usage_project_resource_idx ON quota_usages (project_id, resource);

CREATE TABLE reservations (
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    id serial,
    uuid varchar(36) NOT NULL,
    usage_id integer,
    project_id varchar(255),
    resource varchar(300),
    delta integer NOT NULL,
    expire timestamp,
    allocated_id integer,
    PRIMARY KEY (id),
    FOREIGN KEY (allocated_id) REFERENCES quotas(id),
    FOREIGN KEY (usage_id) REFERENCES quota_usages(id)
);
CREATE INDEX ix_reservations_allocated_id ON reservations (allocated_id);
CREATE INDEX ix_reservations_project_id ON reservations (project_id);
CREATE INDEX ix_reservations_usage_id ON reservations (usage_id);
CREATE INDEX reservations_deleted_expire_idx ON reservations (deleted, expire);
CREATE INDEX reservations_deleted_uuid_idx ON reservations (deleted, uuid);

-- Messages to users; what drivers remember per initiator.

CREATE TABLE messages (
    id varchar(36) NOT NULL,
    project_id varchar(255) NOT NULL,
    request_id varchar(255),
    resource_type varchar(36),
    resource_uuid varchar(255),
    event_id varchar(255) NOT NULL,
    message_level varchar(255) NOT NULL,
    created_at timestamp,
    updated_at timestamp,
    deleted_at timestamp,
    deleted boolean,
    expires_at timestamp,
    detail_id varchar(10),
    action_id varchar(10),
    PRIMARY KEY (id)
);
CREATE INDEX ix_messages_expires_at ON messages (expires_at);

CREATE TABLE driver_initiator_data (
    created_at timestamp,
    updated_at timestamp,
    id serial,
    initiator varchar(255) NOT NULL,
    namespace varchar(255) NOT NULL,
    key varchar(255) NOT NULL,
    value varchar(255),
    PRIMARY KEY (id),
    UNIQUE (initiator, namespace, key)
);
CREATE INDEX ix_driver_initiator_data_initiator ON driver_initiator_data (initiator);
