//! Rows of volume types and of what is hung on them: specs, QoS, encryption; and of group types.

use cinder_types::{GroupTypeId, QosSpecsId, VolumeTypeId};
use diesel::{Queryable, Selectable};

use crate::{
    rows::volume::Metadata,
    schema::{encryption, group_types, volume_types},
    timestamp::Timestamp,
};

/// A volume type, live or deleted, without its specs.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = volume_types)]
pub struct VolumeTypeRow {
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// The last change other than its deletion.
    pub updated_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Whether it is deleted.
    pub deleted: Option<bool>,
    /// Its key.
    pub id: VolumeTypeId,
    /// Its name.
    pub name: Option<String>,
    /// Its QoS specs.
    pub qos_specs_id: Option<QosSpecsId>,
    /// Whether every project may use it.
    pub is_public: Option<bool>,
    /// An operator's words about it.
    pub description: Option<String>,
}

/// A volume type with its live extra specs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeType {
    /// The row itself.
    pub row: VolumeTypeRow,
    /// What is asked of a back end.
    pub extra_specs: Metadata,
}

/// How volumes of a type are encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = encryption)]
pub struct EncryptionRow {
    /// The key of the row.
    pub encryption_id: String,
    /// The type that it belongs to.
    pub volume_type_id: VolumeTypeId,
    /// As in `aes-xts-plain64`.
    pub cipher: Option<String>,
    /// `front-end` or `back-end`.
    pub control_location: Option<String>,
    /// Bits.
    pub key_size: Option<i32>,
    /// As in `luks`.
    pub provider: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// The last change.
    pub updated_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Whether it is deleted.
    pub deleted: Option<bool>,
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

/// A group type, live or deleted, without its specs.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = group_types)]
pub struct GroupTypeRow {
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// The last change other than its deletion.
    pub updated_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Whether it is deleted.
    pub deleted: Option<bool>,
    /// Its key.
    pub id: GroupTypeId,
    /// Its name.
    pub name: String,
    /// An operator's words about it.
    pub description: Option<String>,
    /// Whether every project may use it.
    pub is_public: Option<bool>,
}

/// A group type with its live specs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupType {
    /// The row itself.
    pub row: GroupTypeRow,
    /// What is asked of a back end.
    pub specs: Metadata,
}
