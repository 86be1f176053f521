//! Rows of table `clusters`.

use diesel::{Insertable, Queryable, Selectable};

use crate::{changes::changes, schema::clusters, timestamp::Timestamp};

/// A live cluster.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = clusters)]
pub struct Cluster {
    pub(crate) id: i32,
    /// `cluster@backend`.
    pub name: String,
    /// The kind of its services, as in `cinder-volume`.
    pub binary: String,
    /// Whether an operator took it out of service.
    pub disabled: Option<bool>,
    /// The operator's words for that.
    pub disabled_reason: Option<String>,
    /// State of its replication, as in `not-capable`.
    pub replication_status: Option<String>,
    /// The back end it failed over to.
    pub active_backend_id: Option<String>,
    /// Whether its resources are frozen after a failover.
    pub frozen: bool,
}

changes! {
    /// What an operation changes in a cluster.
    pub struct Change of clusters, Cluster {
        /// See [`Cluster::disabled`].
        disabled: Option<bool> = clusters::disabled,
        /// See [`Cluster::disabled_reason`].
        disabled_reason: Option<String> = clusters::disabled_reason,
        /// See [`Cluster::replication_status`].
        replication_status: Option<String> = clusters::replication_status,
        /// See [`Cluster::active_backend_id`].
        active_backend_id: Option<String> = clusters::active_backend_id,
        /// See [`Cluster::frozen`].
        frozen: bool = clusters::frozen,
    }
}

/// A cluster that its first member creates.
#[derive(Debug, Insertable)]
#[diesel(table_name = clusters, treat_none_as_default_value = false)]
pub(crate) struct NewCluster<'a> {
    pub(crate) created_at: Timestamp,
    pub(crate) deleted: bool,
    pub(crate) name: &'a str,
    pub(crate) binary: &'a str,
    pub(crate) disabled: bool,
    pub(crate) race_preventer: i32,
    pub(crate) replication_status: &'a str,
    pub(crate) active_backend_id: Option<&'a str>,
    pub(crate) frozen: bool,
}

/// How many resources a cluster took over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IncludedResources {
    /// Volumes.
    pub volumes: usize,
    /// Consistency groups.
    pub consistency_groups: usize,
    /// Generic groups.
    pub groups: usize,
    /// Entries of the image cache.
    pub image_cache_entries: usize,
}
