//! Table `backups`.

use diesel::prelude::*;

use crate::{changes::Rows, dialect::Native, rows::backup::Backup, schema::backups};

/// The row with that key, live or deleted.
pub(crate) fn row(native: &mut Native, id: &str) -> QueryResult<Option<Backup>> {
    backups::table.find(id).select(Backup::as_select()).get_result(native).optional()
}

/// The backup with that key, even a deleted one: upstream changes those, too.
pub(crate) fn any(id: &str) -> Rows<backups::table> {
    Rows::all(backups::table, backups::id, id)
}
