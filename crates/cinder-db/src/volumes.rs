//! Volumes: read with all that belongs to them, created, changed, deleted.
//!
//! Must not: judge a status. Which change is allowed when is for the caller to know: a change that
//! depends on what the row holds is a [`cas`], or is decided by the caller under the row's lock
//! ([`change_locked`]).

use std::collections::{BTreeMap, BTreeSet};

use cinder_types::VolumeId;

use crate::{
    cas,
    changes::{self, Changes as _, Columns},
    connection::Connection,
    dialect::Native,
    error::DbError,
    metadata,
    queries::{
        attachments, consistency_groups, groups,
        metadata::{Notes, OfService, OfVolume},
        volumes as queries,
    },
    quota,
    rows::{
        attachment::Attachment,
        metadata::{Metadata, OtherKeys},
    },
    schema::volumes,
    timestamp::Timestamp,
    transaction::{by_keys, found, read, required, single, write},
    volume_types,
};

pub use crate::rows::volume::{Change, New, Of, Row, Update, Volume};

cas::columns! {
    Row in "volumes" {
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
}

/// The live volume with that key.
pub fn get(connection: &mut Connection, id: &VolumeId) -> Result<Option<Volume>, DbError> {
    Ok(get_even_deleted(connection, id)?.filter(|volume| volume.row.deleted == Some(false)))
}

/// The volume with that key, live or deleted; its notes and attachments are the live ones.
pub fn get_even_deleted(
    connection: &mut Connection,
    id: &VolumeId,
) -> Result<Option<Volume>, DbError> {
    let volumes = read(connection, |native| match queries::row(native, id.as_str())? {
        Some(row) => complete(native, vec![row]),
        None => Ok(Vec::new()),
    })?;
    Ok(volumes.into_iter().next())
}

/// The keys of live volumes, youngest first.
///
/// Whoever has many volumes takes the keys first and then [`get_many`] in portions: unlike
/// pages that are counted off, portions lose nothing when a volume vanishes in between.
pub fn ids(connection: &mut Connection, of: Of<'_>) -> Result<Vec<VolumeId>, DbError> {
    Ok(queries::ids(connection.native()?, of)?)
}

/// How many GiB live volumes have together, by `host@backend#pool`, counted by the database.
pub fn gigabytes(
    connection: &mut Connection,
    of: Of<'_>,
) -> Result<Vec<(Option<String>, i64)>, DbError> {
    let sums = queries::gigabytes(connection.native()?, of)?;
    Ok(sums.into_iter().map(|(host, sum)| (host, sum.unwrap_or(0))).collect())
}

/// The live ones among these volumes, in this order.
pub fn get_many(connection: &mut Connection, ids: &[VolumeId]) -> Result<Vec<Volume>, DbError> {
    read(connection, |native| live(native, ids))
}

/// Live volumes with all that belongs to them, youngest first.
pub fn list(connection: &mut Connection, of: Of<'_>) -> Result<Vec<Volume>, DbError> {
    read(connection, |native| {
        let ids = queries::ids(native, of)?;
        live(native, &ids)
    })
}

fn live(native: &mut Native, ids: &[VolumeId]) -> Result<Vec<Volume>, DbError> {
    by_keys(native, ids, queries::live_rows, |row| &row.id, complete)
}

/// Adds to rows what the other tables know, a handful of statements for all of them.
fn complete(native: &mut Native, rows: Vec<Row>) -> Result<Vec<Volume>, DbError> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.as_str()).collect();
    let distinct = |key: fn(&Row) -> Option<&str>| -> Vec<&str> {
        rows.iter().filter_map(key).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let types = distinct(|row| Some(row.volume_type_id.as_str()));
    let in_groups = distinct(|row| Some(row.group_id.as_ref()?.as_str()));
    let in_old_groups = distinct(|row| Some(row.consistencygroup_id.as_ref()?.as_str()));

    let mut notes = metadata::of::<OfVolume>(native, &ids)?;
    let mut admin_notes = metadata::of::<OfService>(native, &ids)?;
    let mut attached = BTreeMap::<_, Vec<_>>::new();
    for attachment in attachments::of_volumes(native, &ids)? {
        attached.entry(attachment.volume_id.clone()).or_default().push(attachment);
    }
    let mut types = volume_types::by_key(native, &types)?;
    types.retain(|_, one| one.row.deleted == Some(false));
    let groups = groups::rows(native, &in_groups)?;
    let old_groups = consistency_groups::rows(native, &in_old_groups)?;
    let complete = |row: Row| Volume {
        metadata: notes.remove(row.id.as_str()).unwrap_or_default(),
        admin_metadata: admin_notes.remove(row.id.as_str()).unwrap_or_default(),
        attachments: attached.remove(&row.id).unwrap_or_default(),
        volume_type: types.get(row.volume_type_id.as_str()).cloned(),
        group: groups.iter().find(|group| row.group_id.as_ref() == Some(&group.id)).cloned(),
        consistency_group: old_groups
            .iter()
            .find(|group| row.consistencygroup_id.as_ref() == Some(&group.id))
            .cloned(),
        row,
    };
    Ok(rows.into_iter().map(complete).collect())
}

/// Inserts a volume with its notes.
///
/// # Errors
///
/// [`DbError::Query`], with [`Fault::Constraint`](crate::Fault::Constraint) if the key is taken
/// or something that it refers to does not exist.
pub fn create(connection: &mut Connection, new: &New) -> Result<(), DbError> {
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
        metadata::insert::<OfVolume>(native, new.id.as_str(), &new.metadata, now)?;
        metadata::insert::<OfService>(native, new.id.as_str(), &new.admin_metadata, now)
    })
}

