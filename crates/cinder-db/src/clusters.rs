//! Rows of clusters as operations look at and change them; they come to be when their first member
//! registers ([`register`](crate::register)).

use crate::{connection::Connection, error::DbError, queries::clusters as queries, transaction};

pub use crate::rows::cluster::{Change, Cluster};

/// The live cluster of that name, `cluster@backend`.
pub fn find(
    connection: &mut Connection,
    name: &str,
    binary: &str,
) -> Result<Option<Cluster>, DbError> {
    Ok(queries::find(connection.native()?, name, binary)?)
}

/// Changes a live cluster.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub fn update(
    connection: &mut Connection,
    cluster: &Cluster,
    change: &Change,
) -> Result<(), DbError> {
    let row = queries::live(cluster.id);
    transaction::change(connection, ("cluster", &cluster.name), &row, change)
}
