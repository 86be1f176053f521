//! Payloads of notifications, as the original writes them (`spec/manager.md` §9). Pure.
//!
//! Its dates have three forms: those of objects name their zone and leave out a fraction that is nought, one that is
//! missing is the present without a zone, and those of rows have six digits and no zone.

use cinder_db::attachments::Attachment;
use cinder_db::image_metadata;
use cinder_db::snapshots::Snapshot;
use cinder_db::volumes::{Row, Volume};
use cinder_db::{Timestamp, metadata::Metadata};
use cinder_types::{AttachStatus, Secret};
use serde_json::{Value, json};

use super::repr;

/// The form of rows.
pub(super) fn text(time: Timestamp) -> String {
    time.to_string().replace(' ', "T")
}

fn of_row(time: Option<Timestamp>) -> Value {
    time.map_or(Value::Null, |time| text(time).into())
}

/// The form of objects.
fn of_object(time: Option<Timestamp>, now: Timestamp) -> String {
    let short = |time| text(time).trim_end_matches(".000000").to_owned();
    time.map_or_else(|| short(now), |time| format!("{}+00:00", short(time)))
}

/// A volume, without what it keeps of its image.
pub(super) fn of_volume(volume: &Volume, now: Timestamp) -> Value {
    let row = &volume.row;
    let status = row.status.as_ref().map(|status| match status.as_str() {
        "error_managing_deleting" => "deleting",
        status => status,
    });
    let is_there = |one: &&Attachment| one.attach_status != Some(AttachStatus::DETACHED);
    let attachments: Vec<_> =
        volume.attachments.iter().filter(is_there).map(|one| of_attachment(one, row)).collect();
    json!({
        "tenant_id": row.project_id.as_ref().map(|id| id.as_str()),
        "host": row.host,
        "user_id": row.user_id.as_ref().map(|id| id.as_str()),
        "availability_zone": row.availability_zone,
        "volume_id": row.id.as_str(),
        "volume_type": row.volume_type_id.as_str(),
        "display_name": row.display_name,
        "launched_at": of_object(row.launched_at, now),
        "created_at": of_object(row.created_at, now),
        "status": status,
        "snapshot_id": row.snapshot_id.as_ref().map(|id| id.as_str()),
        "size": row.size,
        "replication_status": row.replication_status.as_ref().map(|status| status.as_str()),
        "replication_extended_status": row.replication_extended_status,
        "replication_driver_data": row.replication_driver_data,
        "metadata": notes(&volume.metadata),
        "volume_attachment": attachments,
    })
}

