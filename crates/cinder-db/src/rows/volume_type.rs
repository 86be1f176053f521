//! Rows of volume types and of what is hung on them: specs, QoS, encryption.

use cinder_types::{QosSpecsId, VolumeTypeId};
use diesel::{Queryable, Selectable};

use crate::{
    rows::metadata::Metadata,
    schema::{encryption, quality_of_service_specs, volume_types},
    timestamp::Timestamp,
};

row! {
    /// A volume type, live or deleted, without its specs.
    pub struct Row of volume_types {
        /// Its key.
        id: VolumeTypeId,
        /// Its name.
        name: Option<String>,
        /// Its QoS specs.
        qos_specs_id: Option<QosSpecsId>,
        /// Whether every project may use it.
        is_public: Option<bool>,
        /// An operator's words about it.
        description: Option<String>,
    }
}

/// A volume type with its live extra specs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeType {
    /// The row itself.
    pub row: Row,
    /// What is asked of a back end.
    pub extra_specs: Metadata,
}

row! {
    /// How volumes of a type are encrypted.
    pub struct Encryption of encryption {
        /// The key of the row.
        encryption_id: String,
        /// The type that it belongs to.
        volume_type_id: VolumeTypeId,
        /// As in `aes-xts-plain64`.
        cipher: Option<String>,
        /// `front-end` or `back-end`.
        control_location: Option<String>,
        /// Bits.
        key_size: Option<i32>,
        /// As in `luks`.
        provider: Option<String>,
    }
}

/// QoS specs put together from their rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QosSpecs {
    /// Key of the row that names them.
    pub id: QosSpecsId,
    /// Their name.
    pub name: Option<String>,
    /// Who applies them: `front-end`, `back-end` or `both`.
    pub consumer: Option<String>,
    /// The specs themselves.
    pub specs: Metadata,
    /// When they were made.
    pub created_at: Option<Timestamp>,
    /// The last change to any of them.
    pub updated_at: Option<Timestamp>,
}

/// One of the rows that QoS specs are made of.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = quality_of_service_specs)]
pub(crate) struct QosRow {
    pub(crate) key: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) updated_at: Option<Timestamp>,
}
