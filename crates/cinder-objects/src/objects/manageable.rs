//! What is on the storage and in no row. Only tables.

objects! {
    /// A volume on the storage that could be managed.
    ManageableVolume "1.0" {
        cinder_id: Uuid nullable,
        extra_info: NullableTexts nullable,
        reason_not_safe: Text nullable,
        reference: NullableTexts required,
        safe_to_manage: Boolean nullable = false,
        size: Integer nullable,
    }
    /// A list of such.
    ManageableVolumeList "1.0" {
        objects: Many<ManageableVolume> required,
    }
    /// A snapshot on the storage that could be managed.
    ManageableSnapshot "1.0" {
        cinder_id: Uuid nullable,
        extra_info: NullableTexts nullable,
        reason_not_safe: Text nullable,
        reference: NullableTexts required,
        safe_to_manage: Boolean nullable = false,
        size: Integer nullable,
        source_reference: NullableTexts required,
    }
    /// A list of such.
    ManageableSnapshotList "1.0" {
        objects: Many<ManageableSnapshot> required,
    }
}
