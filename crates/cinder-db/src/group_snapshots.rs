//! Snapshots of generic groups.
//!
//! Must not: judge a status; see [`volumes`](crate::volumes).

use cinder_types::GroupSnapshotId;

use crate::{
    cas,
    connection::Connection,
    error::DbError,
    queries::group_snapshots as queries,
    timestamp::Timestamp,
    transaction::{self, single},
};

pub use crate::rows::group_snapshot::{Change, GroupSnapshot};

cas::columns! {
    GroupSnapshot in "group_snapshots" {
        STATUS: Text = group_snapshots::status,
        GROUP_ID: Text = group_snapshots::group_id,
        UPDATED_AT: Time = group_snapshots::updated_at,
    }
}

/// The live group snapshot with that key.
pub fn get(
    connection: &mut Connection,
    id: &GroupSnapshotId,
) -> Result<Option<GroupSnapshot>, DbError> {
    let row = queries::row(connection.native()?, id.as_str())?;
    Ok(row.filter(|row| row.deleted == Some(false)))
}

/// Changes a live group snapshot.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub fn update(
    connection: &mut Connection,
    id: &GroupSnapshotId,
    change: &Change,
) -> Result<(), DbError> {
    let row = queries::live(id.as_str());
    transaction::change(connection, ("group snapshot", id.as_str()), &row, change)
}

/// Soft-deletes a group snapshot; returns whether it was live. Its members are deleted one by
/// one before.
pub fn delete(connection: &mut Connection, id: &GroupSnapshotId) -> Result<bool, DbError> {
    let now = Timestamp::now();
    single(connection, |native| Ok(queries::delete(native, id.as_str(), now)?))
}