/// Changes a live volume and its notes.
///
/// # Errors
///
/// [`DbError::NotFound`]; [`DbError::Query`], with [`Fault::Value`](crate::Fault::Value) if a
/// text is too long for its column.
pub fn update(connection: &mut Connection, id: &VolumeId, update: &Update) -> Result<(), DbError> {
    let now = Timestamp::now();
    if update.metadata.is_none() && update.admin_metadata.is_none() {
        return single(connection, |native| apply(native, id.as_str(), update, now));
    }
    write(connection, |native| apply(native, id.as_str(), update, now))
}

/// Makes a change of a live volume if its status is one of these; returns whether it was.
///
/// One statement, and no lock to hold: for the last write of an operation, whose row is nearly always as it has left it.
pub fn update_if(
    connection: &mut Connection,
    id: &VolumeId,
    statuses: &[&str],
    change: &Change,
) -> Result<bool, DbError> {
    let Some(columns) = change.columns() else { return Ok(false) };
    let row = queries::live(id.as_str()).and_any(volumes::status, statuses);
    let now = Timestamp::now();
    single(connection, |native| Ok(row.update(native, &columns, now)? != 0))
}

/// Changes several live volumes, all or none.
///
/// # Errors
///
/// Those of [`update`].
pub fn update_many(
    connection: &mut Connection,
    updates: &[(VolumeId, Update)],
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

fn apply(native: &mut Native, id: &str, update: &Update, now: Timestamp) -> Result<(), DbError> {
    if update.metadata.is_some() || update.admin_metadata.is_some() {
        required(queries::lock(native, id)?, "volume", id)?;
    }
    if let Some(wanted) = &update.metadata {
        metadata::write::<OfVolume>(native, id, wanted, OtherKeys::Delete, now)?;
    }
    if let Some(wanted) = &update.admin_metadata {
        metadata::write::<OfService>(native, id, wanted, OtherKeys::Delete, now)?;
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
    write_notes::<OfVolume>(connection, id, wanted, others)
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
    write_notes::<OfService>(connection, id, wanted, others)
}

fn write_notes<N: Notes>(
    connection: &mut Connection,
    id: &VolumeId,
    wanted: &Metadata,
    others: OtherKeys,
) -> Result<Metadata, DbError> {
    let now = Timestamp::now();
    write(connection, |native| {
        required(queries::lock(native, id.as_str())?, "volume", id.as_str())?;
        metadata::write::<N>(native, id.as_str(), wanted, others, now)
    })
}

/// Soft-deletes one note of the service; returns whether there was one.
pub fn delete_admin_metadata(
    connection: &mut Connection,
    id: &VolumeId,
    key: &str,
) -> Result<bool, DbError> {
    let now = Timestamp::now();
    write(connection, |native| metadata::delete_key::<OfService>(native, id.as_str(), key, now))
}

/// Changes a live volume as `decide` says, which is given it and its live attachments, oldest first,
/// while nobody else can change it; returns the change.
///
/// After a deadlock `decide` is asked again, so it must do nothing but decide. What depends on the
/// row alone, and on nothing that a rule has to think about, is cheaper as a [`cas`].
///
/// # Errors
///
/// [`DbError::NotFound`].
pub fn change_locked(
    connection: &mut Connection,
    id: &VolumeId,
    mut decide: impl FnMut(&Row, &[Attachment]) -> Change,
) -> Result<Change, DbError> {
    let now = Timestamp::now();
    let id = id.as_str();
    write(connection, |native| {
        let row = required(queries::lock(native, id)?, "volume", id)?;
        let change = decide(&row, &attachments::of_volumes(native, &[id])?);
        if let Some(columns) = change.columns() {
            queries::live(id).update(native, &columns, now)?;
        }
        Ok(change)
    })
}

/// As [`change_locked`], and commits what was reserved for the change under these uuids
/// ([`quota::commit`]); both or neither.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub fn change_and_commit(
    connection: &mut Connection,
    id: &VolumeId,
    reservations: &[String],
    mut decide: impl FnMut(&Row, &[Attachment]) -> Change,
) -> Result<Change, DbError> {
    let now = Timestamp::now();
    let id = id.as_str();
    write(connection, |native| {
        let row = required(queries::lock(native, id)?, "volume", id)?;
        quota::commit_within(native, reservations)?;
        let change = decide(&row, &attachments::of_volumes(native, &[id])?);
        if let Some(columns) = change.columns() {
            queries::live(id).update(native, &columns, now)?;
        }
        Ok(change)
    })
}

/// Soft-deletes a volume with its notes, snapshots, transfers, image metadata and attachments
/// (`spec/schema.md §5.3`), and commits what was reserved for that under these uuids
/// ([`quota::commit`]); both or neither. Returns whether it was live; if not, nothing is committed.
pub fn delete(
    connection: &mut Connection,
    id: &VolumeId,
    reservations: &[String],
) -> Result<bool, DbError> {
    let now = Timestamp::now();
    write(connection, |native| {
        if queries::lock(native, id.as_str())?.is_none() {
            return Ok(false);
        }
        quota::commit_within(native, reservations)?;
        Ok(queries::delete(native, id.as_str(), now)?)
    })
}
