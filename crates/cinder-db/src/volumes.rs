//! Volumes: read with all that belongs to them, created, changed, deleted.
//!
//! Must not: judge a status. Which change is allowed when is for the caller to know; changes
//! that depend on what the row holds go through the compare-and-swap of this crate.

use cinder_types::{GroupId, VolumeId, VolumeTypeId};

use crate::{
    changes::{self, Changes as _, Columns},
    connection::Connection,
    dialect::Native,
    error::DbError,
    queries::{
        attachments,
        metadata::{self, OtherKeys},
        volumes as queries,
    },
    rows::volume::{Metadata, Volume, VolumeChange},
    schema::volumes,
    timestamp::Timestamp,
    transaction::{BATCH, found, in_order, read, required, single, write},
};

/// Which volumes are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumesOf<'a> {
    /// Those of a `host`, a `host@backend` with all its pools, or one `host@backend#pool`.
    Host(&'a str),
    /// The same with a cluster's name.
    Cluster(&'a str),
    /// Those in a generic group.
    Group(&'a GroupId),
}

/// A volume that this service makes for itself: the target of a migration, a temporary copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVolume {
    /// Its key.
    pub id: VolumeId,
    /// Its type; every volume has one.
    pub volume_type_id: VolumeTypeId,
    /// Everything else. What is not set gets the default that upstream's client gives it.
    pub columns: VolumeChange,
    /// What users note.
    pub metadata: Metadata,
    /// What the service notes.
    pub admin_metadata: Metadata,
}

/// A change of a volume, with what other tables hold of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VolumeUpdate {
    /// Its columns.
    pub columns: VolumeChange,
    /// If set, all its notes afterwards: others are deleted.
    pub metadata: Option<Metadata>,
    /// The same for the service's notes.
    pub admin_metadata: Option<Metadata>,
}

impl From<VolumeChange> for VolumeUpdate {
    fn from(columns: VolumeChange) -> Self {
        Self { columns, ..Self::default() }
    }
}

/// The live volume with that key.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn get(connection: &mut Connection, id: &VolumeId) -> Result<Option<Volume>, DbError> {
    Ok(get_even_deleted(connection, id)?.filter(|volume| volume.row.deleted == Some(false)))
}

/// The volume with that key, live or deleted; its notes and attachments are the live ones.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn get_even_deleted(
    connection: &mut Connection,
    id: &VolumeId,
) -> Result<Option<Volume>, DbError> {
    let volumes = read(connection, |native| {
        let rows = queries::rows(native, &[id.as_str()])?;
        Ok(if rows.is_empty() { Vec::new() } else { queries::complete(native, rows)? })
    })?;
    Ok(volumes.into_iter().next())
}

/// The keys of live volumes, youngest first.
///
/// Whoever has many volumes takes the keys first and then [`get_many`] in portions: unlike
/// pages that are counted off, portions lose nothing when a volume vanishes in between.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn ids(connection: &mut Connection, of: VolumesOf<'_>) -> Result<Vec<VolumeId>, DbError> {
    let ids = queries::ids(connection.native()?, of)?;
    Ok(ids.into_iter().map(VolumeId::new).collect())
}

/// The live ones among these volumes, in this order.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn get_many(connection: &mut Connection, ids: &[VolumeId]) -> Result<Vec<Volume>, DbError> {
    let ids: Vec<_> = ids.iter().map(VolumeId::as_str).collect();
    read(connection, |native| live(native, &ids))
}

/// Live volumes with all that belongs to them, youngest first.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn list(connection: &mut Connection, of: VolumesOf<'_>) -> Result<Vec<Volume>, DbError> {
    read(connection, |native| {
        let ids = queries::ids(native, of)?;
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        live(native, &ids)
    })
}

fn live(native: &mut Native, ids: &[&str]) -> Result<Vec<Volume>, DbError> {
    let mut all = Vec::with_capacity(ids.len());
    for batch in ids.chunks(BATCH) {
        let mut rows = queries::rows(native, batch)?;
        rows.retain(|row| row.deleted == Some(false));
        let rows = in_order(rows, batch, |row| row.id.as_str());
        all.append(&mut queries::complete(native, rows)?);
    }
    Ok(all)
}

/// Inserts a volume with its notes.
///
/// # Errors
///
/// [`DbError::Query`], with [`Fault::Constraint`](crate::Fault::Constraint) if the key is taken
/// or something that it refers to does not exist.
pub fn create(connection: &mut Connection, new: &NewVolume) -> Result<(), DbError> {
    let now = Timestamp::now();
    let mut row = Columns::new()
        .with(volumes::created_at, now)
        .with(volumes::deleted, false)
        .with(volumes::id, &new.id)
        .with(volumes::volume_type_id, &new.volume_type_id)
        .with(volumes::use_quota, true)
        .with(volumes::bootable, false)
        .with(volumes::multiattach, false)
        .with(volumes::shared_targets, true);
    new.columns.put_into(&mut row);
    write(connection, |native| {
        changes::insert(native, volumes::table, &row)?;
        metadata::volume::insert(native, new.id.as_str(), new.metadata.clone(), now)?;
        Ok(metadata::admin::insert(native, new.id.as_str(), new.admin_metadata.clone(), now)?)
    })
}

