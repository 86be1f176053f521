//! Types of volumes and what they promise. Only tables.

objects! {
    /// A volume type.
    VolumeType "1.3" {
        created_at: Moment nullable,
        deleted: Boolean nullable = false,
        deleted_at: Moment nullable,
        description: Text nullable,
        extra_specs: NullableTexts nullable,
        id: Uuid required,
        is_public: Boolean nullable = true,
        name: Text nullable,
        projects: TextList nullable,
        qos_specs: Object<QualityOfServiceSpecs> nullable,
        qos_specs_id: Uuid nullable,
        updated_at: Moment nullable,
    }
    /// A list of such.
    VolumeTypeList "1.1" {
        objects: Many<VolumeType> required,
    }
    /// A set of `QoS` specs.
    QualityOfServiceSpecs "1.0" {
        consumer: QosConsumer required = "back-end",
        created_at: Moment nullable,
        deleted: Boolean nullable = false,
        deleted_at: Moment nullable,
        id: Uuid required,
        name: Text required,
        specs: NullableTexts nullable,
        updated_at: Moment nullable,
        volume_types: Object<VolumeTypeList> nullable,
    }
    /// A list of such.
    QualityOfServiceSpecsList "1.0" {
        objects: Many<QualityOfServiceSpecs> required,
    }
}
