//! Rows of services and clusters as operations look at and change them; their start and their
//! heartbeat are elsewhere ([`register`](crate::register), [`Heartbeat`](crate::Heartbeat)).
//!
//! Must not: fake a sign of life. Whether a service is up is read off `updated_at`.

use cinder_types::ServiceId;

use crate::{
    changes::Columns,
    connection::Connection,
    error::DbError,
    queries::{clusters, services as queries},
    rows::{
        cluster::{ClusterChange, ClusterRow},
        service::{ServiceChange, ServiceRow},
    },
    schema::services,
    timestamp::Timestamp,
    transaction::{found, single},
};

/// The live service with that key.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn get(connection: &mut Connection, id: ServiceId) -> Result<Option<ServiceRow>, DbError> {
    Ok(queries::row(connection.native()?, id.get())?)
}

/// The live service of a host and a binary; the oldest if there are several.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn find(
    connection: &mut Connection,
    host: &str,
    binary: &str,
) -> Result<Option<ServiceRow>, DbError> {
    Ok(queries::find(connection.native()?, host, binary)?)
}

/// Changes a live service.
///
/// A change of `disabled` notes its own time and is no sign of life (`spec/schema.md §5.1`);
/// any other is one, as upstream has it.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Query`].
pub fn update(
    connection: &mut Connection,
    id: ServiceId,
    change: &ServiceChange,
) -> Result<(), DbError> {
    if change.is_empty() {
        return Ok(());
    }
    let now = Some(Timestamp::now());
    let columns = Columns::new();
    let mut columns = match change.disabled {
        Some(_) => columns.with(services::modified_at, now),
        None => columns.with(services::updated_at, now),
    };
    change.put_into(&mut columns);
    single(connection, |native| {
        let rows = queries::update(native, id.get(), columns.clone())?;
        found(rows, "service", &id.to_string())
    })
}

/// The live cluster of that name, `cluster@backend`.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn find_cluster(
    connection: &mut Connection,
    name: &str,
    binary: &str,
) -> Result<Option<ClusterRow>, DbError> {
    Ok(clusters::find(connection.native()?, name, binary)?)
}

/// Changes a live cluster.
///
/// # Errors
///
/// [`DbError::NotFound`], [`DbError::Query`].
pub fn update_cluster(
    connection: &mut Connection,
    cluster: &ClusterRow,
    change: &ClusterChange,
) -> Result<(), DbError> {
    if change.is_empty() {
        return Ok(());
    }
    let now = Timestamp::now();
    let mut columns = Columns::new();
    change.put_into(&mut columns);
    single(connection, |native| {
        let rows = clusters::update(native, cluster.id, columns.clone(), now)?;
        found(rows, "cluster", &cluster.name)
    })
}
