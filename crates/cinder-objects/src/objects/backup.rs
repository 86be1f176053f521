//! Backups. Only tables.

use super::{Snapshot, Volume};

objects! {
    /// A backup of a volume or of a snapshot.
    Backup "1.7" {
        availability_zone: Text nullable,
        container: Text nullable,
        created_at: Moment nullable,
        data_timestamp: Moment nullable,
        deleted: Boolean nullable = false,
        deleted_at: Moment nullable,
        display_description: Text nullable,
        display_name: Text nullable,
        encryption_key_id: Text nullable,
        fail_reason: Text nullable,
        host: Text nullable,
        id: Uuid required,
        metadata: Texts nullable,
        num_dependent_backups: Integer nullable,
        object_count: Integer nullable,
        parent: Object<Backup> nullable,
        parent_id: Text nullable,
        project_id: Text required,
        restore_volume_id: Text nullable,
        service: Text nullable,
        service_metadata: Text nullable,
        size: Integer nullable,
        snapshot_id: Text nullable,
        status: BackupState nullable,
        temp_snapshot_id: Text nullable,
        temp_volume_id: Text nullable,
        updated_at: Moment nullable,
        user_id: Text required,
        volume_id: Uuid required,
    }
    /// A list of such.
    BackupList "1.0" {
        objects: Many<Backup> required,
    }
    /// A backup whose record comes from elsewhere.
    BackupImport "1.7" {
        availability_zone: Text nullable,
        container: Text nullable,
        created_at: Moment nullable,
        data_timestamp: Moment nullable,
        deleted: Boolean nullable = false,
        deleted_at: Moment nullable,
        display_description: Text nullable,
        display_name: Text nullable,
        encryption_key_id: Text nullable,
        fail_reason: Text nullable,
        host: Text nullable,
        id: Uuid required,
        metadata: Texts nullable,
        num_dependent_backups: Integer nullable,
        object_count: Integer nullable,
        parent: Object<Backup> nullable,
        parent_id: Text nullable,
        project_id: Text required,
        restore_volume_id: Text nullable,
        service: Text nullable,
        service_metadata: Text nullable,
        size: Integer nullable,
        snapshot_id: Text nullable,
        status: BackupState nullable,
        temp_snapshot_id: Text nullable,
        temp_volume_id: Text nullable,
        updated_at: Moment nullable,
        user_id: Text required,
        volume_id: Uuid required,
    }
    /// What a backup is to be read from: a volume or a snapshot.
    BackupDeviceInfo "1.0" {
        secure_enabled: Boolean required = false,
        snapshot: Object<Snapshot> nullable,
        volume: Object<Volume> nullable,
    }
}
