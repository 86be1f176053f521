//! Volume types with what is hung on them, and group types. All of them are only read.

use cinder_types::{GroupTypeId, ProjectId, QosSpecsId, VolumeTypeId};

use crate::{
    connection::Connection,
    error::DbError,
    queries::volume_types as queries,
    rows::volume_type::{EncryptionRow, GroupType, QosSpecs, VolumeType},
    transaction::read,
};

/// The live type with that key.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn get(connection: &mut Connection, id: &VolumeTypeId) -> Result<Option<VolumeType>, DbError> {
    Ok(get_even_deleted(connection, id)?.filter(|one| one.row.deleted == Some(false)))
}

/// The type with that key, live or deleted; quotas are counted per type even after its end.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn get_even_deleted(
    connection: &mut Connection,
    id: &VolumeTypeId,
) -> Result<Option<VolumeType>, DbError> {
    read(connection, |native| Ok(queries::get(native, &[id.as_str()])?.into_values().next()))
}

/// The live type of that name.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn get_by_name(connection: &mut Connection, name: &str) -> Result<Option<VolumeType>, DbError> {
    read(connection, |native| match queries::named(native, name)? {
        Some(id) => Ok(queries::get(native, &[&id])?.into_values().next()),
        None => Ok(None),
    })
}

/// The projects that may use a type which is not public.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn projects(connection: &mut Connection, id: &VolumeTypeId) -> Result<Vec<ProjectId>, DbError> {
    let projects = queries::projects(connection.native()?, id.as_str())?;
    Ok(projects.into_iter().flatten().map(ProjectId::new).collect())
}

/// The type that volumes of a project have unless they ask for another.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn project_default(
    connection: &mut Connection,
    project: &ProjectId,
) -> Result<Option<VolumeTypeId>, DbError> {
    let id = queries::project_default(connection.native()?, project.as_str())?;
    Ok(id.map(VolumeTypeId::new))
}

/// How volumes of a type are encrypted; `None` if they are not.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn encryption(
    connection: &mut Connection,
    id: &VolumeTypeId,
) -> Result<Option<EncryptionRow>, DbError> {
    Ok(queries::encryption(connection.native()?, id.as_str())?)
}

/// A live set of QoS specs; a type says which in `qos_specs_id`.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn qos_specs(
    connection: &mut Connection,
    id: &QosSpecsId,
) -> Result<Option<QosSpecs>, DbError> {
    read(connection, |native| Ok(queries::qos_specs(native, id.as_str())?))
}

/// The live group type with that key.
///
/// # Errors
///
/// [`DbError::Query`].
pub fn group_type(
    connection: &mut Connection,
    id: &GroupTypeId,
) -> Result<Option<GroupType>, DbError> {
    let found = read(connection, |native| Ok(queries::group_type(native, id.as_str())?))?;
    Ok(found.filter(|one| one.row.deleted == Some(false)))
}
