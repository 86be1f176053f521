-- The rows that upstream's migrations of 29.0.0 insert, for test databases on servers.
--
-- One text for MySQL and PostgreSQL: the former with ANSI_QUOTES in its sql_mode. All columns are
-- named, because a later release may have added some.

INSERT INTO alembic_version (version_num) VALUES ('9c74c1c6971f');

INSERT INTO quota_classes (created_at, deleted, class_name, resource, hard_limit) VALUES
    (CURRENT_TIMESTAMP, false, 'default', 'volumes', 10),
    (CURRENT_TIMESTAMP, false, 'default', 'snapshots', 10),
    (CURRENT_TIMESTAMP, false, 'default', 'gigabytes', 1000),
    (CURRENT_TIMESTAMP, false, 'default', 'per_volume_gigabytes', -1),
    (CURRENT_TIMESTAMP, false, 'default', 'groups', 10),
    (CURRENT_TIMESTAMP, false, 'default', 'backups', 10),
    (CURRENT_TIMESTAMP, false, 'default', 'backup_gigabytes', 1000);

INSERT INTO volume_types (created_at, updated_at, deleted, id, name, description, is_public) VALUES
    (CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, false, '6d8cf3b4-53a3-4f3c-9c8c-3f0c6c1e2a01',
     '__DEFAULT__', 'Default Volume Type', true);

INSERT INTO group_types (id, name, description, created_at, updated_at, deleted, is_public) VALUES
    ('6d8cf3b4-53a3-4f3c-9c8c-3f0c6c1e2a02', 'default_cgsnapshot_type',
     'Default group type for migrating cgsnapshot', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, false,
     true);

INSERT INTO workers (created_at, updated_at, deleted, resource_type, resource_id, status,
                     race_preventer) VALUES
    ('2026-01-01 00:00:00.000123', '2026-01-01 00:00:00.000123', false, 'SENTINEL', 'SUB-SECOND',
     'OK', 0);

INSERT INTO group_type_specs ("key", value, group_type_id, created_at, updated_at, deleted) VALUES
    ('consistent_group_snapshot_enabled', '<is> True', '6d8cf3b4-53a3-4f3c-9c8c-3f0c6c1e2a02',
     CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, false);
