//! Backups, as far as a volume service has a part in them.
//!
//! Must not: create or delete one; the backup service does.

use cinder_types::BackupId;

use crate::{
    changes::Columns,
    connection::Connection,
    error::DbError,
    queries::backups as queries,
    rows::backup::{BackupChange, BackupRow},
    timestamp::Timestamp,
    transaction::{found, single},
};

/// The live backup with that key.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn get(connection: &mut Connection, id: &BackupId) -> Result<Option<BackupRow>, DbError> {
    let row = queries::row(connection.native()?, id.as_str())?;
    Ok(row.filter(|row| row.deleted == Some(false)))
}

/// Changes a backup, live or deleted.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Query`].
pub fn update(
    connection: &mut Connection,
    id: &BackupId,
    change: &BackupChange,
) -> Result<(), DbError> {
    if change.is_empty() {
        return Ok(());
    }
    let now = Timestamp::now();
    let mut columns = Columns::new();
    change.put_into(&mut columns);
    single(connection, |native| {
        found(queries::update(native, id.as_str(), columns.clone(), now)?, "backup", id.as_str())
    })
}
