//! Tables `volume_attachment` and `attachment_specs`.

use diesel::prelude::*;

use crate::{
    changes::{Columns, Rows},
    dialect::{Native, among, exactly},
    rows::{
        attachment::{Attachment, Of},
        metadata::Pair,
    },
    schema::{attachment_specs, volume_attachment},
    timestamp::Timestamp,
};

/// The row with that key, live or deleted.
pub(crate) fn row(native: &mut Native, id: &str) -> QueryResult<Option<Attachment>> {
    volume_attachment::table.find(id).select(Attachment::as_select()).get_result(native).optional()
}

/// Live attachments of these volumes, oldest first.
pub(crate) fn of_volumes(native: &mut Native, volumes: &[&str]) -> QueryResult<Vec<Attachment>> {
    volume_attachment::table
        .filter(volume_attachment::deleted.eq(false))
        .filter(among(volume_attachment::volume_id, volumes.iter().copied()))
        .order((volume_attachment::created_at.asc(), volume_attachment::id.asc()))
        .select(Attachment::as_select())
        .load(native)
}

/// Live attachments that are not detached, oldest first.
pub(crate) fn list(native: &mut Native, of: Of<'_>) -> QueryResult<Vec<Attachment>> {
    let query = volume_attachment::table
        .filter(volume_attachment::deleted.eq(false))
        .filter(volume_attachment::attach_status.ne("detached"))
        .order((volume_attachment::created_at.asc(), volume_attachment::id.asc()))
        .select(Attachment::as_select())
        .into_boxed();
    match of {
        Of::Volume(id) => query.filter(volume_attachment::volume_id.eq(id.as_str())),
        Of::Instance(uuid) => query.filter(volume_attachment::instance_uuid.eq(uuid)),
        Of::Host(host) => query.filter(exactly(native, volume_attachment::attached_host, host)),
    }
    .load(native)
}

/// The live attachment with that key.
pub(crate) fn live(id: &str) -> Rows<volume_attachment::table> {
    Rows::live(volume_attachment::table, volume_attachment::id, id)
}

/// The same, if it is one of this volume's.
pub(crate) fn live_of(id: &str, volume: &str) -> Rows<volume_attachment::table> {
    live(id).and(volume_attachment::volume_id, volume)
}

/// Soft-deletes an attachment with its legacy specs; returns whether it was live.
pub(crate) fn delete(native: &mut Native, id: &str, now: Timestamp) -> QueryResult<bool> {
    let columns = Columns::new().with(volume_attachment::attach_status, "deleted");
    let rows = live(id).delete(native, columns, now)?;
    Rows::live(attachment_specs::table, attachment_specs::attachment_id, id).delete(
        native,
        Columns::new(),
        now,
    )?;
    Ok(rows != 0)
}

/// What releases before attachments had a `connector` noted about one, oldest first.
pub(crate) fn specs(native: &mut Native, id: &str) -> QueryResult<Vec<Pair>> {
    attachment_specs::table
        .filter(attachment_specs::deleted.eq(false))
        .filter(attachment_specs::attachment_id.eq(id))
        .order(attachment_specs::id.asc())
        .select((attachment_specs::key, attachment_specs::value))
        .load(native)
}
