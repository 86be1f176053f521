//! Statements, one file per group of tables; each takes a native connection and returns rows.
//!
//! Must not: decide, log, put rows together, or open transactions (but for a savepoint that keeps a
//! lost race from spoiling one). What belongs together in one transaction is
//! known to the callers (`registry`, `heartbeat`, `quota`, `workers`, and one public module per kind of resource).

pub(crate) mod attachments;
pub(crate) mod backups;
pub(crate) mod clusters;
pub(crate) mod consistency_groups;
pub(crate) mod group_snapshots;
pub(crate) mod group_types;
pub(crate) mod groups;
pub(crate) mod image_cache;
pub(crate) mod image_metadata;
pub(crate) mod messages;
pub(crate) mod metadata;
pub(crate) mod quota_counts;
pub(crate) mod quotas;
pub(crate) mod schema_version;
pub(crate) mod services;
pub(crate) mod snapshots;
pub(crate) mod volume_types;
pub(crate) mod volumes;
pub(crate) mod workers;
