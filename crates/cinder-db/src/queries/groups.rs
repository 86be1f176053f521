//! Tables `groups` and `group_volume_type_mapping`.

use cinder_types::VolumeTypeId;
use diesel::prelude::*;

use crate::{
    changes::{Columns, Rows},
    dialect::{Native, among, on_host},
    rows::group::{Group, Of},
    schema::{group_volume_type_mapping, groups},
    timestamp::Timestamp,
};

/// The groups with these keys, live and deleted, in any order.
pub(crate) fn rows(native: &mut Native, ids: &[&str]) -> QueryResult<Vec<Group>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    groups::table
        .filter(among(groups::id, ids.iter().copied()))
        .select(Group::as_select())
        .load(native)
}

/// Live groups, youngest first.
pub(crate) fn list(native: &mut Native, of: Of<'_>) -> QueryResult<Vec<Group>> {
    let query = groups::table
        .filter(groups::deleted.eq(false))
        .order((groups::created_at.desc(), groups::id.desc()))
        .select(Group::as_select())
        .into_boxed();
    match of {
        Of::Host(host) => query.filter(on_host(native, groups::host, host)),
        Of::Cluster(name) => query.filter(on_host(native, groups::cluster_name, name)),
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
pub(crate) fn volume_types(native: &mut Native, id: &str) -> QueryResult<Vec<VolumeTypeId>> {
    group_volume_type_mapping::table
        .filter(group_volume_type_mapping::deleted.eq(false))
        .filter(group_volume_type_mapping::group_id.eq(id))
        .order(group_volume_type_mapping::id.asc())
        .select(group_volume_type_mapping::volume_type_id)
        .load(native)
}
