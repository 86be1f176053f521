//! Rows of table `image_volume_cache_entries`, which has no soft deletes.

use cinder_types::{ImageId, VolumeId};
use diesel::{Queryable, Selectable};

use crate::{schema::image_volume_cache_entries, timestamp::Timestamp};

/// A volume that holds an image, to be cloned instead of downloading the image again.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = image_volume_cache_entries)]
pub struct ImageCacheEntry {
    /// Key of the row.
    pub id: i32,
    /// Where the volume is, `host@backend#pool`.
    pub host: String,
    /// The same with the cluster's name.
    pub cluster_name: Option<String>,
    /// The image.
    pub image_id: ImageId,
    /// The image's own time of change when it was copied.
    pub image_updated_at: Option<Timestamp>,
    /// The volume.
    pub volume_id: VolumeId,
    /// GiB.
    pub size: i32,
    /// When a volume was last cloned from it.
    pub last_used: Timestamp,
}

/// An entry to be made; its time of use is the time it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewImageCacheEntry {
    /// See [`ImageCacheEntry::host`].
    pub host: String,
    /// See [`ImageCacheEntry::cluster_name`].
    pub cluster_name: Option<String>,
    /// See [`ImageCacheEntry::image_id`].
    pub image_id: ImageId,
    /// See [`ImageCacheEntry::image_updated_at`].
    pub image_updated_at: Option<Timestamp>,
    /// See [`ImageCacheEntry::volume_id`].
    pub volume_id: VolumeId,
    /// See [`ImageCacheEntry::size`].
    pub size: i32,
}
