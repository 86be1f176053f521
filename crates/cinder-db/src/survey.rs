//! What a service looks at of all its volumes and snapshots at once: few columns of many rows, chosen
//! by the database.
//!
//! Must not: change anything, or judge a status; which ones are meant is for the caller to say.

use cinder_types::{SnapshotId, VolumeId};

use crate::{
    connection::Connection, error::DbError, queries::survey as queries, timestamp::Timestamp,
};

pub use crate::rows::survey::{Of, Place, Stuck, VolumeName};

/// The keys of live volumes with this status.
pub fn volumes_of_status(
    connection: &mut Connection,
    of: Of<'_>,
    status: &str,
) -> Result<Vec<VolumeId>, DbError> {
    Ok(queries::volumes_of_status(connection.native()?, of, status)?)
}

/// What the names of live volumes on a back end are made of.
pub fn volume_names(connection: &mut Connection, of: Of<'_>) -> Result<Vec<VolumeName>, DbError> {
    Ok(queries::volume_names(connection.native()?, of)?)
}

/// The keys of live snapshots, and their status. A snapshot is where its volume is.
pub fn snapshot_names(
    connection: &mut Connection,
    of: Of<'_>,
) -> Result<Vec<(SnapshotId, Option<String>)>, DbError> {
    Ok(queries::snapshot_names(connection.native()?, of)?)
}

/// Live volumes with one of these statuses and without an entry in table `workers`, which nobody
/// has changed since then; so many at most.
pub fn stuck_volumes(
    connection: &mut Connection,
    of: Of<'_>,
    statuses: &[&str],
    since: Timestamp,
    most: i64,
) -> Result<Vec<Stuck>, DbError> {
    Ok(queries::stuck_volumes(connection.native()?, of, statuses, since, most)?)
}

/// The same of snapshots.
pub fn stuck_snapshots(
    connection: &mut Connection,
    of: Of<'_>,
    statuses: &[&str],
    since: Timestamp,
    most: i64,
) -> Result<Vec<Stuck>, DbError> {
    Ok(queries::stuck_snapshots(connection.native()?, of, statuses, since, most)?)
}

/// How many live volumes there are at each place, of whatever service.
pub fn volumes_by_place(connection: &mut Connection) -> Result<Vec<Place>, DbError> {
    Ok(queries::volumes_by_place(connection.native()?)?)
}
