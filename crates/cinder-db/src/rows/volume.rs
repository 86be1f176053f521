//! Rows of table `volumes`, and a volume with what belongs to it.

use std::collections::BTreeMap;

use cinder_types::{
    ConsistencyGroupId, GroupId, KeyId, ProjectId, ServiceUuid, SnapshotId, UserId, VolumeId,
    VolumeTypeId,
};
use diesel::{AppearsOnTable, Queryable, Selectable, SelectableExpression};

use crate::{
    changes::{OfTable, changes},
    rows::{
        attachment::AttachmentRow,
        group::{ConsistencyGroupRow, GroupRow},
        secret::SecretText,
        volume_type::VolumeType,
    },
    schema::{volume_extras, volumes},
    timestamp::Timestamp,
};

/// Columns of the second view of table `volumes` are columns of the first (`schema.rs`).
macro_rules! columns_of_volumes {
    ($($column:ident)+) => {$(
        impl SelectableExpression<volumes::table> for volume_extras::$column {}
        impl AppearsOnTable<volumes::table> for volume_extras::$column {}
        impl OfTable<volumes::table> for volume_extras::$column {}
    )+};
}

columns_of_volumes! {
    ec2_id scheduled_at terminated_at provider_geometry replication_status
    replication_extended_status replication_driver_data consistencygroup_id previous_status
}

