//! Rows of table `image_volume_cache_entries`, which has no soft deletes.

use cinder_types::{ImageId, VolumeId};
use diesel::{Queryable, Selectable};

use crate::{schema::image_volume_cache_entries, timestamp::Timestamp};

/// Where a cached volume has to be. Names are compared whole, pools included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// On any host: the back end clones across pools.
    Anywhere,
    /// On this `host@backend#pool`.
    Host(&'a str),
    /// On this `cluster@backend#pool`.
    Cluster(&'a str),
}

/// A volume that holds an image, to be cloned instead of downloading the image again.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = image_volume_cache_entries)]
pub struct Cached {
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
}

/// An entry of the cache.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = image_volume_cache_entries)]
pub struct Entry {
    /// Key of the row.
    pub id: i32,
    /// What it stands for.
    #[diesel(embed)]
    pub cached: Cached,
    /// When a volume was last cloned from it.
    pub last_used: Timestamp,
}
