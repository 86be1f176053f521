//! The tables and columns that are compared and swapped.
//!
//! Names and types come from the schema; a column is added here when somebody needs it.

use super::column::{Column, Number, Swappable, Text, Time, Truth};
use crate::schema;

macro_rules! tables {
    ($($(#[$about:meta])* $module:ident, $marker:ident, $table:literal {
        $($name:ident: $kind:ident = $of:ident::$column:ident,)*
    })*) => {
        $(
            $(#[$about])*
            pub mod $module {
                use super::*;

                /// The table.
                #[derive(Debug, Clone, Copy)]
                pub enum $marker {}

                impl Swappable for $marker {
                    const NAME: &'static str = $table;
                }

                $(
                    #[doc = concat!("Column `", stringify!($column), "`.")]
                    pub const $name: Column<$marker, $kind> =
                        Column::of::<schema::$of::$column>();
                )*
            }
        )*
    };
}

tables! {
    /// Table `volumes`.
    volumes, Volumes, "volumes" {
        STATUS: Text = volumes::status,
        PREVIOUS_STATUS: Text = volume_extras::previous_status,
        MIGRATION_STATUS: Text = volumes::migration_status,
        ATTACH_STATUS: Text = volumes::attach_status,
        HOST: Text = volumes::host,
        CLUSTER_NAME: Text = volumes::cluster_name,
        GROUP_ID: Text = volumes::group_id,
        REPLICATION_STATUS: Text = volume_extras::replication_status,
        SIZE: Number = volumes::size,
        MULTIATTACH: Truth = volumes::multiattach,
        UPDATED_AT: Time = volumes::updated_at,
    }
    /// Table `snapshots`.
    snapshots, Snapshots, "snapshots" {
        STATUS: Text = snapshots::status,
        PROGRESS: Text = snapshots::progress,
        VOLUME_ID: Text = snapshots::volume_id,
        GROUP_SNAPSHOT_ID: Text = snapshots::group_snapshot_id,
        UPDATED_AT: Time = snapshots::updated_at,
    }
    /// Table `volume_attachment`.
    attachments, Attachments, "volume_attachment" {
        ATTACH_STATUS: Text = volume_attachment::attach_status,
        VOLUME_ID: Text = volume_attachment::volume_id,
        INSTANCE_UUID: Text = volume_attachment::instance_uuid,
        UPDATED_AT: Time = volume_attachment::updated_at,
    }
    /// Table `groups`.
    groups, Groups, "groups" {
        STATUS: Text = groups::status,
        REPLICATION_STATUS: Text = groups::replication_status,
        HOST: Text = groups::host,
        UPDATED_AT: Time = groups::updated_at,
    }
    /// Table `group_snapshots`.
    group_snapshots, GroupSnapshots, "group_snapshots" {
        STATUS: Text = group_snapshots::status,
        GROUP_ID: Text = group_snapshots::group_id,
        UPDATED_AT: Time = group_snapshots::updated_at,
    }
}
