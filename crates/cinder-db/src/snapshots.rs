//! Snapshots of volumes with their metadata.
//!
//! Must not: judge a status; see [`volumes`](crate::volumes).

use cinder_types::{CgsnapshotId, GroupSnapshotId, SnapshotId, VolumeId, VolumeTypeId};

use crate::{
    changes::{self, Changes as _, Columns},
    connection::Connection,
    dialect::Native,
    error::DbError,
    queries::{
        metadata::{self, OtherKeys},
        snapshots as queries,
    },
    rows::{
        snapshot::{Snapshot, SnapshotChange},
        volume::Metadata,
    },
    schema::snapshots,
    timestamp::Timestamp,
    transaction::{self, BATCH, in_order, read, required, write},
};

/// Which snapshots are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotsOf<'a> {
    /// Those of a volume.
    Volume(&'a VolumeId),
    /// Those whose volume is on a `host`, a `host@backend` or one `host@backend#pool`.
    Host(&'a str),
    /// The same with a cluster's name.
    Cluster(&'a str),
    /// The members of a group snapshot.
    GroupSnapshot(&'a GroupSnapshotId),
    /// The members of a snapshot of a consistency group.
    Cgsnapshot(&'a CgsnapshotId),
}

/// A snapshot that this service makes for itself, as before a volume is reverted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSnapshot {
    /// Its key.
    pub id: SnapshotId,
    /// The volume it is of.
    pub volume_id: VolumeId,
    /// The type of the volume.
    pub volume_type_id: VolumeTypeId,
    /// Everything else. What is not set gets the default that upstream's client gives it.
    pub columns: SnapshotChange,
    /// What users note.
    pub metadata: Metadata,
}

/// The live snapshot with that key.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn get(connection: &mut Connection, id: &SnapshotId) -> Result<Option<Snapshot>, DbError> {
    read(connection, |native| Ok(live(native, &[id.as_str()])?.into_iter().next()))
}

/// The keys of live snapshots, youngest first.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn ids(connection: &mut Connection, of: SnapshotsOf<'_>) -> Result<Vec<SnapshotId>, DbError> {
    let ids = queries::ids(connection.native()?, of)?;
    Ok(ids.into_iter().map(SnapshotId::new).collect())
}

/// The live ones among these snapshots, in this order.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn get_many(connection: &mut Connection, ids: &[SnapshotId]) -> Result<Vec<Snapshot>, DbError> {
    let ids: Vec<_> = ids.iter().map(SnapshotId::as_str).collect();
    read(connection, |native| live(native, &ids))
}

/// Live snapshots with their metadata, youngest first.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn list(connection: &mut Connection, of: SnapshotsOf<'_>) -> Result<Vec<Snapshot>, DbError> {
    read(connection, |native| {
        let ids = queries::ids(native, of)?;
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        live(native, &ids)
    })
}

fn live(native: &mut Native, ids: &[&str]) -> Result<Vec<Snapshot>, DbError> {
    let mut all = Vec::with_capacity(ids.len());
    for batch in ids.chunks(BATCH) {
        let mut rows = queries::rows(native, batch)?;
        rows.retain(|row| row.deleted == Some(false));
        let rows = in_order(rows, batch, |row| row.id.as_str());
        let mut notes = metadata::by_parent(metadata::snapshot::of(native, batch)?);
        all.extend(rows.into_iter().map(|row| Snapshot {
            metadata: notes.remove(row.id.as_str()).unwrap_or_default(),
            row,
        }));
    }
    Ok(all)
}

/// Inserts a snapshot with its metadata.
///
/// # Errors
///
/// [`DbError::Query`], with [`Fault::Constraint`](crate::Fault::Constraint) if the key is taken
/// or the volume does not exist.
pub fn create(connection: &mut Connection, new: &NewSnapshot) -> Result<(), DbError> {
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
        Ok(metadata::snapshot::insert(native, new.id.as_str(), new.metadata.clone(), now)?)
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
    change: &SnapshotChange,
) -> Result<(), DbError> {
    let row = queries::live(id.as_str());
    transaction::change(connection, ("snapshot", id.as_str()), &row, change)
}

/// Changes all live snapshots of a volume, as a retype does; returns how many.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn update_of_volume(
    connection: &mut Connection,
    volume: &VolumeId,
    change: &SnapshotChange,
) -> Result<usize, DbError> {
    let rows = queries::live_of_volume(volume.as_str());
    Ok(transaction::change_all(connection, &rows, change)?.unwrap_or(0))
}

/// Writes notes of a live snapshot; returns all of them.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Query`].
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
        Ok(metadata::snapshot::write(native, id.as_str(), wanted, others, now)?)
    })
}

/// Soft-deletes a snapshot with its metadata; returns whether it was live.
///
/// # Errors
///
/// [`DbError::Query`]; nothing has changed then.
pub fn delete(connection: &mut Connection, id: &SnapshotId) -> Result<bool, DbError> {
    let now = Timestamp::now();
    write(connection, |native| Ok(queries::delete(native, id.as_str(), now)?))
}
