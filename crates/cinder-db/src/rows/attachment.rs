//! Rows of table `volume_attachment`.

use cinder_types::{AttachmentId, VolumeId};
use diesel::{Queryable, Selectable};

use crate::{
    changes::changes, rows::secret::SecretText, schema::volume_attachment, timestamp::Timestamp,
};

/// An attachment, live or deleted.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = volume_attachment)]
pub struct AttachmentRow {
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// The last change other than its deletion.
    pub updated_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// Whether it is deleted.
    pub deleted: Option<bool>,
    /// Its key.
    pub id: AttachmentId,
    /// The volume that is attached.
    pub volume_id: VolumeId,
    /// The host it is attached to.
    pub attached_host: Option<String>,
    /// The instance it is attached to.
    pub instance_uuid: Option<String>,
    /// The device in the instance.
    pub mountpoint: Option<String>,
    /// When it was attached.
    pub attach_time: Option<Timestamp>,
    /// When it was detached.
    pub detach_time: Option<Timestamp>,
    /// `rw` or `ro`.
    pub attach_mode: Option<String>,
    /// As in `reserved`, `attaching`, `attached`.
    pub attach_status: Option<String>,
    /// How to connect; JSON, may hold secrets.
    pub connection_info: Option<SecretText>,
    /// Who connects; JSON.
    pub connector: Option<String>,
}

changes! {
    /// What an operation changes in an attachment.
    pub struct AttachmentChange of volume_attachment, AttachmentRow {
        /// See [`AttachmentRow::volume_id`]; a migration moves attachments.
        volume_id: VolumeId = volume_attachment::volume_id,
        /// See [`AttachmentRow::attached_host`].
        attached_host: Option<String> = volume_attachment::attached_host,
        /// See [`AttachmentRow::instance_uuid`].
        instance_uuid: Option<String> = volume_attachment::instance_uuid,
        /// See [`AttachmentRow::mountpoint`].
        mountpoint: Option<String> = volume_attachment::mountpoint,
        /// See [`AttachmentRow::attach_time`].
        attach_time: Option<Timestamp> = volume_attachment::attach_time,
        /// See [`AttachmentRow::detach_time`].
        detach_time: Option<Timestamp> = volume_attachment::detach_time,
        /// See [`AttachmentRow::attach_mode`].
        attach_mode: Option<String> = volume_attachment::attach_mode,
        /// See [`AttachmentRow::attach_status`].
        attach_status: Option<String> = volume_attachment::attach_status,
        /// See [`AttachmentRow::connection_info`].
        connection_info: Option<SecretText> = volume_attachment::connection_info,
        /// See [`AttachmentRow::connector`].
        connector: Option<String> = volume_attachment::connector,
    }
}
