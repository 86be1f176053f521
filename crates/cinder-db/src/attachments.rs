//! Attachments of volumes, with the legacy specs that some have.
//!
//! Must not: read what is inside of `connector` and `connection_info`; both are JSON of others.

use cinder_types::{AttachmentId, VolumeId};

use crate::{
    cas,
    changes::{self, Changes as _, Columns},
    connection::Connection,
    error::DbError,
    metadata,
    queries::{attachments as queries, metadata::OfService, volumes as volume_queries},
    rows::metadata::{self as notes, Metadata},
    schema::volume_attachment,
    timestamp::Timestamp,
    transaction::{self, found, required, single, write},
    volumes,
};

pub use crate::rows::attachment::{Attachment, Change, Of};

cas::columns! {
    Attachment in "volume_attachment" {
        ATTACH_STATUS: Text = volume_attachment::attach_status,
        VOLUME_ID: Text = volume_attachment::volume_id,
        INSTANCE_UUID: Text = volume_attachment::instance_uuid,
        UPDATED_AT: Time = volume_attachment::updated_at,
    }
}

/// What changes together when a volume is attached or detached.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Update {
    /// In the volume.
    pub volume: volumes::Change,
    /// In the attachment.
    pub attachment: Change,
    /// Whether the attachment is soft-deleted. `updated_at` moves all the same, as upstream has it
    /// where it detaches the old way.
    pub delete: bool,
    /// Keys of the volume's admin metadata that are soft-deleted.
    pub forget: &'static [&'static str],
}

/// The live attachment with that key.
pub fn get(connection: &mut Connection, id: &AttachmentId) -> Result<Option<Attachment>, DbError> {
    let row = queries::row(connection.native()?, id.as_str())?;
    Ok(row.filter(|row| row.deleted == Some(false)))
}

/// Live attachments that are not detached, oldest first.
pub fn list(connection: &mut Connection, of: Of<'_>) -> Result<Vec<Attachment>, DbError> {
    Ok(queries::list(connection.native()?, of)?)
}

/// The legacy specs of an attachment.
pub fn specs(connection: &mut Connection, id: &AttachmentId) -> Result<Metadata, DbError> {
    Ok(notes::map(queries::specs(connection.native()?, id.as_str())?))
}

/// Inserts an attachment of a volume.
pub fn create(
    connection: &mut Connection,
    id: &AttachmentId,
    volume: &VolumeId,
    columns: &Change,
) -> Result<(), DbError> {
    let mut row = Columns::new()
        .with(volume_attachment::created_at, Timestamp::now())
        .with(volume_attachment::deleted, false)
        .with(volume_attachment::id, id)
        .with(volume_attachment::volume_id, volume);
    columns.put_into(&mut row);
    single(connection, |native| Ok(changes::insert(native, volume_attachment::table, &row)?))
}

/// Changes a live attachment.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub fn update(
    connection: &mut Connection,
    id: &AttachmentId,
    change: &Change,
) -> Result<(), DbError> {
    let row = queries::live(id.as_str());
    transaction::change(connection, ("attachment", id.as_str()), &row, change)
}

/// Changes a live attachment together with its live volume, as `decide` says that sees both.
///
/// `decide` is given the volume and all its live attachments, oldest first, while nobody else can
/// change the volume; what it returns is written in the same transaction. After a deadlock it is
/// asked again, so it must do nothing but decide.
///
/// Returns what was written.
///
/// # Errors
///
/// [`DbError::NotFound`] if the volume is gone, or the attachment is and was to be changed.
pub fn change_locked(
    connection: &mut Connection,
    volume: &VolumeId,
    id: &AttachmentId,
    mut decide: impl FnMut(&volumes::Row, &[Attachment]) -> Update,
) -> Result<Update, DbError> {
    let now = Timestamp::now();
    let key = volume.as_str();
    write(connection, |native| {
        let row = required(volume_queries::lock(native, key)?, "volume", key)?;
        let update = decide(&row, &queries::of_volumes(native, &[key])?);
        // The volume first, as everybody who changes both does.
        if let Some(columns) = update.volume.columns() {
            volume_queries::live(key).update(native, &columns, now)?;
        }
        for forgotten in update.forget {
            metadata::delete_key::<OfService>(native, key, forgotten, now)?;
        }
        let attachment = queries::live_of(id.as_str(), key);
        let rows = match (update.attachment.columns(), update.delete) {
            (None, false) => return Ok(update),
            (Some(columns), false) => attachment.update(native, &columns, now)?,
            (columns, true) => {
                let columns = columns.unwrap_or_else(Columns::new);
                let columns = columns.with(volume_attachment::updated_at, now);
                attachment.delete(native, columns, now)?
            }
        };
        found(rows, "attachment", id.as_str())?;
        Ok(update)
    })
}

/// Soft-deletes an attachment with its legacy specs; returns whether it was live.
pub fn delete(connection: &mut Connection, id: &AttachmentId) -> Result<bool, DbError> {
    let now = Timestamp::now();
    write(connection, |native| Ok(queries::delete(native, id.as_str(), now)?))
}
