//! Attachments of volumes, with the legacy specs that some have.
//!
//! Must not: read what is inside of `connector` and `connection_info`; both are JSON of others.

use cinder_types::{AttachmentId, VolumeId};

use crate::{
    cas,
    changes::{self, Changes as _, Columns, to},
    connection::Connection,
    error::DbError,
    metadata,
    queries::{attachments as queries, metadata::OfService, volumes as volume_queries},
    rows::metadata::{self as notes, Metadata},
    schema::{volume_attachment, volumes},
    timestamp::Timestamp,
    transaction::{self, found, required, single, write},
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

/// Where a volume was attached, or is about to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedTo {
    /// The instance, if it is one.
    pub instance_uuid: Option<String>,
    /// The host.
    pub host: Option<String>,
    /// The device in the instance.
    pub mountpoint: Option<String>,
    /// `rw` or `ro`.
    pub mode: String,
    /// Whether that is complete: `attached` and `in-use`, else `attaching` twice.
    pub complete: bool,
}

/// What a detachment left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detached {
    /// The volume's status; `None` if an operation that runs is going to write it.
    pub status: Option<String>,
    /// The volume's `attach_status`.
    pub attach_status: String,
    /// Whether there was a live attachment with that key.
    pub attachment: bool,
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

/// Notes in an attachment and in its volume where that is attached; returns what was written
/// into the attachment.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub fn attached(
    connection: &mut Connection,
    id: &AttachmentId,
    place: &AttachedTo,
) -> Result<Change, DbError> {
    let now = Timestamp::now();
    let (status, attach_status) =
        if place.complete { ("in-use", "attached") } else { ("attaching", "attaching") };
    let change = Change {
        mountpoint: Some(place.mountpoint.clone()),
        attach_status: to(cinder_types::AttachStatus::new(attach_status)),
        instance_uuid: Some(place.instance_uuid.clone()),
        attached_host: Some(place.host.clone()),
        attach_time: to(now),
        attach_mode: to(place.mode.as_str()),
        ..Change::default()
    };
    write(connection, |native| {
        let row = queries::row(native, id.as_str())?.filter(|row| row.deleted == Some(false));
        let row = required(row, "attachment", id.as_str())?;
        // The volume first, as everybody who changes both does.
        let columns = Columns::new()
            .with(volumes::status, status)
            .with(volumes::attach_status, attach_status);
        let volume = row.volume_id.as_str();
        found(volume_queries::live(volume).update(native, &columns, now)?, "volume", volume)?;
        let mut columns = Columns::new();
        change.put_into(&mut columns);
        let rows = queries::live(id.as_str()).update(native, &columns, now)?;
        found(rows, "attachment", id.as_str())
    })?;
    Ok(change)
}

/// Takes an attachment away, the old way: soft-deletes it as `detached` and gives the volume the
/// status that its other attachments leave it (`spec/manager.md §6.3`).
///
/// One transaction with a lock on the volume. An attachment that is gone is no error; the volume
/// is put right all the same.
///
/// # Errors
///
/// [`DbError::NotFound`] if the volume is gone.
pub fn detach(
    connection: &mut Connection,
    volume: &VolumeId,
    id: &AttachmentId,
) -> Result<Detached, DbError> {
    let now = Timestamp::now();
    let volume = volume.as_str();
    write(connection, |native| {
        let before = volume_queries::lock(native, volume)?;
        let (status_before, migration) = required(before, "volume", volume)?;
        let columns = Columns::new()
            .with(volume_attachment::attach_status, "detached")
            .with(volume_attachment::detach_time, now)
            .with(volume_attachment::updated_at, now);
        let attachment = queries::live(id.as_str()).delete(native, columns, now)? != 0;

        let attach_status = attach_status_of(queries::statuses(native, volume)?);
        let shown = attach_status != "detached" || writes_status(&status_before, &migration);
        let status = shown.then(|| volume_status(&attach_status));
        let mut columns = Columns::new().with(volumes::attach_status, &attach_status);
        columns.put(volumes::status, status.as_ref());
        volume_queries::live(volume).update(native, &columns, now)?;
        metadata::delete_key::<OfService>(native, volume, "attached_mode", now)?;
        Ok(Detached { status, attach_status, attachment })
    })
}

/// The first by alphabet of those that did not fail, which is the one that weighs most:
/// attached, attaching, detaching, reserved.
fn attach_status_of(attachments: Vec<Option<String>>) -> String {
    let counts = |status: &String| !status.starts_with("error_");
    let first = attachments.into_iter().flatten().filter(counts).min();
    first.unwrap_or_else(|| "detached".to_owned())
}

fn volume_status(attach_status: &str) -> String {
    match attach_status {
        "attached" => "in-use",
        "detached" => "available",
        other => other,
    }
    .to_owned()
}

/// Whether no migration and no upload is at work that will write the status itself.
fn writes_status(status: &Option<String>, migration: &Option<String>) -> bool {
    match migration.as_deref() {
        None | Some("") => status.as_deref() != Some("uploading"),
        Some(migration) => matches!(migration, "success" | "error"),
    }
}

/// Soft-deletes an attachment with its legacy specs; returns whether it was live.
pub fn delete(connection: &mut Connection, id: &AttachmentId) -> Result<bool, DbError> {
    let now = Timestamp::now();
    write(connection, |native| Ok(queries::delete(native, id.as_str(), now)?))
}
