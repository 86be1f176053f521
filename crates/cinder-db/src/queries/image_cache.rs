//! Table `image_volume_cache_entries`.

use diesel::prelude::*;

use crate::{
    changes::{self, Columns},
    dialect::{Native, exactly},
    rows::image_cache::{Cached, Entry, Place},
    schema::image_volume_cache_entries as cache,
    timestamp::Timestamp,
};

/// Entries, the one used last first; of one image or of all.
pub(crate) fn list(
    native: &mut Native,
    place: Place<'_>,
    image: Option<&str>,
) -> QueryResult<Vec<Entry>> {
    let mut query = cache::table
        .order((cache::last_used.desc(), cache::id.desc()))
        .select(Entry::as_select())
        .into_boxed();
    if let Some(image) = image {
        query = query.filter(cache::image_id.eq(image));
    }
    match place {
        Place::Anywhere => query,
        Place::Host(host) => query.filter(exactly(native, cache::host, host)),
        Place::Cluster(name) => query.filter(exactly(native, cache::cluster_name, name)),
    }
    .load(native)
}

/// The entry that a volume stands for.
pub(crate) fn of_volume(native: &mut Native, volume: &str) -> QueryResult<Option<Entry>> {
    cache::table
        .filter(cache::volume_id.eq(volume))
        .select(Entry::as_select())
        .get_result(native)
        .optional()
}

/// Notes that an entry is used; returns how many rows that were.
pub(crate) fn touch(native: &mut Native, id: i32, now: Timestamp) -> QueryResult<usize> {
    diesel::update(cache::table.find(id)).set(cache::last_used.eq(now)).execute(native)
}

/// Inserts an entry.
pub(crate) fn insert(native: &mut Native, entry: &Cached, now: Timestamp) -> QueryResult<()> {
    let row = Columns::new()
        .with(cache::host, &entry.host)
        .with(cache::cluster_name, entry.cluster_name.as_ref())
        .with(cache::image_id, &entry.image_id)
        .with(cache::image_updated_at, entry.image_updated_at)
        .with(cache::volume_id, &entry.volume_id)
        .with(cache::size, entry.size)
        .with(cache::last_used, now);
    changes::insert(native, cache::table, &row)
}

/// Removes the entries of a volume; returns how many.
pub(crate) fn delete(native: &mut Native, volume: &str) -> QueryResult<usize> {
    diesel::delete(cache::table.filter(cache::volume_id.eq(volume))).execute(native)
}
