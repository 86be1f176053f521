//! Table `backups`.

use diesel::prelude::*;

use crate::{
    changes::Columns, dialect::Native, rows::backup::BackupRow, schema::backups,
    timestamp::Timestamp,
};

/// The row with that key, live or deleted.
pub(crate) fn row(native: &mut Native, id: &str) -> QueryResult<Option<BackupRow>> {
    backups::table.find(id).select(BackupRow::as_select()).first(native).optional()
}

/// Changes a backup, even a deleted one as upstream does; returns how many rows that were.
pub(crate) fn update(
    native: &mut Native,
    id: &str,
    columns: Columns<backups::table>,
    now: Timestamp,
) -> QueryResult<usize> {
    diesel::update(backups::table.find(id))
        .set(columns.with(backups::updated_at, Some(now)))
        .execute(native)
}