fn notes(metadata: &Metadata) -> Vec<Value> {
    metadata.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

/// A row of an attachment, with that of its volume within.
fn of_attachment(one: &Attachment, volume: &Row) -> Value {
    json!({
        "id": one.id.as_str(),
        "volume_id": one.volume_id.as_str(),
        "instance_uuid": one.instance_uuid,
        "attached_host": one.attached_host,
        "mountpoint": one.mountpoint,
        "attach_time": of_row(one.attach_time),
        "detach_time": of_row(one.detach_time),
        "attach_status": one.attach_status.as_ref().map(|status| status.as_str()),
        "attach_mode": one.attach_mode,
        "connection_info": one.connection_info.as_ref().map(Secret::reveal),
        "connector": one.connector,
        "deleted_at": of_row(one.deleted_at),
        "deleted": one.deleted,
        "created_at": of_row(one.created_at),
        "updated_at": of_row(one.updated_at),
        "volume": of_volume_row(volume),
    })
}

/// All columns, as the table calls them.
fn of_volume_row(row: &Row) -> Value {
    json!({
        "id": row.id.as_str(),
        "_name_id": row.name_id.as_ref().map(|id| id.as_str()),
        "use_quota": row.use_quota,
        "ec2_id": row.ec2_id,
        "user_id": row.user_id.as_ref().map(|id| id.as_str()),
        "project_id": row.project_id.as_ref().map(|id| id.as_str()),
        "snapshot_id": row.snapshot_id.as_ref().map(|id| id.as_str()),
        "cluster_name": row.cluster_name,
        "host": row.host,
        "size": row.size,
        "availability_zone": row.availability_zone,
        "status": row.status.as_ref().map(|status| status.as_str()),
        "attach_status": row.attach_status.as_ref().map(|status| status.as_str()),
        "migration_status": row.migration_status.as_ref().map(|status| status.as_str()),
        "scheduled_at": of_row(row.scheduled_at),
        "launched_at": of_row(row.launched_at),
        "terminated_at": of_row(row.terminated_at),
        "display_name": row.display_name,
        "display_description": row.display_description,
        "provider_location": row.provider_location,
        "provider_auth": row.provider_auth.as_ref().map(Secret::reveal),
        "provider_geometry": row.provider_geometry,
        "provider_id": row.provider_id,
        "volume_type_id": row.volume_type_id.as_str(),
        "source_volid": row.source_volid.as_ref().map(|id| id.as_str()),
        "encryption_key_id": row.encryption_key_id.as_ref().map(|id| id.as_str()),
        "consistencygroup_id": row.consistencygroup_id.as_ref().map(|id| id.as_str()),
        "group_id": row.group_id.as_ref().map(|id| id.as_str()),
        "bootable": row.bootable,
        "multiattach": row.multiattach,
        "replication_status": row.replication_status.as_ref().map(|status| status.as_str()),
        "replication_extended_status": row.replication_extended_status,
        "replication_driver_data": row.replication_driver_data,
        "previous_status": row.previous_status.as_ref().map(|status| status.as_str()),
        "service_uuid": row.service_uuid,
        "shared_targets": row.shared_targets,
        "deleted_at": of_row(row.deleted_at),
        "deleted": row.deleted,
        "created_at": of_row(row.created_at),
        "updated_at": of_row(row.updated_at),
    })
}

/// A row of what a volume keeps of its image.
pub(super) fn of_image_note(one: &image_metadata::Row) -> Value {
    json!({
        "id": one.id,
        "volume_id": one.volume_id.as_ref().map(|id| id.as_str()),
        "snapshot_id": one.snapshot_id.as_ref().map(|id| id.as_str()),
        "key": one.key,
        "value": one.value,
        "deleted_at": of_row(one.deleted_at),
        "deleted": one.deleted,
        "created_at": of_row(one.created_at),
        "updated_at": of_row(one.updated_at),
    })
}

/// A snapshot of a volume in that zone.
pub(super) fn of_snapshot(snapshot: &Snapshot, zone: Option<&str>, now: Timestamp) -> Value {
    let row = &snapshot.row;
    let is_deleted = row.deleted == Some(true);
    let metadata = match snapshot.metadata.is_empty() {
        true => String::new(),
        false => repr::of(&snapshot.metadata),
    };
    json!({
        "tenant_id": row.project_id.as_ref().map(|id| id.as_str()),
        "user_id": row.user_id.as_ref().map(|id| id.as_str()),
        "availability_zone": zone,
        "volume_id": row.volume_id.as_str(),
        "volume_size": row.volume_size,
        "snapshot_id": row.id.as_str(),
        "display_name": row.display_name,
        "created_at": of_object(row.created_at, now),
        "status": row.status.as_ref().map(|status| status.as_str()),
        // A text, as Python's `str` makes it of true, and none of false.
        "deleted": if is_deleted { "True" } else { "" },
        "metadata": metadata,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_the_three_forms_of_the_original() {
        let whole = Timestamp::parse("2026-11-22 17:02:51").unwrap();
        let fraction = Timestamp::parse("2026-11-22 17:02:52.005122").unwrap();
        assert_eq!(of_object(Some(whole), fraction), "2026-11-22T17:02:51+00:00");
        assert_eq!(of_object(Some(fraction), whole), "2026-11-22T17:02:52.005122+00:00");
        assert_eq!(of_object(None, fraction), "2026-11-22T17:02:52.005122");
        assert_eq!(of_row(Some(whole)), "2026-11-22T17:02:51.000000");
        assert_eq!(of_row(None), Value::Null);
    }
}
