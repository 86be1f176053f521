//! How the ids of `cinder-types` are read from a text column and written into one.
//!
//! Must not: check them. Whatever stands in a row is an id.

use cinder_types::{
    AttachmentId, BackupId, CgsnapshotId, ConsistencyGroupId, GroupId, GroupSnapshotId,
    GroupTypeId, ImageId, KeyId, ProjectId, QosSpecsId, SnapshotId, UserId, VolumeId, VolumeTypeId,
};
use diesel::{
    Queryable,
    deserialize::{self, FromSql},
    sql_types::{Nullable, Text},
};

use crate::{
    changes::Cell,
    dialect::{MultiBackend, MultiRawValue},
    statement::Value,
};

macro_rules! text_ids {
    ($($id:ident)+) => {$(
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
                Some(Value::Text(self.as_str().to_owned()))
            }
        }

        impl Cell<Nullable<Text>> for $id {
            fn value(&self) -> Option<Value> {
                Cell::<Text>::value(self)
            }
        }
    )+};
}

text_ids! {
    AttachmentId BackupId CgsnapshotId ConsistencyGroupId GroupId GroupSnapshotId GroupTypeId
    ImageId KeyId ProjectId QosSpecsId SnapshotId UserId VolumeId VolumeTypeId
}
