//! Rows as a driver sees them, and a driver's updates as changes of rows. The only home of that.
//!
//! Must not: read or write a row.

use cinder_db::attachments::Attachment;
use cinder_db::snapshots::{self, Snapshot};
use cinder_db::volume_types::{Encryption, QosSpecs, VolumeType};
use cinder_db::volumes::{self, Volume};
use cinder_driver::{
    AttachmentView, Change, Connector, EncryptionView, Map, QosConsumer, QosView, SnapshotUpdate,
    SnapshotView, Texts, TypeView, VolumeUpdate, VolumeView,
};
use cinder_types::{AttachStatus, SnapshotStatus, VolumeStatus};

use crate::error::Failure;
use crate::manager::Options;

/// A negative or absurd size is none that a driver could make; it says so itself.
fn gib(size: Option<i32>) -> u64 {
    size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0)
}

/// A name on the storage.
pub(crate) fn named(template: &str, id: &str) -> String {
    template.replacen("%s", id, 1)
}

/// A volume as a driver sees it.
pub(crate) fn volume(
    volume: &Volume,
    encryption: Option<&Encryption>,
    qos: Option<&QosSpecs>,
    options: &Options,
) -> VolumeView {
    let row = &volume.row;
    let name_id = row.name_id.clone().unwrap_or_else(|| row.id.clone());
    let name = named(&options.volume_name_template, name_id.as_str());
    let mut view = VolumeView::new(row.id.clone(), name, gib(row.size));
    view.name_id = name_id;
    view.project_id.clone_from(&row.project_id);
    view.user_id.clone_from(&row.user_id);
    view.host.clone_from(&row.host);
    view.status = row.status.clone().unwrap_or(VolumeStatus::CREATING);
    view.attach_status = row.attach_status.clone().unwrap_or(AttachStatus::DETACHED);
    view.migration_status.clone_from(&row.migration_status);
    view.attachments = volume.attachments.iter().map(attachment).collect();
    view.multiattach = row.multiattach.unwrap_or(false);
    view.use_quota = row.use_quota;
    view.bootable = row.bootable.unwrap_or(false);
    view.volume_type = volume.volume_type.as_ref().map(|one| volume_type(one, qos));
    view.encryption = encryption.map(|one| EncryptionView {
        key_id: row.encryption_key_id.clone(),
        provider: one.provider.clone().unwrap_or_default(),
        cipher: one.cipher.clone(),
        key_size: one.key_size.and_then(|bits| u32::try_from(bits).ok()),
        control_location: one.control_location.clone().unwrap_or_default(),
    });
    view.provider_location.clone_from(&row.provider_location);
    view.provider_id.clone_from(&row.provider_id);
    view.provider_auth.clone_from(&row.provider_auth);
    view.replication_status.clone_from(&row.replication_status);
    view.replication_driver_data.clone_from(&row.replication_driver_data);
    view.metadata = texts(&volume.metadata);
    view.admin_metadata = texts(&volume.admin_metadata);
    view.group_id.clone_from(&row.group_id);
    view
}

/// A snapshot as a driver sees it, with the volume that it is of.
pub(crate) fn snapshot(snapshot: &Snapshot, volume: VolumeView, options: &Options) -> SnapshotView {
    let row = &snapshot.row;
    let name = named(&options.snapshot_name_template, row.id.as_str());
    let mut view = SnapshotView::new(row.id.clone(), name, volume);
    view.volume_size_gib = gib(row.volume_size);
    view.status = row.status.clone().unwrap_or(SnapshotStatus::CREATING);
    view.provider_location.clone_from(&row.provider_location);
    view.provider_id.clone_from(&row.provider_id);
    view.provider_auth.clone_from(&row.provider_auth);
    view.metadata = texts(&snapshot.metadata);
    view.use_quota = row.use_quota;
    view.group_snapshot_id.clone_from(&row.group_snapshot_id);
    view
}

/// An attachment as a driver sees it.
pub(crate) fn attachment(attachment: &Attachment) -> AttachmentView {
    let connector = attachment.connector.as_deref().and_then(|text| connector(text).ok());
    AttachmentView {
        id: attachment.id.clone(),
        attach_status: attachment.attach_status.clone().unwrap_or(AttachStatus::DETACHED),
        attach_mode: attachment.attach_mode.clone(),
        attached_host: attachment.attached_host.clone(),
        instance_uuid: attachment.instance_uuid.clone(),
        connector,
    }
}

/// What a host says about itself, from its text.
///
/// # Errors
///
/// When it is no JSON object.
pub(crate) fn connector(text: &str) -> Result<Connector, Failure> {
    match serde_json::from_str(text) {
        Ok(json @ serde_json::Value::Object(_)) => Ok(Connector::new(Map::from_json(&json))),
        _ => {
            Err(Failure::new("InvalidInput", "Invalid input received: the connector is no object"))
        }
    }
}

fn volume_type(one: &VolumeType, qos: Option<&QosSpecs>) -> TypeView {
    TypeView {
        id: one.row.id.clone(),
        name: one.row.name.clone().unwrap_or_default(),
        extra_specs: texts(&one.extra_specs),
        qos: qos.and_then(limits),
    }
}

/// Limits that nobody is named for are nobody's, as upstream has it.
fn limits(one: &QosSpecs) -> Option<QosView> {
    let consumer = match one.consumer.as_deref()? {
        "front-end" => QosConsumer::FrontEnd,
        "back-end" => QosConsumer::BackEnd,
        "both" => QosConsumer::Both,
        _ => return None,
    };
    Some(QosView { consumer, specs: texts(&one.specs) })
}

/// Notes without a value say nothing.
fn texts(notes: &std::collections::BTreeMap<String, Option<String>>) -> Texts {
    let pairs = notes.iter().filter_map(|(key, value)| Some((key.clone(), value.clone()?)));
    pairs.collect()
}

fn column<T>(change: Change<T>) -> Option<Option<T>> {
    match change {
        Change::Keep => None,
        Change::Clear => Some(None),
        Change::Set(value) => Some(Some(value)),
    }
}

/// What a driver wants changed in a volume's row; a status is for the operation to decide.
pub(crate) fn volume_change(update: VolumeUpdate) -> volumes::Change {
    volumes::Change {
        provider_location: column(update.provider_location),
        provider_id: column(update.provider_id),
        provider_auth: column(update.provider_auth),
        replication_status: column(update.replication_status),
        replication_extended_status: column(update.replication_extended_status),
        replication_driver_data: column(update.replication_driver_data),
        name_id: column(update.name_id),
        ..volumes::Change::default()
    }
}

/// What a driver wants changed in a snapshot's row.
pub(crate) fn snapshot_change(update: SnapshotUpdate) -> snapshots::Change {
    snapshots::Change {
        provider_location: column(update.provider_location),
        provider_id: column(update.provider_id),
        provider_auth: column(update.provider_auth),
        ..snapshots::Change::default()
    }
}
