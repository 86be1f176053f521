//! Group types and their specs, which are only read.

use diesel::prelude::*;

use crate::{
    dialect::Native,
    rows::{group_type::Row, metadata::Pair},
    schema::{group_type_specs as specs, group_types},
};

/// The type with that key, live or deleted.
pub(crate) fn row(native: &mut Native, id: &str) -> QueryResult<Option<Row>> {
    group_types::table.find(id).select(Row::as_select()).get_result(native).optional()
}

/// Its live specs, oldest first.
pub(crate) fn specs(native: &mut Native, id: &str) -> QueryResult<Vec<Pair>> {
    specs::table
        .filter(specs::deleted.eq(false))
        .filter(specs::group_type_id.eq(id))
        .order(specs::id.asc())
        .select((specs::key, specs::value))
        .load(native)
}
