//! Volume types with extra specs, QoS specs and encryption; group types. All of them are only read.

use std::collections::BTreeMap;

use cinder_types::QosSpecsId;
use diesel::prelude::*;

use crate::{
    dialect::{Native, exactly},
    queries::metadata,
    rows::{
        volume::Metadata,
        volume_type::{
            EncryptionRow, GroupType, GroupTypeRow, QosSpecs, VolumeType, VolumeTypeRow,
        },
    },
    schema::{
        default_volume_types, encryption, group_type_specs, group_types, quality_of_service_specs,
        volume_type_extra_specs, volume_type_projects, volume_types,
    },
    timestamp::Timestamp,
};

/// The key of the row that names a set of QoS specs; its others point to it.
const QOS_NAME: &str = "QoS_Specs_Name";
/// The key of the row that says who applies them.
const QOS_CONSUMER: &str = "consumer";

/// The types with these keys, live and deleted, by key.
pub(crate) fn get(native: &mut Native, ids: &[&str]) -> QueryResult<BTreeMap<String, VolumeType>> {
    let rows: Vec<VolumeTypeRow> = volume_types::table
        .filter(volume_types::id.eq_any(ids.iter().copied()))
        .select(VolumeTypeRow::as_select())
        .load(native)?;
    let specs = volume_type_extra_specs::table
        .filter(volume_type_extra_specs::deleted.eq(false))
        .filter(volume_type_extra_specs::volume_type_id.eq_any(ids.iter().copied()))
        .order(volume_type_extra_specs::id.asc())
        .select((
            volume_type_extra_specs::volume_type_id,
            volume_type_extra_specs::key,
            volume_type_extra_specs::value,
        ))
        .load(native)?;
    let mut specs = metadata::by_parent(specs);
    let with_specs = |row: VolumeTypeRow| {
        let id = row.id.as_str().to_owned();
        let extra_specs = specs.remove(&id).unwrap_or_default();
        (id, VolumeType { row, extra_specs })
    };
    Ok(rows.into_iter().map(with_specs).collect())
}

/// The key of the live type of that name.
pub(crate) fn named(native: &mut Native, name: &str) -> QueryResult<Option<String>> {
    volume_types::table
        .filter(volume_types::deleted.eq(false))
        .filter(exactly(native, volume_types::name, name))
        .select(volume_types::id)
        .first(native)
        .optional()
}

/// The projects that may use a type which is not public.
pub(crate) fn projects(native: &mut Native, id: &str) -> QueryResult<Vec<Option<String>>> {
    volume_type_projects::table
        .filter(volume_type_projects::deleted.eq(0))
        .filter(volume_type_projects::volume_type_id.eq(id))
        .order(volume_type_projects::id.asc())
        .select(volume_type_projects::project_id)
        .load(native)
}

/// The type that volumes of a project have unless they ask for another.
pub(crate) fn project_default(native: &mut Native, project: &str) -> QueryResult<Option<String>> {
    let id: Option<Option<String>> = default_volume_types::table
        .filter(default_volume_types::deleted.eq(false))
        .filter(default_volume_types::project_id.eq(project))
        .select(default_volume_types::volume_type_id)
        .first(native)
        .optional()?;
    Ok(id.flatten())
}

/// How a type's volumes are encrypted.
pub(crate) fn encryption(native: &mut Native, id: &str) -> QueryResult<Option<EncryptionRow>> {
    encryption::table
        .filter(encryption::deleted.eq(false))
        .filter(encryption::volume_type_id.eq(id))
        .select(EncryptionRow::as_select())
        .first(native)
        .optional()
}

/// A live set of QoS specs.
pub(crate) fn qos_specs(native: &mut Native, id: &str) -> QueryResult<Option<QosSpecs>> {
    use quality_of_service_specs as qos;
    type Spec = (Option<String>, Option<String>, Option<Timestamp>, Option<Timestamp>);
    let name: Option<Spec> = qos::table
        .find(id)
        .filter(qos::deleted.eq(false))
        .filter(qos::key.eq(QOS_NAME))
        .select((qos::key, qos::value, qos::created_at, qos::updated_at))
        .first(native)
        .optional()?;
    let Some((_, name, created_at, _)) = name else { return Ok(None) };
    let rows: Vec<Spec> = qos::table
        .filter(qos::deleted.eq(false))
        .filter(qos::specs_id.eq(id))
        .order((qos::created_at.asc(), qos::id.asc()))
        .select((qos::key, qos::value, qos::created_at, qos::updated_at))
        .load(native)?;
    let updated_at = rows.iter().filter_map(|(.., updated_at)| *updated_at).max();
    let mut specs: Metadata =
        rows.into_iter().filter_map(|(key, value, ..)| Some((key?, value))).collect();
    let consumer = specs.remove(QOS_CONSUMER).flatten();
    Ok(Some(QosSpecs { id: QosSpecsId::new(id), name, consumer, specs, created_at, updated_at }))
}

/// The group type with that key, live or deleted.
pub(crate) fn group_type(native: &mut Native, id: &str) -> QueryResult<Option<GroupType>> {
    let row: Option<GroupTypeRow> =
        group_types::table.find(id).select(GroupTypeRow::as_select()).first(native).optional()?;
    let Some(row) = row else { return Ok(None) };
    let specs: Vec<(Option<String>, Option<String>)> = group_type_specs::table
        .filter(group_type_specs::deleted.eq(false))
        .filter(group_type_specs::group_type_id.eq(id))
        .order(group_type_specs::id.asc())
        .select((group_type_specs::key, group_type_specs::value))
        .load(native)?;
    let specs = specs.into_iter().filter_map(|(key, value)| Some((key?, value))).collect();
    Ok(Some(GroupType { row, specs }))
}
