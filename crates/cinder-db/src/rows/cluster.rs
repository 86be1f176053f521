//! Rows of table `clusters`.

use diesel::{Insertable, Queryable, Selectable};

use crate::{schema::clusters, timestamp::Timestamp};

/// What a service takes over from its cluster.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = clusters)]
pub(crate) struct ClusterRow {
    pub(crate) replication_status: Option<String>,
    pub(crate) active_backend_id: Option<String>,
    pub(crate) frozen: bool,
}

/// A cluster that its first member creates.
#[derive(Debug, Insertable)]
#[diesel(table_name = clusters)]
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
