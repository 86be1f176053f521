//! The numbers of actions and details that the API knows (`spec/manager.md` §10).
//!
//! Only those that a volume service writes: what schedulers, the API and backups say is theirs.

/// The kind of resource that a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// A volume.
    Volume,
    /// A snapshot.
    Snapshot,
    /// A backup.
    Backup,
}

impl Resource {
    /// The name in the column `resource_type`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Volume => "VOLUME",
            Self::Snapshot => "VOLUME_SNAPSHOT",
            Self::Backup => "VOLUME_BACKUP",
        }
    }
}

macro_rules! numbered {
    ($(#[$about:meta])* $name:ident { $($id:literal $(#[$doc:meta])* $variant:ident,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// The number, as it stands in the row.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self {
                    $(Self::$variant => $id,)*
                }
            }
        }
    };
}

numbered! {
    /// What was being done when something went wrong.
    Action {
        "002"
        /// Attaching a volume.
        AttachVolume,
        "003"
        /// Copying a volume to an image.
        CopyVolumeToImage,
        "004"
        /// Updating an attachment.
        UpdateAttachment,
        "005"
        /// Copying an image to a volume.
        CopyImageToVolume,
        "006"
        /// Unmanaging a volume.
        UnmanageVolume,
        "007"
        /// Extending a volume.
        ExtendVolume,
        "008"
        /// Creating a volume on the back end.
        CreateVolumeFromBackend,
        "009"
        /// Creating a snapshot.
        SnapshotCreate,
        "010"
        /// Deleting a snapshot.
        SnapshotDelete,
        "011"
        /// Updating a snapshot.
        SnapshotUpdate,
        "012"
        /// Updating a snapshot's metadata.
        SnapshotMetadataUpdate,
        "016"
        /// Writing a new image onto a volume.
        ReimageVolume,
    }
}

numbered! {
    /// What went wrong.
    Detail {
        "001"
        /// Nothing that has a number of its own.
        UnknownError,
        "002"
        /// The driver is not initialised.
        DriverNotInitialized,
        "003"
        /// No back end could take it.
        NoBackendAvailable,
        "004"
        /// The volume could not be uploaded to an image.
        FailedToUploadVolume,
        "005"
        /// A volume cannot be attached in that mode.
        VolumeAttachModeInvalid,
        "006"
        /// A quota or a limit of the back end is used up.
        QuotaExceed,
        "007"
        /// There is no space to convert an image in.
        NotEnoughSpaceForImage,
        "008"
        /// An encrypted volume cannot be unmanaged.
        UnmanageEncryptedNotSupported,
        "009"
        /// The compute service did not take the notification of an extended volume.
        NotifyComputeServiceFailed,
        "010"
        /// The driver could not extend.
        DriverFailedExtend,
        "011"
        /// An image's signature is wrong.
        SignatureVerificationFailed,
        "012"
        /// The driver could not create.
        DriverFailedCreate,
        "013"
        /// A snapshot could not be created.
        SnapshotCreateError,
        "014"
        /// A snapshot's metadata could not be updated.
        SnapshotUpdateMetadataFailed,
        "015"
        /// A snapshot is busy.
        SnapshotIsBusy,
        "016"
        /// A snapshot could not be deleted.
        SnapshotDeleteError,
        "028"
        /// The compute service did not take a new image.
        ReimageVolumeFailed,
        "029"
        /// An image's format does not fit the volume type.
        ImageFormatUnacceptable,
    }
}
