//! Types of generic groups, which are only read.

use cinder_types::GroupTypeId;

use crate::{
    connection::Connection, error::DbError, queries::group_types as queries, rows::metadata,
    transaction::read,
};

pub use crate::rows::group_type::{GroupType, Row};

/// The live type with that key.
pub fn get(connection: &mut Connection, id: &GroupTypeId) -> Result<Option<GroupType>, DbError> {
    read(connection, |native| {
        let row = queries::row(native, id.as_str())?;
        let Some(row) = row.filter(|row| row.deleted == Some(false)) else { return Ok(None) };
        let specs = metadata::map(queries::specs(native, id.as_str())?);
        Ok(Some(GroupType { row, specs }))
    })
}
