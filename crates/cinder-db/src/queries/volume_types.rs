//! Volume types with extra specs, QoS specs and encryption. All of them are only read.

use cinder_types::{ProjectId, VolumeTypeId};
use diesel::prelude::*;

use crate::{
    dialect::{Native, among, exactly},
    rows::{
        metadata::OfParent,
        volume_type::{Encryption, QosRow, Row},
    },
    schema::{
        default_volume_types, encryption, quality_of_service_specs as qos,
        volume_type_extra_specs as specs, volume_type_projects, volume_types,
    },
};

/// The key of the row that names a set of QoS specs; its others point to it.
const QOS_NAME: &str = "QoS_Specs_Name";

/// The types with these keys, live and deleted, in any order.
pub(crate) fn rows(native: &mut Native, ids: &[&str]) -> QueryResult<Vec<Row>> {
    volume_types::table
        .filter(among(volume_types::id, ids.iter().copied()))
        .select(Row::as_select())
        .load(native)
}

/// The live extra specs of these types, oldest first.
pub(crate) fn extra_specs(native: &mut Native, ids: &[&str]) -> QueryResult<Vec<OfParent>> {
    specs::table
        .filter(specs::deleted.eq(false))
        .filter(among(specs::volume_type_id, ids.iter().copied()))
        .order(specs::id.asc())
        .select((specs::volume_type_id, specs::key, specs::value))
        .load(native)
}

/// The key of the live type of that name.
pub(crate) fn named(native: &mut Native, name: &str) -> QueryResult<Option<String>> {
    volume_types::table
        .filter(volume_types::deleted.eq(false))
        .filter(exactly(native, volume_types::name, name))
        .select(volume_types::id)
        .get_result(native)
        .optional()
}

/// The projects that may use a type which is not public.
pub(crate) fn projects(native: &mut Native, id: &str) -> QueryResult<Vec<Option<ProjectId>>> {
    volume_type_projects::table
        .filter(volume_type_projects::deleted.eq(0))
        .filter(volume_type_projects::volume_type_id.eq(id))
        .order(volume_type_projects::id.asc())
        .select(volume_type_projects::project_id)
        .load(native)
}

/// The type that volumes of a project have unless they ask for another.
pub(crate) fn project_default(
    native: &mut Native,
    project: &str,
) -> QueryResult<Option<VolumeTypeId>> {
    let id: Option<Option<VolumeTypeId>> = default_volume_types::table
        .filter(default_volume_types::deleted.eq(false))
        .filter(default_volume_types::project_id.eq(project))
        .select(default_volume_types::volume_type_id)
        .get_result(native)
        .optional()?;
    Ok(id.flatten())
}

/// How a type's volumes are encrypted.
pub(crate) fn encryption(native: &mut Native, id: &str) -> QueryResult<Option<Encryption>> {
    encryption::table
        .filter(encryption::deleted.eq(false))
        .filter(encryption::volume_type_id.eq(id))
        .select(Encryption::as_select())
        .get_result(native)
        .optional()
}

/// The row that names a live set of QoS specs.
pub(crate) fn qos_name(native: &mut Native, id: &str) -> QueryResult<Option<QosRow>> {
    qos::table
        .filter(qos::id.eq(id))
        .filter(qos::deleted.eq(false))
        .filter(qos::key.eq(QOS_NAME))
        .select(QosRow::as_select())
        .get_result(native)
        .optional()
}

/// The live rows of a set of QoS specs, oldest first.
pub(crate) fn qos_specs(native: &mut Native, id: &str) -> QueryResult<Vec<QosRow>> {
    qos::table
        .filter(qos::deleted.eq(false))
        .filter(qos::specs_id.eq(id))
        .order((qos::created_at.asc(), qos::id.asc()))
        .select(QosRow::as_select())
        .load(native)
}
