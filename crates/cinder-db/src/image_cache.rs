//! Volumes that hold images, to be cloned instead of downloading an image again.
//!
//! Must not: decide what is thrown out; the caller knows the limits.

use cinder_types::{ImageId, VolumeId};

use crate::{
    connection::Connection,
    error::DbError,
    queries::image_cache as queries,
    timestamp::Timestamp,
    transaction::{single, write},
};

pub use crate::rows::image_cache::{Cached, Entry, Place};

/// Inserts an entry that is used now.
pub fn create(connection: &mut Connection, entry: &Cached) -> Result<(), DbError> {
    let now = Timestamp::now();
    single(connection, |native| Ok(queries::insert(native, entry, now)?))
}

/// The entry of an image that was used last, marked as used now.
pub fn take(
    connection: &mut Connection,
    image: &ImageId,
    place: Place<'_>,
) -> Result<Option<Entry>, DbError> {
    let now = Timestamp::now();
    write(connection, |native| {
        for mut entry in queries::list(native, place, Some(image.as_str()))? {
            // One that was thrown out in between is not there to be cloned.
            if queries::touch(native, entry.id, now)? != 0 {
                entry.last_used = now;
                return Ok(Some(entry));
            }
        }
        Ok(None)
    })
}

/// All entries of a place, the one used last first.
pub fn list(connection: &mut Connection, place: Place<'_>) -> Result<Vec<Entry>, DbError> {
    Ok(queries::list(connection.native()?, place, None)?)
}

/// The entry that a volume stands for.
pub fn of_volume(connection: &mut Connection, volume: &VolumeId) -> Result<Option<Entry>, DbError> {
    Ok(queries::of_volume(connection.native()?, volume.as_str())?)
}

/// Removes the entry of a volume for good; returns whether there was one.
pub fn delete(connection: &mut Connection, volume: &VolumeId) -> Result<bool, DbError> {
    single(connection, |native| Ok(queries::delete(native, volume.as_str())? != 0))
}
