//! How ids, statuses and secrets of `cinder-types` are read from a text column and written into one.
//!
//! Must not: check them. Whatever stands in a row is an id, or a status.

use cinder_types::{
    AttachStatus, AttachmentId, BackupId, BackupStatus, CgsnapshotId, ConsistencyGroupId, GroupId,
    GroupSnapshotId, GroupSnapshotStatus, GroupStatus, GroupTypeId, ImageId, KeyId,
    MigrationStatus, ProjectId, QosSpecsId, ReplicationStatus, Secret, SnapshotId, SnapshotStatus,
    UserId, VolumeId, VolumeStatus, VolumeTypeId,
};
use diesel::{
    Queryable,
    deserialize::{self, FromSql},
    sql_types::{Nullable, Text},
};

use crate::{
    cas,
    changes::Cell,
    dialect::{MultiBackend, MultiRawValue},
    statement::Value,
};

macro_rules! texts {
    ($text:ident: $($id:ident)+) => {$(
        impl FromSql<Text, MultiBackend> for $id {
            fn from_sql(value: MultiRawValue<'_>) -> deserialize::Result<Self> {
                value.from_sql::<String, Text>().map(Self::new)
            }
        }

        impl Queryable<Text, MultiBackend> for $id {
            type Row = Self;

            fn build(row: Self) -> deserialize::Result<Self> {
                Ok(row)
            }
        }

        impl Cell<Text> for $id {
            fn value(&self) -> Option<Value> {
                Some(Value::Text(self.$text().to_owned()))
            }
        }

        impl Cell<Nullable<Text>> for $id {
            fn value(&self) -> Option<Value> {
                Cell::<Text>::value(self)
            }
        }
    )+};
}

/// What `cas` may compare with as well.
macro_rules! operands {
    ($($id:ident)+) => {$(
        impl cas::ValueOf<cas::Text> for $id {
            fn into_value(self) -> cas::Operand {
                self.as_str().into_value()
            }
        }
    )+};
}

texts! { as_str:
    AttachmentId BackupId CgsnapshotId ConsistencyGroupId GroupId GroupSnapshotId GroupTypeId
    ImageId KeyId ProjectId QosSpecsId SnapshotId UserId VolumeId VolumeTypeId
}
texts! { as_str:
    AttachStatus BackupStatus GroupSnapshotStatus GroupStatus MigrationStatus ReplicationStatus
    SnapshotStatus VolumeStatus
}
texts! { reveal: Secret }

operands! {
    AttachStatus GroupId GroupSnapshotId GroupSnapshotStatus GroupStatus MigrationStatus
    ReplicationStatus SnapshotStatus VolumeId VolumeStatus
}
