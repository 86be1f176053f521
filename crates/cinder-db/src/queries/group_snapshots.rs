//! Table `group_snapshots`.

use diesel::prelude::*;

use crate::{
    changes::{Columns, Rows},
    dialect::Native,
    rows::group_snapshot::GroupSnapshot,
    schema::group_snapshots,
    timestamp::Timestamp,
};

/// The group snapshot with that key, live or deleted.
pub(crate) fn row(native: &mut Native, id: &str) -> QueryResult<Option<GroupSnapshot>> {
    group_snapshots::table.find(id).select(GroupSnapshot::as_select()).get_result(native).optional()
}

/// The live group snapshot with that key.
pub(crate) fn live(id: &str) -> Rows<group_snapshots::table> {
    Rows::live(group_snapshots::table, group_snapshots::id, id)
}

/// Soft-deletes a group snapshot; returns whether it was live.
pub(crate) fn delete(native: &mut Native, id: &str, now: Timestamp) -> QueryResult<bool> {
    let columns = Columns::new().with(group_snapshots::status, "deleted");
    Ok(live(id).delete(native, columns, now)? != 0)
}
