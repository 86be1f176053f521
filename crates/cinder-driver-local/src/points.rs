//! The fail points of this driver.
//!
//! Must not: have one that no call reaches; the conformance suite looks.

cinder_driver::fail_points! {
    /// The file is there under its temporary name, empty.
    CREATE_VOLUME_BEGUN = "driver::create_volume::begun";
    /// It has its size.
    CREATE_VOLUME_FILLED = "driver::create_volume::filled";
    /// It is safe under its temporary name.
    CREATE_VOLUME_SYNCED = "driver::create_volume::synced";
    /// It has its name, which is not safe yet.
    CREATE_VOLUME_PLACED = "driver::create_volume::placed";
    /// The same for a volume from a snapshot.
    FROM_SNAPSHOT_BEGUN = "driver::create_volume_from_snapshot::begun";
    /// It has its data.
    FROM_SNAPSHOT_FILLED = "driver::create_volume_from_snapshot::filled";
    /// They are safe.
    FROM_SNAPSHOT_SYNCED = "driver::create_volume_from_snapshot::synced";
    /// It has its name.
    FROM_SNAPSHOT_PLACED = "driver::create_volume_from_snapshot::placed";
    /// The same for a clone.
    CLONE_BEGUN = "driver::create_cloned_volume::begun";
    /// It has its data.
    CLONE_FILLED = "driver::create_cloned_volume::filled";
    /// They are safe.
    CLONE_SYNCED = "driver::create_cloned_volume::synced";
    /// It has its name.
    CLONE_PLACED = "driver::create_cloned_volume::placed";
    /// The same for a snapshot.
    SNAPSHOT_BEGUN = "driver::create_snapshot::begun";
    /// It has its data.
    SNAPSHOT_FILLED = "driver::create_snapshot::filled";
    /// They are safe.
    SNAPSHOT_SYNCED = "driver::create_snapshot::synced";
    /// It has its name.
    SNAPSHOT_PLACED = "driver::create_snapshot::placed";
    /// The same for the file that replaces a volume.
    REVERT_BEGUN = "driver::revert_to_snapshot::begun";
    /// It has its data.
    REVERT_FILLED = "driver::revert_to_snapshot::filled";
    /// They are safe.
    REVERT_SYNCED = "driver::revert_to_snapshot::synced";
    /// It has replaced the volume.
    REVERT_PLACED = "driver::revert_to_snapshot::placed";
    /// A volume is about to be removed.
    DELETE_VOLUME_BEGUN = "driver::delete_volume::begun";
    /// It is removed, which is not safe yet.
    DELETE_VOLUME_REMOVED = "driver::delete_volume::removed";
    /// A snapshot is about to be removed.
    DELETE_SNAPSHOT_BEGUN = "driver::delete_snapshot::begun";
    /// It is removed.
    DELETE_SNAPSHOT_REMOVED = "driver::delete_snapshot::removed";
    /// A volume is about to grow.
    EXTEND_BEGUN = "driver::extend_volume::begun";
    /// Its space is there, if it is preallocated.
    EXTEND_ALLOCATED = "driver::extend_volume::allocated";
    /// It has its new size, which is not safe yet.
    EXTEND_GROWN = "driver::extend_volume::grown";
    /// A file is about to become a volume.
    MANAGE_BEGUN = "driver::manage_existing::begun";
    /// It has its new name.
    MANAGE_RENAMED = "driver::manage_existing::renamed";
    /// Before a connect looks at anything.
    CONNECT = "driver::connect::begun";
    /// Before the state of the file system is looked at.
    STATS = "driver::stats::begun";
    /// Before a volume is opened.
    OPEN = "driver::open_local::begun";
    /// Before a connection is told.
    INITIALIZE_CONNECTION = "driver::initialize_connection::begun";
}

/// The four steps of what makes a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    pub(crate) begun: &'static str,
    pub(crate) filled: &'static str,
    pub(crate) synced: &'static str,
    pub(crate) placed: &'static str,
}

macro_rules! steps {
    ($($name:ident: $begun:ident $filled:ident $synced:ident $placed:ident;)+) => {$(
        pub(crate) const $name: Steps =
            Steps { begun: $begun, filled: $filled, synced: $synced, placed: $placed };
    )+};
}

steps! {
    CREATING: CREATE_VOLUME_BEGUN CREATE_VOLUME_FILLED CREATE_VOLUME_SYNCED CREATE_VOLUME_PLACED;
    RESTORING: FROM_SNAPSHOT_BEGUN FROM_SNAPSHOT_FILLED FROM_SNAPSHOT_SYNCED FROM_SNAPSHOT_PLACED;
    CLONING: CLONE_BEGUN CLONE_FILLED CLONE_SYNCED CLONE_PLACED;
    SNAPPING: SNAPSHOT_BEGUN SNAPSHOT_FILLED SNAPSHOT_SYNCED SNAPSHOT_PLACED;
    REVERTING: REVERT_BEGUN REVERT_FILLED REVERT_SYNCED REVERT_PLACED;
}
