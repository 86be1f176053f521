//! Consistency groups and their snapshots, which generic groups have replaced. Only read.

use cinder_types::{CgsnapshotId, ConsistencyGroupId};

use crate::{connection::Connection, error::DbError, queries::consistency_groups as queries};

pub use crate::rows::consistency_group::{Cgsnapshot, ConsistencyGroup};

/// The consistency group with that key, live or deleted.
pub fn get(
    connection: &mut Connection,
    id: &ConsistencyGroupId,
) -> Result<Option<ConsistencyGroup>, DbError> {
    let rows = queries::rows(connection.native()?, &[id.as_str()])?;
    Ok(rows.into_iter().next())
}

/// The snapshot of a consistency group with that key, live or deleted.
pub fn get_snapshot(
    connection: &mut Connection,
    id: &CgsnapshotId,
) -> Result<Option<Cgsnapshot>, DbError> {
    Ok(queries::cgsnapshot(connection.native()?, id.as_str())?)
}
