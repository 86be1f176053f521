//! Rows of table `volumes`, and a volume with what belongs to it.

use cinder_types::{
    AttachStatus, ConsistencyGroupId, GroupId, KeyId, MigrationStatus, ProjectId,
    ReplicationStatus, Secret, ServiceUuid, SnapshotId, UserId, VolumeId, VolumeStatus,
    VolumeTypeId,
};
use diesel::{AppearsOnTable, Queryable, Selectable, SelectableExpression};

use crate::{
    changes::{OfTable, changes},
    rows::{
        attachment::Attachment, consistency_group::ConsistencyGroup, group::Group,
        metadata::Metadata, volume_type::VolumeType,
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

/// One row with more columns than Diesel takes at once: read in two parts, shown as one struct; and
/// the change of those columns that may change.
macro_rules! row_in_two_parts {
    (
        $(#[$about:meta])*
        pub struct $row:ident
        $(#[$change_about:meta])*
        pub struct $change:ident
        $first:ident {
            fixed { $($(#[$first_doc:meta])+ $first_field:ident: $first_type:ty,)+ }
            changed { $($(#[$first_new_doc:meta])+ $first_new:ident: $first_new_type:ty,)+ }
        }
        $second:ident {
            fixed { $($(#[$second_doc:meta])+ $second_field:ident: $second_type:ty,)+ }
            changed { $($(#[$second_new_doc:meta])+ $second_new:ident: $second_new_type:ty,)+ }
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $row {
            $($(#[$first_doc])+ pub $first_field: $first_type,)+
            $($(#[$first_new_doc])+ pub $first_new: $first_new_type,)+
            $($(#[$second_doc])+ pub $second_field: $second_type,)+
            $($(#[$second_new_doc])+ pub $second_new: $second_new_type,)+
        }

        #[derive(Debug, Queryable, Selectable)]
        #[diesel(table_name = volumes)]
        pub(crate) struct $first {
            $($first_field: $first_type,)+
            $($first_new: $first_new_type,)+
        }

        #[derive(Debug, Queryable, Selectable)]
        #[diesel(table_name = volume_extras)]
        pub(crate) struct $second {
            $($second_field: $second_type,)+
            $($second_new: $second_new_type,)+
        }

        impl From<($first, $second)> for $row {
            fn from((first, second): ($first, $second)) -> Self {
                Self {
                    $($first_field: first.$first_field,)+
                    $($first_new: first.$first_new,)+
                    $($second_field: second.$second_field,)+
                    $($second_new: second.$second_new,)+
                }
            }
        }

        changes! {
            $(#[$change_about])*
            pub struct $change of volumes, $row {
                $($(#[$first_new_doc])+ $first_new: $first_new_type = volumes::$first_new,)+
                $(
                    $(#[$second_new_doc])+
                    $second_new: $second_new_type = volume_extras::$second_new,
                )+
            }
        }
    };
}

row_in_two_parts! {
    /// A volume, live or deleted, without what other tables know of it.
    pub struct Row
    /// What an operation changes in a volume.
    pub struct Change
    FirstPart {
        fixed {
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
        }
        changed {
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
            status: Option<VolumeStatus>,
            /// As in `detached`, `attached`.
            attach_status: Option<AttachStatus>,
            /// When its creation was complete.
            launched_at: Option<Timestamp>,
            /// The owner's name for it.
            display_name: Option<String>,
            /// The owner's words about it.
            display_description: Option<String>,
            /// The driver's note: where the data is.
            provider_location: Option<String>,
            /// The driver's note: how to log in to the target. A secret.
            provider_auth: Option<Secret>,
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
            migration_status: Option<MigrationStatus>,
            /// The driver's own id.
            provider_id: Option<String>,
            /// Whether it may have several attachments.
            multiattach: Option<bool>,
            /// `cluster@backend#pool`.
            cluster_name: Option<String>,
            /// The generic group it is in.
            group_id: Option<GroupId>,
            /// The service that looks after it; has to stand in table `services`.
            service_uuid: Option<String>,
            /// Whether initiators have to lock targets; `None` means always.
            shared_targets: Option<bool>,
            /// Whether it counts for its project's quota.
            use_quota: bool,
        }
    }
    SecondPart {
        fixed {
            /// Unused.
            ec2_id: Option<String>,
        }
        changed {
            /// When a scheduler chose a host.
            scheduled_at: Option<Timestamp>,
            /// When the API was asked to delete it.
            terminated_at: Option<Timestamp>,
            /// The driver's note about its geometry.
            provider_geometry: Option<String>,
            /// State of its replication.
            replication_status: Option<ReplicationStatus>,
            /// The driver's words about that.
            replication_extended_status: Option<String>,
            /// The driver's data about that.
            replication_driver_data: Option<String>,
            /// The consistency group it is in. Never the id of a generic group.
            consistencygroup_id: Option<ConsistencyGroupId>,
            /// What the status was before the operation that runs.
            previous_status: Option<VolumeStatus>,
        }
    }
}

impl Row {
    /// The service that looks after it.
    #[must_use]
    pub fn service(&self) -> Option<ServiceUuid> {
        self.service_uuid.as_deref().map(ServiceUuid::new)
    }
}

/// A volume with all that an operation looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// The row itself.
    pub row: Row,
    /// What users note.
    pub metadata: Metadata,
    /// What the service notes, as `readonly` and `attached_mode`.
    pub admin_metadata: Metadata,
    /// Its type with extra specs; `None` if the type is deleted.
    pub volume_type: Option<VolumeType>,
    /// Its live attachments, oldest first.
    pub attachments: Vec<Attachment>,
    /// The generic group it is in, live or deleted.
    pub group: Option<Group>,
    /// The consistency group it is in, live or deleted.
    pub consistency_group: Option<ConsistencyGroup>,
}

/// Which volumes are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of<'a> {
    /// Those of a `host`, a `host@backend` with all its pools, or one `host@backend#pool`.
    Host(&'a str),
    /// The same with a cluster's name.
    Cluster(&'a str),
    /// Those in a generic group.
    Group(&'a GroupId),
}

/// A volume that this service makes for itself: the target of a migration, a temporary copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Its key.
    pub id: VolumeId,
    /// Its type; every volume has one.
    pub volume_type_id: VolumeTypeId,
    /// Everything else. What is not set gets the default that upstream's client gives it.
    pub columns: Change,
    /// What users note.
    pub metadata: Metadata,
    /// What the service notes.
    pub admin_metadata: Metadata,
}

/// A change of a volume, with what other tables hold of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Update {
    /// Its columns.
    pub columns: Change,
    /// If set, all its notes afterwards: others are deleted.
    pub metadata: Option<Metadata>,
    /// The same for the service's notes.
    pub admin_metadata: Option<Metadata>,
}

impl From<Change> for Update {
    fn from(columns: Change) -> Self {
        Self { columns, ..Self::default() }
    }
}
