//! Volume types with what is hung on them, and group types. All of them are only read.

use std::collections::BTreeMap;

use cinder_types::{ProjectId, QosSpecsId, VolumeTypeId};

use crate::{
    connection::Connection,
    dialect::Native,
    error::DbError,
    queries::volume_types as queries,
    rows::metadata::{self, by_parent},
    transaction::read,
};

pub use crate::rows::volume_type::{Encryption, QosSpecs, Row, VolumeType};

/// The key of the QoS spec that says who applies the others.
const QOS_CONSUMER: &str = "consumer";

/// The live type with that key.
pub fn get(connection: &mut Connection, id: &VolumeTypeId) -> Result<Option<VolumeType>, DbError> {
    Ok(get_even_deleted(connection, id)?.filter(|one| one.row.deleted == Some(false)))
}

/// The type with that key, live or deleted; quotas are counted per type even after its end.
pub fn get_even_deleted(
    connection: &mut Connection,
    id: &VolumeTypeId,
) -> Result<Option<VolumeType>, DbError> {
    read(connection, |native| Ok(by_key(native, &[id.as_str()])?.into_values().next()))
}

/// The live type of that name.
pub fn get_by_name(connection: &mut Connection, name: &str) -> Result<Option<VolumeType>, DbError> {
    read(connection, |native| match queries::named(native, name)? {
        Some(id) => Ok(by_key(native, &[&id])?.into_values().next()),
        None => Ok(None),
    })
}

/// The projects that may use a type which is not public.
pub fn projects(connection: &mut Connection, id: &VolumeTypeId) -> Result<Vec<ProjectId>, DbError> {
    let projects = queries::projects(connection.native()?, id.as_str())?;
    Ok(projects.into_iter().flatten().collect())
}

/// The type that volumes of a project have unless they ask for another.
pub fn project_default(
    connection: &mut Connection,
    project: &ProjectId,
) -> Result<Option<VolumeTypeId>, DbError> {
    Ok(queries::project_default(connection.native()?, project.as_str())?)
}

/// How volumes of a type are encrypted; `None` if they are not.
pub fn encryption(
    connection: &mut Connection,
    id: &VolumeTypeId,
) -> Result<Option<Encryption>, DbError> {
    Ok(queries::encryption(connection.native()?, id.as_str())?)
}

/// A live set of QoS specs; a type says which in `qos_specs_id`.
pub fn qos_specs(
    connection: &mut Connection,
    id: &QosSpecsId,
) -> Result<Option<QosSpecs>, DbError> {
    read(connection, |native| {
        let Some(name) = queries::qos_name(native, id.as_str())? else { return Ok(None) };
        let rows = queries::qos_specs(native, id.as_str())?;
        let updated_at = rows.iter().filter_map(|row| row.updated_at).max();
        let mut specs = metadata::map(rows.into_iter().map(|row| (row.key, row.value)));
        let consumer = specs.remove(QOS_CONSUMER).flatten();
        Ok(Some(QosSpecs {
            id: id.clone(),
            name: name.value,
            consumer,
            specs,
            created_at: name.created_at,
            updated_at,
        }))
    })
}

/// The types with these keys, live and deleted, with their extra specs.
pub(crate) fn by_key(
    native: &mut Native,
    ids: &[&str],
) -> Result<BTreeMap<String, VolumeType>, DbError> {
    let rows = queries::rows(native, ids)?;
    let mut specs = by_parent(queries::extra_specs(native, ids)?);
    let with_specs = |row: Row| {
        let extra_specs = specs.remove(row.id.as_str()).unwrap_or_default();
        (row.id.as_str().to_owned(), VolumeType { row, extra_specs })
    };
    Ok(rows.into_iter().map(with_specs).collect())
}