/// Changes a live volume and its notes.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::Query`], with [`Fault::Value`](crate::Fault::Value) if a
/// text is too long for its column.
pub fn update(
    connection: &mut Connection,
    id: &VolumeId,
    update: &VolumeUpdate,
) -> Result<(), DbError> {
    let now = Timestamp::now();
    if update.metadata.is_none() && update.admin_metadata.is_none() {
        return single(connection, |native| apply(native, id.as_str(), update, now));
    }
    write(connection, |native| apply(native, id.as_str(), update, now))
}

/// Changes several live volumes, all or none.
///
/// # Errors
///
/// Those of [`update`].
pub fn update_many(
    connection: &mut Connection,
    updates: &[(VolumeId, VolumeUpdate)],
) -> Result<(), DbError> {
    let now = Timestamp::now();
    // Two that change the same volumes in the same order wait for each other, and in different
    // orders end in a deadlock.
    let mut updates: Vec<_> = updates.iter().collect();
    updates.sort_by_key(|(id, _)| id);
    write(connection, |native| {
        updates.iter().try_for_each(|(id, update)| apply(native, id.as_str(), update, now))
    })
}

fn apply(
    native: &mut Native,
    id: &str,
    update: &VolumeUpdate,
    now: Timestamp,
) -> Result<(), DbError> {
    if update.metadata.is_some() || update.admin_metadata.is_some() {
        required(queries::lock(native, id)?, "volume", id)?;
    }
    if let Some(wanted) = &update.metadata {
        metadata::volume::write(native, id, wanted, OtherKeys::Delete, now)?;
    }
    if let Some(wanted) = &update.admin_metadata {
        metadata::admin::write(native, id, wanted, OtherKeys::Delete, now)?;
    }
    match update.columns.columns() {
        Some(columns) => found(queries::live(id).update(native, &columns, now)?, "volume", id),
        None => Ok(()),
    }
}

/// Writes notes that users see; returns all of them.
///
/// # Errors
///
/// Those of [`update`].
pub fn update_metadata(
    connection: &mut Connection,
    id: &VolumeId,
    wanted: &Metadata,
    others: OtherKeys,
) -> Result<Metadata, DbError> {
    let now = Timestamp::now();
    write(connection, |native| {
        required(queries::lock(native, id.as_str())?, "volume", id.as_str())?;
        Ok(metadata::volume::write(native, id.as_str(), wanted, others, now)?)
    })
}

/// Writes notes of the service; returns all of them.
///
/// # Errors
///
/// Those of [`update`].
pub fn update_admin_metadata(
    connection: &mut Connection,
    id: &VolumeId,
    wanted: &Metadata,
    others: OtherKeys,
) -> Result<Metadata, DbError> {
    let now = Timestamp::now();
    write(connection, |native| {
        required(queries::lock(native, id.as_str())?, "volume", id.as_str())?;
        Ok(metadata::admin::write(native, id.as_str(), wanted, others, now)?)
    })
}

/// Soft-deletes one note of the service; returns whether there was one.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn delete_admin_metadata(
    connection: &mut Connection,
    id: &VolumeId,
    key: &str,
) -> Result<bool, DbError> {
    let now = Timestamp::now();
    write(connection, |native| Ok(metadata::admin::delete_key(native, id.as_str(), key, now)?))
}

/// Makes a volume `in-use` if it has live attachments, else `available`; returns which.
///
/// # Errors
///
/// Those of [`update`].
pub fn settle_status(connection: &mut Connection, id: &VolumeId) -> Result<&'static str, DbError> {
    let now = Timestamp::now();
    write(connection, |native| {
        required(queries::lock(native, id.as_str())?, "volume", id.as_str())?;
        let attached = !attachments::statuses(native, id.as_str())?.is_empty();
        let status = if attached { "in-use" } else { "available" };
        let columns = Columns::new().with(volumes::status, status);
        queries::live(id.as_str()).update(native, &columns, now)?;
        Ok(status)
    })
}

/// Soft-deletes a volume with its notes, snapshots, transfers, image metadata and attachments
/// (`spec/schema.md §5.3`); returns whether it was live.
///
/// # Errors
///
/// [`DbError::Query`]; nothing has changed then.
pub fn delete(connection: &mut Connection, id: &VolumeId) -> Result<bool, DbError> {
    let now = Timestamp::now();
    write(connection, |native| Ok(queries::delete(native, id.as_str(), now)?))
}
