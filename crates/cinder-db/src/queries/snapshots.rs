//! Table `snapshots`.

use diesel::prelude::*;

use crate::{
    changes::Columns,
    dialect::{Native, for_update, on_host},
    rows::snapshot::SnapshotRow,
    schema::{snapshot_metadata, snapshots, volumes},
    snapshots::SnapshotsOf,
    timestamp::Timestamp,
};

/// The rows with these keys, live and deleted, in any order.
pub(crate) fn rows(native: &mut Native, ids: &[&str]) -> QueryResult<Vec<SnapshotRow>> {
    snapshots::table
        .filter(snapshots::id.eq_any(ids.iter().copied()))
        .select(SnapshotRow::as_select())
        .load(native)
}

/// Keys of live snapshots, youngest first. A snapshot is where its volume is, even if that is
/// deleted.
pub(crate) fn ids(native: &mut Native, of: SnapshotsOf<'_>) -> QueryResult<Vec<String>> {
    let by_age = (snapshots::created_at.desc(), snapshots::id.desc());
    let alone = || {
        let live = snapshots::table.filter(snapshots::deleted.eq(false));
        live.order(by_age).select(snapshots::id)
    };
    let with_volume = || {
        let both =
            snapshots::table.inner_join(volumes::table.on(volumes::id.eq(snapshots::volume_id)));
        both.filter(snapshots::deleted.eq(false)).order(by_age).select(snapshots::id)
    };
    match of {
        SnapshotsOf::Volume(id) => {
            alone().filter(snapshots::volume_id.eq(id.as_str())).load(native)
        }
        SnapshotsOf::GroupSnapshot(id) => {
            alone().filter(snapshots::group_snapshot_id.eq(id.as_str())).load(native)
        }
        SnapshotsOf::Cgsnapshot(id) => {
            alone().filter(snapshots::cgsnapshot_id.eq(id.as_str())).load(native)
        }
        SnapshotsOf::Host(host) => {
            with_volume().filter(on_host(native, volumes::host, host)).load(native)
        }
        SnapshotsOf::Cluster(name) => {
            with_volume().filter(on_host(native, volumes::cluster_name, name)).load(native)
        }
    }
}

/// Whether a live snapshot has that key; its row stays locked until the end of the transaction.
pub(crate) fn lock(native: &mut Native, id: &str) -> QueryResult<bool> {
    let query = snapshots::table
        .filter(snapshots::id.eq(id))
        .filter(snapshots::deleted.eq(false))
        .select(snapshots::id);
    Ok(for_update(native, query).get_result::<String>(native).optional()?.is_some())
}

/// Changes a live snapshot; returns how many rows that were.
pub(crate) fn update(
    native: &mut Native,
    id: &str,
    columns: Columns<snapshots::table>,
    now: Timestamp,
) -> QueryResult<usize> {
    diesel::update(snapshots::table.find(id))
        .filter(snapshots::deleted.eq(false))
        .set(columns.with(snapshots::updated_at, Some(now)))
        .execute(native)
}

/// Changes all live snapshots of a volume; returns how many.
pub(crate) fn update_of_volume(
    native: &mut Native,
    volume: &str,
    columns: Columns<snapshots::table>,
    now: Timestamp,
) -> QueryResult<usize> {
    diesel::update(snapshots::table)
        .filter(snapshots::deleted.eq(false))
        .filter(snapshots::volume_id.eq(volume))
        .set(columns.with(snapshots::updated_at, Some(now)))
        .execute(native)
}

/// Soft-deletes a snapshot with its metadata; returns whether it was live.
pub(crate) fn delete(native: &mut Native, id: &str, now: Timestamp) -> QueryResult<bool> {
    let rows = diesel::update(snapshots::table.find(id))
        .filter(snapshots::deleted.eq(false))
        .set(
            Columns::new()
                .with(snapshots::status, Some("deleted".to_owned()))
                .with(snapshots::deleted, Some(true))
                .with(snapshots::deleted_at, Some(now)),
        )
        .execute(native)?;
    soft_delete!(native, snapshot_metadata, now, snapshot_metadata::snapshot_id.eq(id))?;
    Ok(rows != 0)
}
