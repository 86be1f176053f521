//! Tables of generic groups, and of the consistency groups before them.

use diesel::prelude::*;

use crate::{
    changes::Columns,
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

/// Changes a live group; returns how many rows that were.
pub(crate) fn update(
    native: &mut Native,
    id: &str,
    columns: Columns<groups::table>,
    now: Timestamp,
) -> QueryResult<usize> {
    diesel::update(groups::table.find(id))
        .filter(groups::deleted.eq(false))
        .set(columns.with(groups::updated_at, Some(now)))
        .execute(native)
}

/// Soft-deletes a group with its list of volume types; returns whether it was live.
pub(crate) fn delete(native: &mut Native, id: &str, now: Timestamp) -> QueryResult<bool> {
    let rows = diesel::update(groups::table.find(id))
        .filter(groups::deleted.eq(false))
        .set(
            Columns::new()
                .with(groups::status, Some("deleted".to_owned()))
                .with(groups::deleted, Some(true))
                .with(groups::deleted_at, Some(now)),
        )
        .execute(native)?;
    let of_group = group_volume_type_mapping::group_id.eq(id);
    soft_delete!(native, group_volume_type_mapping, now, of_group)?;
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

/// Changes a live group snapshot; returns how many rows that were.
pub(crate) fn update_snapshot(
    native: &mut Native,
    id: &str,
    columns: Columns<group_snapshots::table>,
    now: Timestamp,
) -> QueryResult<usize> {
    diesel::update(group_snapshots::table.find(id))
        .filter(group_snapshots::deleted.eq(false))
        .set(columns.with(group_snapshots::updated_at, Some(now)))
        .execute(native)
}

/// Soft-deletes a group snapshot; returns whether it was live.
pub(crate) fn delete_snapshot(native: &mut Native, id: &str, now: Timestamp) -> QueryResult<bool> {
    let rows = diesel::update(group_snapshots::table.find(id))
        .filter(group_snapshots::deleted.eq(false))
        .set(
            Columns::new()
                .with(group_snapshots::status, Some("deleted".to_owned()))
                .with(group_snapshots::deleted, Some(true))
                .with(group_snapshots::deleted_at, Some(now)),
        )
        .execute(native)?;
    Ok(rows != 0)
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
