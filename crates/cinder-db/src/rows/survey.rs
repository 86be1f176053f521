//! A few columns of many rows.

use cinder_types::VolumeId;
use diesel::prelude::*;

use crate::schema::volumes;

/// Whose volumes and snapshots.
#[derive(Debug, Clone, Copy)]
pub enum Of<'a> {
    /// At a host, a back end or a pool.
    Host(&'a str),
    /// In a cluster.
    Cluster(&'a str),
}

/// A key and a status.
pub type Stuck = (String, String);

/// What a volume's name on a back end is made of.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = volumes)]
pub struct VolumeName {
    /// Its key.
    pub id: VolumeId,
    /// The key that its name has instead.
    pub name_id: Option<VolumeId>,
    /// Its status.
    pub status: Option<String>,
}

/// How many live volumes there are at one place.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Place {
    /// `host@backend#pool`.
    pub host: Option<String>,
    /// The cluster, if the volumes are in one.
    pub cluster: Option<String>,
    /// How many.
    pub count: i64,
}
