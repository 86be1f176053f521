//! Generic groups and their snapshots; the consistency groups before them are only read.
//!
//! Must not: judge a status; see [`volumes`](crate::volumes).

use cinder_types::{CgsnapshotId, ConsistencyGroupId, GroupId, GroupSnapshotId, VolumeTypeId};

use crate::{
    connection::Connection,
    error::DbError,
    queries::groups as queries,
    rows::group::{
        CgsnapshotRow, ConsistencyGroupRow, GroupChange, GroupRow, GroupSnapshotChange,
        GroupSnapshotRow,
    },
    timestamp::Timestamp,
    transaction::{self, single, write},
};

/// Which groups are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupsOf<'a> {
    /// Those of a `host`, a `host@backend` with all its pools, or one `host@backend#pool`.
    Host(&'a str),
    /// The same with a cluster's name.
    Cluster(&'a str),
}

/// The live group with that key.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn get(connection: &mut Connection, id: &GroupId) -> Result<Option<GroupRow>, DbError> {
    let rows = queries::rows(connection.native()?, &[id.as_str()])?;
    Ok(rows.into_iter().find(|row| row.deleted == Some(false)))
}

/// Live groups, youngest first.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn list(connection: &mut Connection, of: GroupsOf<'_>) -> Result<Vec<GroupRow>, DbError> {
    Ok(queries::list(connection.native()?, of)?)
}

/// The types that volumes of a group may have.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn volume_types(
    connection: &mut Connection,
    id: &GroupId,
) -> Result<Vec<VolumeTypeId>, DbError> {
    let ids = queries::volume_types(connection.native()?, id.as_str())?;
    Ok(ids.into_iter().map(VolumeTypeId::new).collect())
}

/// Changes a live group.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Query`].
pub fn update(
    connection: &mut Connection,
    id: &GroupId,
    change: &GroupChange,
) -> Result<(), DbError> {
    transaction::change(connection, ("group", id.as_str()), &queries::live(id.as_str()), change)
}

/// Soft-deletes a group with its list of volume types; returns whether it was live. Its volumes
/// are deleted one by one before.
///
/// # Errors
///
/// [`DbError::Query`]; nothing has changed then.
pub fn delete(connection: &mut Connection, id: &GroupId) -> Result<bool, DbError> {
    let now = Timestamp::now();
    write(connection, |native| Ok(queries::delete(native, id.as_str(), now)?))
}

/// The live group snapshot with that key.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn get_snapshot(
    connection: &mut Connection,
    id: &GroupSnapshotId,
) -> Result<Option<GroupSnapshotRow>, DbError> {
    let row = queries::snapshot(connection.native()?, id.as_str())?;
    Ok(row.filter(|row| row.deleted == Some(false)))
}

/// Changes a live group snapshot.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Query`].
pub fn update_snapshot(
    connection: &mut Connection,
    id: &GroupSnapshotId,
    change: &GroupSnapshotChange,
) -> Result<(), DbError> {
    let row = queries::live_snapshot(id.as_str());
    transaction::change(connection, ("group snapshot", id.as_str()), &row, change)
}

/// Soft-deletes a group snapshot; returns whether it was live. Its members are deleted one by
/// one before.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn delete_snapshot(connection: &mut Connection, id: &GroupSnapshotId) -> Result<bool, DbError> {
    let now = Timestamp::now();
    single(connection, |native| Ok(queries::delete_snapshot(native, id.as_str(), now)?))
}

/// The consistency group with that key, live or deleted.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn get_consistency_group(
    connection: &mut Connection,
    id: &ConsistencyGroupId,
) -> Result<Option<ConsistencyGroupRow>, DbError> {
    let rows = queries::consistency_groups(connection.native()?, &[id.as_str()])?;
    Ok(rows.into_iter().next())
}

/// The snapshot of a consistency group with that key, live or deleted.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn get_cgsnapshot(
    connection: &mut Connection,
    id: &CgsnapshotId,
) -> Result<Option<CgsnapshotRow>, DbError> {
    Ok(queries::cgsnapshot(connection.native()?, id.as_str())?)
}
