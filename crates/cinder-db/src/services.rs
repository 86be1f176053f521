//! Rows of services as operations look at and change them; their start and their
//! heartbeat are elsewhere ([`register`](crate::register), [`Heartbeat`](crate::Heartbeat)).
//!
//! Must not: fake a sign of life. Whether a service is up is read off `updated_at`.

use cinder_types::ServiceId;

use crate::{
    connection::Connection, error::DbError, queries::services as queries, schema::services,
    transaction,
};

pub use crate::rows::service::{ServiceChange as Change, ServiceRow as Service};

/// The live service with that key.
pub fn get(connection: &mut Connection, id: ServiceId) -> Result<Option<Service>, DbError> {
    Ok(queries::row(connection.native()?, id.get())?)
}

/// The live service of a host and a binary; the oldest if there are several.
pub fn find(
    connection: &mut Connection,
    host: &str,
    binary: &str,
) -> Result<Option<Service>, DbError> {
    Ok(queries::find(connection.native()?, host, binary)?)
}

/// Changes a live service.
///
/// A change of `disabled` notes its own time and is no sign of life (`spec/schema.md §5.1`);
/// any other is one, as upstream has it.
///
/// # Errors
///
/// [`DbError::NotFound`].
pub fn update(connection: &mut Connection, id: ServiceId, change: &Change) -> Result<(), DbError> {
    let mut row = queries::one(id.get());
    if change.disabled.is_some() {
        row = row.stamped(services::modified_at);
    }
    transaction::change(connection, ("service", &id.to_string()), &row, change)
}
