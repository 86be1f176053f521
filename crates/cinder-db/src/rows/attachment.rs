//! Rows of table `volume_attachment`.

use cinder_types::{AttachStatus, AttachmentId, Secret, VolumeId};

use crate::{schema::volume_attachment, timestamp::Timestamp};

/// Which attachments are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of<'a> {
    /// Those of a volume.
    Volume(&'a VolumeId),
    /// Those to an instance.
    Instance(&'a str),
    /// Those to a host.
    Host(&'a str),
}

row! {
    /// An attachment, live or deleted.
    pub struct Attachment of volume_attachment {
        /// Its key.
        id: AttachmentId,
    }

    /// What an operation changes in an attachment.
    pub struct Change {
        /// The volume that is attached; a migration moves attachments.
        volume_id: VolumeId,
        /// The host it is attached to.
        attached_host: Option<String>,
        /// The instance it is attached to.
        instance_uuid: Option<String>,
        /// The device in the instance.
        mountpoint: Option<String>,
        /// When it was attached.
        attach_time: Option<Timestamp>,
        /// When it was detached.
        detach_time: Option<Timestamp>,
        /// `rw` or `ro`.
        attach_mode: Option<String>,
        /// As in `reserved`, `attaching`, `attached`.
        attach_status: Option<AttachStatus>,
        /// How to connect; JSON, may hold secrets.
        connection_info: Option<Secret>,
        /// Who connects; JSON.
        connector: Option<String>,
    }
}
