//! Table `snapshots`.

use cinder_types::SnapshotId;
use diesel::prelude::*;

use crate::{
    changes::{Columns, Rows},
    dialect::{Native, among, for_update, on_host},
    rows::snapshot::{Of, Row},
    schema::{snapshot_metadata, snapshots, volumes},
    timestamp::Timestamp,
};

/// The live rows with these keys, in any order.
pub(crate) fn live_rows(native: &mut Native, ids: &[SnapshotId]) -> QueryResult<Vec<Row>> {
    snapshots::table
        .filter(snapshots::deleted.eq(false))
        .filter(among(snapshots::id, ids.iter().map(SnapshotId::as_str)))
        .select(Row::as_select())
        .load(native)
}

/// Keys of live snapshots, youngest first. A snapshot is where its volume is, even if that is
/// deleted.
pub(crate) fn ids(native: &mut Native, of: Of<'_>) -> QueryResult<Vec<SnapshotId>> {
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
        Of::Volume(id) => alone().filter(snapshots::volume_id.eq(id.as_str())).load(native),
        Of::GroupSnapshot(id) => {
            alone().filter(snapshots::group_snapshot_id.eq(id.as_str())).load(native)
        }
        Of::Cgsnapshot(id) => alone().filter(snapshots::cgsnapshot_id.eq(id.as_str())).load(native),
        Of::Host(host) => with_volume().filter(on_host(native, volumes::host, host)).load(native),
        Of::Cluster(name) => {
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

/// The live snapshot with that key.
pub(crate) fn live(id: &str) -> Rows<snapshots::table> {
    Rows::live(snapshots::table, snapshots::id, id)
}

/// All live snapshots of a volume.
pub(crate) fn live_of_volume(volume: &str) -> Rows<snapshots::table> {
    Rows::live(snapshots::table, snapshots::volume_id, volume)
}

/// Soft-deletes a snapshot with its metadata; returns whether it was live.
pub(crate) fn delete(native: &mut Native, id: &str, now: Timestamp) -> QueryResult<bool> {
    let rows = live(id).delete(native, Columns::new().with(snapshots::status, "deleted"), now)?;
    Rows::live(snapshot_metadata::table, snapshot_metadata::snapshot_id, id).delete(
        native,
        Columns::new(),
        now,
    )?;
    Ok(rows != 0)
}
