//! What a driver can be asked to do, in words, and in which lane each is done.
//!
//! Must not: say what comes before or after a call; that is the manager's.

/// A call on a driver; the middle part of the names of fail points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the call of the same name")]
pub enum Call {
    Connect,
    CreateVolume,
    CreateVolumeFromSnapshot,
    CreateClonedVolume,
    DeleteVolume,
    CreateSnapshot,
    DeleteSnapshot,
    ExtendVolume,
    CreateExport,
    EnsureExport,
    RemoveExport,
    InitializeConnection,
    TerminateConnection,
    OpenLocal,
    Stats,
    Settle,
    RevertToSnapshot,
    ManageExisting,
    Unmanage,
    ManageExistingSnapshot,
    UnmanageSnapshot,
    ListManageable,
    CloneImage,
    Retype,
    MigrateVolume,
    UpdateMigratedVolume,
    AcceptTransfer,
    CreateGroup,
    UpdateGroup,
    DeleteGroup,
    CreateGroupFromSource,
    CreateGroupSnapshot,
    DeleteGroupSnapshot,
    Failover,
    BackupDevice,
    Background,
}

impl Call {
    /// Its name, as in logs and fail points.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::CreateVolume => "create_volume",
            Self::CreateVolumeFromSnapshot => "create_volume_from_snapshot",
            Self::CreateClonedVolume => "create_cloned_volume",
            Self::DeleteVolume => "delete_volume",
            Self::CreateSnapshot => "create_snapshot",
            Self::DeleteSnapshot => "delete_snapshot",
            Self::ExtendVolume => "extend_volume",
            Self::CreateExport => "create_export",
            Self::EnsureExport => "ensure_export",
            Self::RemoveExport => "remove_export",
            Self::InitializeConnection => "initialize_connection",
            Self::TerminateConnection => "terminate_connection",
            Self::OpenLocal => "open_local",
            Self::Stats => "stats",
            Self::Settle => "settle",
            Self::RevertToSnapshot => "revert_to_snapshot",
            Self::ManageExisting => "manage_existing",
            Self::Unmanage => "unmanage",
            Self::ManageExistingSnapshot => "manage_existing_snapshot",
            Self::UnmanageSnapshot => "unmanage_snapshot",
            Self::ListManageable => "list_manageable",
            Self::CloneImage => "clone_image",
            Self::Retype => "retype",
            Self::MigrateVolume => "migrate_volume",
            Self::UpdateMigratedVolume => "update_migrated_volume",
            Self::AcceptTransfer => "accept_transfer",
            Self::CreateGroup => "create_group",
            Self::UpdateGroup => "update_group",
            Self::DeleteGroup => "delete_group",
            Self::CreateGroupFromSource => "create_group_from_source",
            Self::CreateGroupSnapshot => "create_group_snapshot",
            Self::DeleteGroupSnapshot => "delete_group_snapshot",
            Self::Failover => "failover",
            Self::BackupDevice => "backup_device",
            Self::Background => "background",
        }
    }

    /// The lane of it on a back end of which no more is known: one that copies.
    #[must_use]
    pub fn usual_lane(self) -> Lane {
        match self {
            Self::CreateExport
            | Self::EnsureExport
            | Self::RemoveExport
            | Self::InitializeConnection
            | Self::TerminateConnection
            | Self::OpenLocal
            | Self::ListManageable
            | Self::AcceptTransfer
            | Self::BackupDevice => Lane::Calls,
            Self::Connect | Self::Stats => Lane::Watch,
            Self::CreateVolumeFromSnapshot
            | Self::CreateClonedVolume
            | Self::RevertToSnapshot
            | Self::CloneImage
            | Self::MigrateVolume
            | Self::CreateGroupFromSource
            | Self::Background => Lane::Bulk,
            _ => Lane::Work,
        }
    }
}

/// Which threads do it: each lane has its own, so that a long copy keeps no caller waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Somebody waits for the answer.
    Calls,
    /// Seconds, mostly.
    Work,
    /// As long as the data takes.
    Bulk,
    /// Looks, and set-up.
    Watch,
}
