//! Generic groups.
//!
//! Must not: judge a status; see [`volumes`](crate::volumes).

use cinder_types::{GroupId, VolumeTypeId};

use crate::{
    cas,
    connection::Connection,
    error::DbError,
    queries::groups as queries,
    timestamp::Timestamp,
    transaction::{self, write},
};

pub use crate::rows::group::{Change, Group, Of};

cas::columns! {
    Group in "groups" {
        STATUS: Text = groups::status,
        REPLICATION_STATUS: Text = groups::replication_status,
        HOST: Text = groups::host,
        UPDATED_AT: Time = groups::updated_at,
    }
}

/// The live group with that key.
pub fn get(connection: &mut Connection, id: &GroupId) -> Result<Option<Group>, DbError> {
    let rows = queries::rows(connection.native()?, &[id.as_str()])?;
    Ok(rows.into_iter().find(|row| row.deleted == Some(false)))
}

/// Live groups, youngest first.
pub fn list(connection: &mut Connection, of: Of<'_>) -> Result<Vec<Group>, DbError> {
    Ok(queries::list(connection.native()?, of)?)
}

/// The types that volumes of a group may have.
pub fn volume_types(
    connection: &mut Connection,
    id: &GroupId,
) -> Result<Vec<VolumeTypeId>, DbError> {
    Ok(queries::volume_types(connection.native()?, id.as_str())?)
}

/// Changes a live group.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub fn update(connection: &mut Connection, id: &GroupId, change: &Change) -> Result<(), DbError> {
    transaction::change(connection, ("group", id.as_str()), &queries::live(id.as_str()), change)
}

/// Soft-deletes a group with its list of volume types; returns whether it was live. Its volumes
/// are deleted one by one before.
pub fn delete(connection: &mut Connection, id: &GroupId) -> Result<bool, DbError> {
    let now = Timestamp::now();
    write(connection, |native| Ok(queries::delete(native, id.as_str(), now)?))
}
