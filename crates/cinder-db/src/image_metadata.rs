//! What volumes and snapshots keep of the properties of the image they come from.
//!
//! Must not: change a value. A key that is there stays as it is until all are deleted.

use cinder_types::VolumeId;

use crate::{
    connection::Connection,
    dialect::Native,
    error::DbError,
    queries::{image_metadata as queries, volumes},
    rows::metadata::{self as notes, Metadata},
    timestamp::Timestamp,
    transaction::{required, single, write},
};

pub use crate::rows::image_metadata::{Keeper, Row};

/// All live keys and values.
pub fn get(connection: &mut Connection, keeper: Keeper<'_>) -> Result<Metadata, DbError> {
    Ok(notes::map(queries::of(connection.native()?, keeper)?))
}

/// The live rows of a volume, oldest first, for whoever is told all about it.
pub fn rows(connection: &mut Connection, volume: &VolumeId) -> Result<Vec<Row>, DbError> {
    Ok(queries::rows(connection.native()?, volume)?)
}

/// Adds keys to a live volume; those that it has with the same value are no error.
///
/// # Errors
///
/// [`DbError::ImageMetadataExists`], [`DbError::NotFound`].
pub fn add(
    connection: &mut Connection,
    volume: &VolumeId,
    pairs: &Metadata,
) -> Result<(), DbError> {
    let now = Timestamp::now();
    write(connection, |native| add_to(native, volume, pairs, now))
}

/// Puts these keys in the place of all that a live volume has, as after its image was changed.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub fn replace(
    connection: &mut Connection,
    volume: &VolumeId,
    pairs: &Metadata,
) -> Result<(), DbError> {
    let now = Timestamp::now();
    write(connection, |native| {
        required(volumes::lock(native, volume.as_str())?, "volume", volume.as_str())?;
        queries::delete(native, Keeper::Volume(volume), now)?;
        add_to(native, volume, pairs, now)
    })
}

fn add_to(
    native: &mut Native,
    volume: &VolumeId,
    pairs: &Metadata,
    now: Timestamp,
) -> Result<(), DbError> {
    // The lock keeps two from adding one key.
    required(volumes::lock(native, volume.as_str())?, "volume", volume.as_str())?;
    let known = notes::map(queries::of(native, Keeper::Volume(volume))?);
    let mut new = Metadata::new();
    for (key, value) in pairs {
        match known.get(key) {
            Some(before) if before == value => {}
            Some(_) => {
                let volume = volume.as_str().to_owned();
                return Err(DbError::ImageMetadataExists { volume, key: key.clone() });
            }
            None => _ = new.insert(key.clone(), value.clone()),
        }
    }
    Ok(queries::insert(native, Keeper::Volume(volume), &new, now)?)
}

/// Copies all keys of one keeper to another, which has none yet; returns how many.
pub fn copy(
    connection: &mut Connection,
    from: Keeper<'_>,
    to: Keeper<'_>,
) -> Result<usize, DbError> {
    let now = Timestamp::now();
    write(connection, |native| {
        let pairs = notes::map(queries::of(native, from)?);
        queries::insert(native, to, &pairs, now)?;
        Ok(pairs.len())
    })
}

/// Soft-deletes all keys; returns how many.
pub fn delete(connection: &mut Connection, keeper: Keeper<'_>) -> Result<usize, DbError> {
    let now = Timestamp::now();
    single(connection, |native| Ok(queries::delete(native, keeper, now)?))
}
