//! Snapshots of volumes with their metadata.
//!
//! Must not: judge a status; see [`volumes`](crate::volumes).

use std::slice;

use cinder_types::{SnapshotId, VolumeId};

use crate::{
    cas,
    changes::{self, Changes as _, Columns},
    connection::Connection,
    dialect::Native,
    error::DbError,
    metadata,
    queries::{metadata::OfSnapshot, snapshots as queries},
    quota,
    rows::metadata::{Metadata, OtherKeys},
    schema::snapshots,
    timestamp::Timestamp,
    transaction::{self, by_keys, read, required, write},
};

pub use crate::rows::snapshot::{Change, New, Of, Row, Snapshot};

cas::columns! {
    Row in "snapshots" {
        STATUS: Text = snapshots::status,
        PROGRESS: Text = snapshots::progress,
        VOLUME_ID: Text = snapshots::volume_id,
        GROUP_SNAPSHOT_ID: Text = snapshots::group_snapshot_id,
        UPDATED_AT: Time = snapshots::updated_at,
    }
}

/// The live snapshot with that key.
pub fn get(connection: &mut Connection, id: &SnapshotId) -> Result<Option<Snapshot>, DbError> {
    read(connection, |native| Ok(live(native, slice::from_ref(id))?.into_iter().next()))
}

/// The keys of live snapshots, youngest first.
pub fn ids(connection: &mut Connection, of: Of<'_>) -> Result<Vec<SnapshotId>, DbError> {
    Ok(queries::ids(connection.native()?, of)?)
}

/// The live ones among these snapshots, in this order.
pub fn get_many(connection: &mut Connection, ids: &[SnapshotId]) -> Result<Vec<Snapshot>, DbError> {
    read(connection, |native| live(native, ids))
}

/// Live snapshots with their metadata, youngest first.
pub fn list(connection: &mut Connection, of: Of<'_>) -> Result<Vec<Snapshot>, DbError> {
    read(connection, |native| {
        let ids = queries::ids(native, of)?;
        live(native, &ids)
    })
}

fn live(native: &mut Native, ids: &[SnapshotId]) -> Result<Vec<Snapshot>, DbError> {
    by_keys(native, ids, queries::live_rows, |row| &row.id, complete)
}

/// Adds the metadata to rows.
fn complete(native: &mut Native, rows: Vec<Row>) -> Result<Vec<Snapshot>, DbError> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.as_str()).collect();
    let mut notes = metadata::of::<OfSnapshot>(native, &ids)?;
    let complete =
        |row: Row| Snapshot { metadata: notes.remove(row.id.as_str()).unwrap_or_default(), row };
    Ok(rows.into_iter().map(complete).collect())
}

/// Inserts a snapshot with its metadata.
///
/// # Errors
///
/// [`DbError::Query`], with [`Fault::Constraint`](crate::Fault::Constraint) if the key is taken
/// or the volume does not exist.
pub fn create(connection: &mut Connection, new: &New) -> Result<(), DbError> {
    let now = Timestamp::now();
    let mut row = Columns::new()
        .with(snapshots::created_at, now)
        .with(snapshots::deleted, false)
        .with(snapshots::id, &new.id)
        .with(snapshots::volume_id, &new.volume_id)
        .with(snapshots::volume_type_id, &new.volume_type_id)
        .with(snapshots::use_quota, true);
    new.columns.put_into(&mut row);
    write(connection, |native| {
        changes::insert(native, snapshots::table, &row)?;
        metadata::insert::<OfSnapshot>(native, new.id.as_str(), &new.metadata, now)
    })
}

/// Changes a live snapshot.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::Query`], with [`Fault::Value`](crate::Fault::Value) if a
/// text is too long for its column.
pub fn update(
    connection: &mut Connection,
    id: &SnapshotId,
    change: &Change,
) -> Result<(), DbError> {
    let row = queries::live(id.as_str());
    transaction::change(connection, ("snapshot", id.as_str()), &row, change)
}

/// Changes all live snapshots of a volume, as a retype does; returns how many.
pub fn update_of_volume(
    connection: &mut Connection,
    volume: &VolumeId,
    change: &Change,
) -> Result<usize, DbError> {
    let rows = queries::live_of_volume(volume.as_str());
    Ok(transaction::change_all(connection, &rows, change)?.unwrap_or(0))
}

/// Writes notes of a live snapshot; returns all of them.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub fn update_metadata(
    connection: &mut Connection,
    id: &SnapshotId,
    wanted: &Metadata,
    others: OtherKeys,
) -> Result<Metadata, DbError> {
    let now = Timestamp::now();
    write(connection, |native| {
        let locked = queries::lock(native, id.as_str())?.then_some(());
        required(locked, "snapshot", id.as_str())?;
        metadata::write::<OfSnapshot>(native, id.as_str(), wanted, others, now)
    })
}

/// Soft-deletes a snapshot with its metadata, and commits what was reserved for that under these
/// uuids ([`quota::commit`]); both or neither. Returns whether it was live; if not, nothing is
/// committed.
pub fn delete(
    connection: &mut Connection,
    id: &SnapshotId,
    reservations: &[String],
) -> Result<bool, DbError> {
    let now = Timestamp::now();
    write(connection, |native| {
        if !queries::lock(native, id.as_str())? {
            return Ok(false);
        }
        quota::commit_within(native, reservations)?;
        Ok(queries::delete(native, id.as_str(), now)?)
    })
}
