//! Rows as the objects that are sent of them. Must not: read a row.

use cinder_db::Timestamp;
use cinder_db::snapshots::Snapshot;
use cinder_db::volume_types;
use cinder_db::volumes::Volume;
use cinder_objects as objects;
use cinder_objects::{Date, Field};

/// A moment as it stands in a message: whole seconds.
fn date(moment: Option<Timestamp>) -> Field<Date> {
    let date = moment.and_then(|moment| Date::parse(&moment.to_string().replace(' ', "T")).ok());
    date.into()
}

fn text<T: AsRef<str>>(value: Option<&T>) -> Field<String> {
    value.map(|value| value.as_ref().to_owned()).into()
}

/// A volume as it is sent: columns, notes, type and attachments.
#[must_use]
pub fn volume_object(volume: &Volume) -> objects::Volume {
    let row = &volume.row;
    let notes = |notes: &cinder_db::metadata::Metadata| {
        let pairs =
            notes.iter().map(|(key, value)| (key.clone(), value.clone().unwrap_or_default()));
        Field::Set(pairs.collect())
    };
    objects::Volume {
        _name_id: row.name_id.as_ref().map(ToString::to_string).into(),
        admin_metadata: notes(&volume.admin_metadata),
        attach_status: row.attach_status.as_ref().map(|one| one.as_str().to_owned()).into(),
        availability_zone: text(row.availability_zone.as_ref()),
        bootable: row.bootable.unwrap_or(false).into(),
        cluster_name: text(row.cluster_name.as_ref()),
        consistencygroup_id: row.consistencygroup_id.as_ref().map(ToString::to_string).into(),
        created_at: date(row.created_at),
        deleted: row.deleted.unwrap_or(false).into(),
        deleted_at: date(row.deleted_at),
        display_description: text(row.display_description.as_ref()),
        display_name: text(row.display_name.as_ref()),
        ec2_id: text(row.ec2_id.as_ref()),
        encryption_key_id: row.encryption_key_id.as_ref().map(ToString::to_string).into(),
        group_id: row.group_id.as_ref().map(ToString::to_string).into(),
        host: text(row.host.as_ref()),
        id: row.id.to_string().into(),
        launched_at: date(row.launched_at),
        metadata: notes(&volume.metadata),
        migration_status: row.migration_status.as_ref().map(|one| one.as_str().to_owned()).into(),
        multiattach: row.multiattach.unwrap_or(false).into(),
        previous_status: row.previous_status.as_ref().map(|one| one.as_str().to_owned()).into(),
        project_id: row.project_id.as_ref().map(ToString::to_string).into(),
        provider_auth: row.provider_auth.clone().into(),
        provider_geometry: text(row.provider_geometry.as_ref()),
        provider_id: text(row.provider_id.as_ref()),
        provider_location: text(row.provider_location.as_ref()),
        replication_driver_data: text(row.replication_driver_data.as_ref()),
        replication_extended_status: text(row.replication_extended_status.as_ref()),
        replication_status: row
            .replication_status
            .as_ref()
            .map(|one| one.as_str().to_owned())
            .into(),
        scheduled_at: date(row.scheduled_at),
        service_uuid: text(row.service_uuid.as_ref()),
        shared_targets: row.shared_targets.into(),
        size: i64::from(row.size.unwrap_or(0)).into(),
        snapshot_id: row.snapshot_id.as_ref().map(ToString::to_string).into(),
        source_volid: row.source_volid.as_ref().map(ToString::to_string).into(),
        status: row.status.as_ref().map(|one| one.as_str().to_owned()).into(),
        terminated_at: date(row.terminated_at),
        updated_at: date(row.updated_at),
        use_quota: row.use_quota.into(),
        user_id: row.user_id.as_ref().map(ToString::to_string).into(),
        volume_type: volume.volume_type.as_ref().map(|one| Box::new(type_object(one))).into(),
        volume_type_id: row.volume_type_id.to_string().into(),
        ..objects::Volume::default()
    }
}

fn type_object(one: &volume_types::VolumeType) -> objects::VolumeType {
    objects::VolumeType {
        description: text(one.row.description.as_ref()),
        extra_specs: Field::Set(one.extra_specs.clone()),
        id: one.row.id.to_string().into(),
        is_public: one.row.is_public.unwrap_or(true).into(),
        name: text(one.row.name.as_ref()),
        qos_specs_id: one.row.qos_specs_id.as_ref().map(ToString::to_string).into(),
        ..objects::VolumeType::default()
    }
}

/// A snapshot as it is sent.
pub(super) fn snapshot_object(snapshot: &Snapshot) -> objects::Snapshot {
    let row = &snapshot.row;
    let notes = snapshot.metadata.iter();
    let notes = notes.map(|(key, value)| (key.clone(), value.clone().unwrap_or_default()));
    objects::Snapshot {
        created_at: date(row.created_at),
        deleted: row.deleted.unwrap_or(false).into(),
        display_description: text(row.display_description.as_ref()),
        display_name: text(row.display_name.as_ref()),
        id: row.id.to_string().into(),
        metadata: Field::Set(notes.collect()),
        progress: text(row.progress.as_ref()),
        project_id: row.project_id.as_ref().map(ToString::to_string).into(),
        status: row.status.as_ref().map(|one| one.as_str().to_owned()).into(),
        updated_at: date(row.updated_at),
        use_quota: row.use_quota.into(),
        user_id: row.user_id.as_ref().map(ToString::to_string).into(),
        volume_id: row.volume_id.to_string().into(),
        volume_size: i64::from(row.volume_size.unwrap_or(0)).into(),
        volume_type_id: row.volume_type_id.to_string().into(),
        ..objects::Snapshot::default()
    }
}
