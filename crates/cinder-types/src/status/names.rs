//! The texts in columns of statuses, one type per column.
//!
//! Must not: refuse one. The lists are of what is known (`spec/objects.md §5`); operators and other
//! releases write what they like, and that has to come back as it was.

use std::{borrow::Cow, fmt};

macro_rules! statuses {
    ($($(#[$about:meta])+ $name:ident { $($constant:ident = $text:literal,)+ })+) => {$(
        $(#[$about])+
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            $(
                #[doc = concat!("`", $text, "`.")]
                pub const $constant: Self = Self(Cow::Borrowed($text));
            )+

            /// Any text, known or not.
            #[must_use]
            pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

statuses! {
    /// What is being done with a volume.
    VolumeStatus {
        ATTACHING = "attaching",
        AVAILABLE = "available",
        AWAITING_TRANSFER = "awaiting-transfer",
        BACKING_UP = "backing-up",
        CREATING = "creating",
        DELETED = "deleted",
        DELETING = "deleting",
        DETACHING = "detaching",
        DOWNLOADING = "downloading",
        ERROR = "error",
        ERROR_BACKING_UP = "error_backing-up",
        ERROR_DELETING = "error_deleting",
        ERROR_EXTENDING = "error_extending",
        ERROR_MANAGING = "error_managing",
        ERROR_MANAGING_DELETING = "error_managing_deleting",
        ERROR_RESTORING = "error_restoring",
        ERROR_UNMANAGING = "error_unmanaging",
        EXTENDING = "extending",
        IN_USE = "in-use",
        MAINTENANCE = "maintenance",
        MANAGING = "managing",
        RESERVED = "reserved",
        RESTORING_BACKUP = "restoring-backup",
        RETYPING = "retyping",
        REVERTING = "reverting",
        UNMANAGING = "unmanaging",
        UPLOADING = "uploading",
    }
    /// How far the attachment of a volume is, in the volume and in the attachment.
    AttachStatus {
        ATTACHED = "attached",
        ATTACHING = "attaching",
        DELETED = "deleted",
        DETACHED = "detached",
        DETACHING = "detaching",
        ERROR_ATTACHING = "error_attaching",
        ERROR_DETACHING = "error_detaching",
        RESERVED = "reserved",
    }
    /// How far the migration of a volume is; `target:` and an id in the volume that is to be the
    /// new one.
    MigrationStatus {
        COMPLETING = "completing",
        DELETING = "deleting",
        ERROR = "error",
        MIGRATING = "migrating",
        NONE = "none",
        STARTING = "starting",
        SUCCESS = "success",
    }
    /// The state of the replication of a volume or a group.
    ReplicationStatus {
        DISABLED = "disabled",
        DISABLING = "disabling",
        ENABLED = "enabled",
        ENABLING = "enabling",
        ERROR = "error",
        FAILED_OVER = "failed-over",
        FAILING_OVER = "failing-over",
        FAILOVER_ERROR = "failover-error",
        NOT_CAPABLE = "not-capable",
    }
    /// What is being done with a snapshot.
    SnapshotStatus {
        AVAILABLE = "available",
        BACKING_UP = "backing-up",
        CREATING = "creating",
        DELETED = "deleted",
        DELETING = "deleting",
        ERROR = "error",
        ERROR_DELETING = "error_deleting",
        RESTORING = "restoring",
        UNMANAGING = "unmanaging",
        UPDATING = "updating",
    }
    /// What is being done with a group, generic or of the kind before.
    GroupStatus {
        AVAILABLE = "available",
        CREATING = "creating",
        DELETED = "deleted",
        DELETING = "deleting",
        ERROR = "error",
        ERROR_DELETING = "error_deleting",
        IN_USE = "in-use",
        UPDATING = "updating",
    }
    /// What is being done with a snapshot of a group.
    GroupSnapshotStatus {
        AVAILABLE = "available",
        CREATING = "creating",
        DELETED = "deleted",
        DELETING = "deleting",
        ERROR = "error",
        ERROR_DELETING = "error_deleting",
    }
    /// What is being done with a backup.
    BackupStatus {
        AVAILABLE = "available",
        CREATING = "creating",
        DELETED = "deleted",
        DELETING = "deleting",
        ERROR = "error",
        ERROR_DELETING = "error_deleting",
        RESTORING = "restoring",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_a_status_and_comes_back_as_it_was() {
        for text in ["in-use", "what a later release writes", "Error", ""] {
            let status = VolumeStatus::new(text.to_owned());
            assert_eq!((status.as_str(), status.to_string().as_str()), (text, text));
        }
        assert_eq!(VolumeStatus::new("in-use".to_owned()), VolumeStatus::IN_USE);
    }
}
