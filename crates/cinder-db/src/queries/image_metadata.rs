//! Table `volume_glance_metadata`: what volumes and snapshots keep of their image's properties.

use cinder_types::VolumeId;
use diesel::prelude::*;

use crate::{
    changes::{self, Columns, Rows},
    dialect::Native,
    rows::{
        image_metadata::{Keeper, Row},
        metadata::{Metadata, Pair},
    },
    schema::volume_glance_metadata as table,
    timestamp::Timestamp,
};

/// Live keys and values, oldest first.
pub(crate) fn of(native: &mut Native, keeper: Keeper<'_>) -> QueryResult<Vec<Pair>> {
    let query = table::table
        .filter(table::deleted.eq(false))
        .order(table::id.asc())
        .select((table::key, table::value))
        .into_boxed();
    match keeper {
        Keeper::Volume(id) => query.filter(table::volume_id.eq(id.as_str())),
        Keeper::Snapshot(id) => query.filter(table::snapshot_id.eq(id.as_str())),
    }
    .load(native)
}

/// Live rows of a volume, oldest first.
pub(crate) fn rows(native: &mut Native, volume: &VolumeId) -> QueryResult<Vec<Row>> {
    table::table
        .filter(table::deleted.eq(false))
        .filter(table::volume_id.eq(volume.as_str()))
        .order(table::id.asc())
        .select(Row::as_select())
        .load(native)
}

/// Inserts keys and values.
pub(crate) fn insert(
    native: &mut Native,
    keeper: Keeper<'_>,
    pairs: &Metadata,
    now: Timestamp,
) -> QueryResult<()> {
    let (volume, snapshot) = match keeper {
        Keeper::Volume(id) => (Some(id), None),
        Keeper::Snapshot(id) => (None, Some(id)),
    };
    for (key, value) in pairs {
        let row = Columns::new()
            .with(table::created_at, now)
            .with(table::deleted, false)
            .with(table::volume_id, volume)
            .with(table::snapshot_id, snapshot)
            .with(table::key, key)
            .with(table::value, value.as_ref());
        changes::insert(native, table::table, &row)?;
    }
    Ok(())
}

/// Soft-deletes all of it; returns how many keys that were.
pub(crate) fn delete(
    native: &mut Native,
    keeper: Keeper<'_>,
    now: Timestamp,
) -> QueryResult<usize> {
    let rows = match keeper {
        Keeper::Volume(id) => Rows::live(table::table, table::volume_id, id),
        Keeper::Snapshot(id) => Rows::live(table::table, table::snapshot_id, id),
    };
    rows.delete(native, Columns::new(), now)
}
