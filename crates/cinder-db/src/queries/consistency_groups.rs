//! Tables of the consistency groups that generic groups have replaced.

use diesel::prelude::*;

use crate::{
    dialect::{Native, among},
    rows::consistency_group::{Cgsnapshot, ConsistencyGroup},
    schema::{cgsnapshots, consistencygroups},
};

/// The consistency groups with these keys, live and deleted, in any order.
pub(crate) fn rows(native: &mut Native, ids: &[&str]) -> QueryResult<Vec<ConsistencyGroup>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    consistencygroups::table
        .filter(among(consistencygroups::id, ids.iter().copied()))
        .select(ConsistencyGroup::as_select())
        .load(native)
}

/// The snapshot of a consistency group with that key, live or deleted.
pub(crate) fn cgsnapshot(native: &mut Native, id: &str) -> QueryResult<Option<Cgsnapshot>> {
    cgsnapshots::table.find(id).select(Cgsnapshot::as_select()).get_result(native).optional()
}
