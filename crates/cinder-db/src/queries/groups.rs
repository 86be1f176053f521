//! Tables of generic groups, and of the consistency groups before them.

use diesel::prelude::*;

use crate::{
    changes::{Columns, Rows},
    dialect::{Native, on_host},
    groups::GroupsOf,
    rows::group::{CgsnapshotRow, ConsistencyGroupRow, GroupRow, GroupSnapshotRow},
    schema::{cgsnapshots, consistencygroups, group_snapshots, group_volume_type_mapping, groups},
    timestamp::Timestamp,
};

/// The groups with these keys, live and deleted, in any order.
pub(crate) fn rows(native: &mut Native, ids: &[&str]) -> QueryResult<Vec<GroupRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    groups::table
        .filter(groups::id.eq_any(ids.iter().copied()))
        .select(GroupRow::as_select())
        .load(native)
}

/// Live groups, youngest first.
pub(crate) fn list(native: &mut Native, of: GroupsOf<'_>) -> QueryResult<Vec<GroupRow>> {
    let query = groups::table
        .filter(groups::deleted.eq(false))
        .order((groups::created_at.desc(), groups::id.desc()))
        .select(GroupRow::as_select())
        .into_boxed();
    match of {
        GroupsOf::Host(host) => query.filter(on_host(native, groups::host, host)),
        GroupsOf::Cluster(name) => query.filter(on_host(native, groups::cluster_name, name)),
    }
    .load(native)
}

/// The live group with that key.
pub(crate) fn live(id: &str) -> Rows<groups::table> {
    Rows::live(groups::table, groups::id, id)
}

/// Soft-deletes a group with its list of volume types; returns whether it was live.
pub(crate) fn delete(native: &mut Native, id: &str, now: Timestamp) -> QueryResult<bool> {
    let rows = live(id).delete(native, Columns::new().with(groups::status, "deleted"), now)?;
    Rows::live(group_volume_type_mapping::table, group_volume_type_mapping::group_id, id).delete(
        native,
        Columns::new(),
        now,
    )?;
    Ok(rows != 0)
}

/// Keys of the volume types that a group's volumes may have.
pub(crate) fn volume_types(native: &mut Native, id: &str) -> QueryResult<Vec<String>> {
    group_volume_type_mapping::table
        .filter(group_volume_type_mapping::deleted.eq(false))
        .filter(group_volume_type_mapping::group_id.eq(id))
        .order(group_volume_type_mapping::id.asc())
        .select(group_volume_type_mapping::volume_type_id)
        .load(native)
}

/// The group snapshot with that key, live or deleted.
pub(crate) fn snapshot(native: &mut Native, id: &str) -> QueryResult<Option<GroupSnapshotRow>> {
    group_snapshots::table.find(id).select(GroupSnapshotRow::as_select()).first(native).optional()
}

/// The live group snapshot with that key.
pub(crate) fn live_snapshot(id: &str) -> Rows<group_snapshots::table> {
    Rows::live(group_snapshots::table, group_snapshots::id, id)
}

/// Soft-deletes a group snapshot; returns whether it was live.
pub(crate) fn delete_snapshot(native: &mut Native, id: &str, now: Timestamp) -> QueryResult<bool> {
    let columns = Columns::new().with(group_snapshots::status, "deleted");
    Ok(live_snapshot(id).delete(native, columns, now)? != 0)
}

/// The consistency groups with these keys, live and deleted, in any order.
pub(crate) fn consistency_groups(
    native: &mut Native,
    ids: &[&str],
) -> QueryResult<Vec<ConsistencyGroupRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    consistencygroups::table
        .filter(consistencygroups::id.eq_any(ids.iter().copied()))
        .select(ConsistencyGroupRow::as_select())
        .load(native)
}

/// The snapshot of a consistency group with that key, live or deleted.
pub(crate) fn cgsnapshot(native: &mut Native, id: &str) -> QueryResult<Option<CgsnapshotRow>> {
    cgsnapshots::table.find(id).select(CgsnapshotRow::as_select()).first(native).optional()
}