/// One row with more columns than Diesel takes at once: read in two parts, shown as one struct.
macro_rules! row_in_two_parts {
    (
        $(#[$about:meta])*
        pub struct $row:ident
        $first:ident { $($(#[$first_doc:meta])+ $first_field:ident: $first_type:ty,)+ }
        $second:ident { $($(#[$second_doc:meta])+ $second_field:ident: $second_type:ty,)+ }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $row {
            $($(#[$first_doc])+ pub $first_field: $first_type,)+
            $($(#[$second_doc])+ pub $second_field: $second_type,)+
        }

        #[derive(Debug, Queryable, Selectable)]
        #[diesel(table_name = volumes)]
        pub(crate) struct $first {
            $($first_field: $first_type,)+
        }

        #[derive(Debug, Queryable, Selectable)]
        #[diesel(table_name = volume_extras)]
        pub(crate) struct $second {
            $($second_field: $second_type,)+
        }

        impl From<($first, $second)> for $row {
            fn from((first, second): ($first, $second)) -> Self {
                Self {
                    $($first_field: first.$first_field,)+
                    $($second_field: second.$second_field,)+
                }
            }
        }
    };
}

row_in_two_parts! {
    /// A volume, live or deleted, without what other tables know of it.
    pub struct VolumeRow
    FirstPart {
        /// When the API made it.
        created_at: Option<Timestamp>,
        /// The last change other than its deletion.
        updated_at: Option<Timestamp>,
        /// When it was deleted.
        deleted_at: Option<Timestamp>,
        /// Whether it is deleted; such rows stay for accounting.
        deleted: Option<bool>,
        /// Its key.
        id: VolumeId,
        /// Who owns it.
        user_id: Option<UserId>,
        /// The project that pays for it.
        project_id: Option<ProjectId>,
        /// `host@backend#pool`; `None` before a scheduler chose.
        host: Option<String>,
        /// GiB.
        size: Option<i32>,
        /// Where it is.
        availability_zone: Option<String>,
        /// What is being done with it, as in `creating`, `in-use`.
        status: Option<String>,
        /// As in `detached`, `attached`.
        attach_status: Option<String>,
        /// When its creation was complete.
        launched_at: Option<Timestamp>,
        /// The owner's name for it.
        display_name: Option<String>,
        /// The owner's words about it.
        display_description: Option<String>,
        /// The driver's note: where the data is.
        provider_location: Option<String>,
        /// The driver's note: how to log in to the target. A secret.
        provider_auth: Option<SecretText>,
        /// The snapshot it was made from.
        snapshot_id: Option<SnapshotId>,
        /// Its type; may be deleted meanwhile.
        volume_type_id: VolumeTypeId,
        /// The volume it was cloned from.
        source_volid: Option<VolumeId>,
        /// Whether an instance can start from it.
        bootable: Option<bool>,
        /// The id that its name on the back end is made of, if a migration changed that.
        name_id: Option<VolumeId>,
        /// The key of an encrypted volume.
        encryption_key_id: Option<KeyId>,
        /// The state of a migration; `target:` and an id in the volume that is to be the new one.
        migration_status: Option<String>,
        /// The driver's own id.
        provider_id: Option<String>,
        /// Whether it may have several attachments.
        multiattach: Option<bool>,
        /// `cluster@backend#pool`.
        cluster_name: Option<String>,
        /// The generic group it is in.
        group_id: Option<GroupId>,
        /// The service that looks after it.
        service_uuid: Option<String>,
        /// Whether initiators have to lock targets; `None` means always.
        shared_targets: Option<bool>,
        /// Whether it counts for its project's quota.
        use_quota: bool,
    }
    SecondPart {
        /// Unused.
        ec2_id: Option<String>,
        /// When a scheduler chose a host.
        scheduled_at: Option<Timestamp>,
        /// When the API was asked to delete it.
        terminated_at: Option<Timestamp>,
        /// The driver's note about its geometry.
        provider_geometry: Option<String>,
        /// State of its replication.
        replication_status: Option<String>,
        /// The driver's words about that.
        replication_extended_status: Option<String>,
        /// The driver's data about that.
        replication_driver_data: Option<String>,
        /// The consistency group it is in. Never the id of a generic group.
        consistencygroup_id: Option<ConsistencyGroupId>,
        /// What the status was before the operation that runs.
        previous_status: Option<String>,
    }
}

impl VolumeRow {
    /// The service that looks after it.
    #[must_use]
    pub fn service(&self) -> Option<ServiceUuid> {
        self.service_uuid.as_deref().map(ServiceUuid::new)
    }
}

/// Keys and values; a value may be NULL.
pub type Metadata = BTreeMap<String, Option<String>>;

/// A volume with all that an operation looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// The row itself.
    pub row: VolumeRow,
    /// What users note.
    pub metadata: Metadata,
    /// What the service notes, as `readonly` and `attached_mode`.
    pub admin_metadata: Metadata,
    /// Its type with extra specs; `None` if the type is deleted.
    pub volume_type: Option<VolumeType>,
    /// Its live attachments, oldest first.
    pub attachments: Vec<AttachmentRow>,
    /// The generic group it is in, live or deleted.
    pub group: Option<GroupRow>,
    /// The consistency group it is in, live or deleted.
    pub consistency_group: Option<ConsistencyGroupRow>,
}

changes! {
    /// What an operation changes in a volume.
    pub struct VolumeChange of volumes, VolumeRow {
        /// See [`VolumeRow::user_id`].
        user_id: Option<UserId> = volumes::user_id,
        /// See [`VolumeRow::project_id`].
        project_id: Option<ProjectId> = volumes::project_id,
        /// See [`VolumeRow::host`].
        host: Option<String> = volumes::host,
        /// See [`VolumeRow::size`].
        size: Option<i32> = volumes::size,
        /// See [`VolumeRow::availability_zone`].
        availability_zone: Option<String> = volumes::availability_zone,
        /// See [`VolumeRow::status`].
        status: Option<String> = volumes::status,
        /// See [`VolumeRow::attach_status`].
        attach_status: Option<String> = volumes::attach_status,
        /// See [`VolumeRow::launched_at`].
        launched_at: Option<Timestamp> = volumes::launched_at,
        /// See [`VolumeRow::display_name`].
        display_name: Option<String> = volumes::display_name,
        /// See [`VolumeRow::display_description`].
        display_description: Option<String> = volumes::display_description,
        /// See [`VolumeRow::provider_location`].
        provider_location: Option<String> = volumes::provider_location,
        /// See [`VolumeRow::provider_auth`].
        provider_auth: Option<SecretText> = volumes::provider_auth,
        /// See [`VolumeRow::snapshot_id`].
        snapshot_id: Option<SnapshotId> = volumes::snapshot_id,
        /// See [`VolumeRow::volume_type_id`].
        volume_type_id: VolumeTypeId = volumes::volume_type_id,
        /// See [`VolumeRow::source_volid`].
        source_volid: Option<VolumeId> = volumes::source_volid,
        /// See [`VolumeRow::bootable`].
        bootable: Option<bool> = volumes::bootable,
        /// See [`VolumeRow::name_id`].
        name_id: Option<VolumeId> = volumes::name_id,
        /// See [`VolumeRow::encryption_key_id`].
        encryption_key_id: Option<KeyId> = volumes::encryption_key_id,
        /// See [`VolumeRow::migration_status`].
        migration_status: Option<String> = volumes::migration_status,
        /// See [`VolumeRow::provider_id`].
        provider_id: Option<String> = volumes::provider_id,
        /// See [`VolumeRow::multiattach`].
        multiattach: Option<bool> = volumes::multiattach,
        /// See [`VolumeRow::cluster_name`].
        cluster_name: Option<String> = volumes::cluster_name,
        /// See [`VolumeRow::group_id`].
        group_id: Option<GroupId> = volumes::group_id,
        /// See [`VolumeRow::service_uuid`]; has to stand in table `services`.
        service_uuid: Option<String> = volumes::service_uuid,
        /// See [`VolumeRow::shared_targets`].
        shared_targets: Option<bool> = volumes::shared_targets,
        /// See [`VolumeRow::use_quota`].
        use_quota: bool = volumes::use_quota,
        /// See [`VolumeRow::scheduled_at`].
        scheduled_at: Option<Timestamp> = volume_extras::scheduled_at,
        /// See [`VolumeRow::terminated_at`].
        terminated_at: Option<Timestamp> = volume_extras::terminated_at,
        /// See [`VolumeRow::provider_geometry`].
        provider_geometry: Option<String> = volume_extras::provider_geometry,
        /// See [`VolumeRow::replication_status`].
        replication_status: Option<String> = volume_extras::replication_status,
        /// See [`VolumeRow::replication_extended_status`].
        replication_extended_status: Option<String> = volume_extras::replication_extended_status,
        /// See [`VolumeRow::replication_driver_data`].
        replication_driver_data: Option<String> = volume_extras::replication_driver_data,
        /// See [`VolumeRow::consistencygroup_id`].
        consistencygroup_id: Option<ConsistencyGroupId> = volume_extras::consistencygroup_id,
        /// See [`VolumeRow::previous_status`].
        previous_status: Option<String> = volume_extras::previous_status,
    }
}
