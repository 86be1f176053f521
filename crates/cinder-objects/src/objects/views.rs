//! What a service asks objects most often: keys, names, sizes, addresses.
//!
//! Must not: change an object.

use cinder_types::{
    AttachmentId, BackupId, GroupId, GroupSnapshotId, MigrationStatus, SnapshotId, SnapshotStatus,
    VolumeId, VolumeStatus,
};

use super::{Backup, Group, GroupSnapshot, Snapshot, Volume, VolumeAttachment};
use crate::envelope::VersionedObject;
use crate::error::NotLoaded;
use crate::field::Field;

/// The key of an object; null is as good as none.
fn key<T: VersionedObject>(field: &Field<String>) -> Result<&str, NotLoaded> {
    let missing = NotLoaded { object: T::NAME, field: "id" };
    field.as_deref().ok_or(missing)
}

macro_rules! keys {
    ($($name:ident: $id:ident;)+) => {$(
        impl $name {
            /// Its key.
            ///
            /// # Errors
            ///
            /// [`NotLoaded`] for an object that was sent without.
            pub fn id(&self) -> Result<$id, NotLoaded> {
                key::<Self>(&self.id).map($id::new)
            }
        }
    )+};
}

keys! {
    Volume: VolumeId;
    Snapshot: SnapshotId;
    VolumeAttachment: AttachmentId;
    Group: GroupId;
    GroupSnapshot: GroupSnapshotId;
    Backup: BackupId;
}

/// The template's one place filled in.
fn filled(template: &str, id: &str) -> String {
    template.replacen("%s", id, 1)
}

/// To whom messages about something go: its cluster, or its host.
fn destination<'a>(
    object: &'static str,
    cluster: &'a Field<String>,
    host: &'a Field<String>,
) -> Result<Option<&'a str>, NotLoaded> {
    let cluster = cluster.as_deref().filter(|name| !name.is_empty());
    match cluster {
        Some(name) => Ok(Some(name)),
        None => Ok(host.loaded(object, "host")?.map(String::as_str)),
    }
}

impl Volume {
    /// What its name on the storage is made of: that of the volume whose data it has taken over, or
    /// its own.
    ///
    /// # Errors
    ///
    /// [`NotLoaded`].
    pub fn name_id(&self) -> Result<VolumeId, NotLoaded> {
        match self._name_id.as_deref().filter(|id| !id.is_empty()) {
            Some(id) => Ok(VolumeId::new(id)),
            None => self.id(),
        }
    }

    /// Its name on the storage, by `volume_name_template`.
    ///
    /// # Errors
    ///
    /// [`NotLoaded`].
    pub fn name(&self, template: &str) -> Result<String, NotLoaded> {
        self.name_id().map(|id| filled(template, id.as_str()))
    }

    /// Its size in GiB; null reads as 0.
    ///
    /// # Errors
    ///
    /// [`NotLoaded`].
    pub fn size(&self) -> Result<i64, NotLoaded> {
        Ok(self.size.loaded(Self::NAME, "size")?.copied().unwrap_or(0))
    }

    /// Its status, if it has one.
    #[must_use]
    pub fn status(&self) -> Option<VolumeStatus> {
        self.status.as_deref().map(|status| VolumeStatus::new(status.to_owned()))
    }

    /// The status of its migration, if it has one.
    #[must_use]
    pub fn migration_status(&self) -> Option<MigrationStatus> {
        self.migration_status.as_deref().map(|status| MigrationStatus::new(status.to_owned()))
    }

    /// Where it is, `host@backend#pool`; nowhere before it is scheduled.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// To whom messages about it go: its cluster, or its host.
    ///
    /// # Errors
    ///
    /// [`NotLoaded`].
    pub fn service(&self) -> Result<Option<&str>, NotLoaded> {
        destination(Self::NAME, &self.cluster_name, &self.host)
    }

    /// Its attachments, as far as they were sent.
    #[must_use]
    pub fn attachments(&self) -> &[VolumeAttachment] {
        let list = self.volume_attachment.get();
        list.and_then(|list| list.objects.as_deref()).unwrap_or_default()
    }
}

impl Snapshot {
    /// The volume that it is of.
    ///
    /// # Errors
    ///
    /// [`NotLoaded`].
    pub fn volume_id(&self) -> Result<VolumeId, NotLoaded> {
        let missing = NotLoaded { object: Self::NAME, field: "volume_id" };
        self.volume_id.as_deref().map(VolumeId::new).ok_or(missing)
    }

    /// Its name on the storage, by `snapshot_name_template`.
    ///
    /// # Errors
    ///
    /// [`NotLoaded`].
    pub fn name(&self, template: &str) -> Result<String, NotLoaded> {
        self.id().map(|id| filled(template, id.as_str()))
    }

    /// The size of its volume in GiB; null reads as 0.
    ///
    /// # Errors
    ///
    /// [`NotLoaded`].
    pub fn volume_size(&self) -> Result<i64, NotLoaded> {
        Ok(self.volume_size.loaded(Self::NAME, "volume_size")?.copied().unwrap_or(0))
    }

    /// Its status, if it has one.
    #[must_use]
    pub fn status(&self) -> Option<SnapshotStatus> {
        self.status.as_deref().map(|status| SnapshotStatus::new(status.to_owned()))
    }
}

impl Group {
    /// To whom messages about it go: its cluster, or its host.
    ///
    /// # Errors
    ///
    /// [`NotLoaded`].
    pub fn service(&self) -> Result<Option<&str>, NotLoaded> {
        destination(Self::NAME, &self.cluster_name, &self.host)
    }
}
