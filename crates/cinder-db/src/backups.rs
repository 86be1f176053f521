//! Backups, as far as a volume service has a part in them.
//!
//! Must not: create or delete one; the backup service does.

use cinder_types::BackupId;

use crate::{connection::Connection, error::DbError, queries::backups as queries, transaction};

pub use crate::rows::backup::{Backup, Change};

/// The live backup with that key.
pub fn get(connection: &mut Connection, id: &BackupId) -> Result<Option<Backup>, DbError> {
    let row = queries::row(connection.native()?, id.as_str())?;
    Ok(row.filter(|row| row.deleted == Some(false)))
}

/// Changes a backup, live or deleted.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub fn update(connection: &mut Connection, id: &BackupId, change: &Change) -> Result<(), DbError> {
    transaction::change(connection, ("backup", id.as_str()), &queries::any(id.as_str()), change)
}
